package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/keyform"
)

func newKey() *cobra.Command {
	return group(&cobra.Command{
		Use:   "key",
		Short: "Show a node's public key, or take its private key elsewhere",
		Long: `Show a node's public key in the forms of other programs, or write its private key
to a file that is sealed by a passphrase. "quipu init --key" takes a key in.`,
		Example: "  quipu key show --dir a",
	}, newKeyShow(), newKeyExport())
}

// asOpenSSH and asPEM are the formats in which a public key alone is printed.
const asOpenSSH, asPEM = "openssh", "pem"

// keySource says which key file a command is about.
type keySource struct{ dir, file, phrase string }

// read returns the key file.
func (s *keySource) read() (*folder.KeyFile, error) {
	if s.file != "" {
		return folder.ReadKeyFile(s.file)
	}
	f := folder.Folder(s.dir)
	key, err := f.KeyFile()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.Check() // which says whether there is a node at all
	}
	return key, err
}

// open opens the key file, with the passphrase that the command line, the environment or quipu.yaml has, or a person.
func (s *keySource) open(cmd *cobra.Command, file *folder.KeyFile) (ed25519.PrivateKey, error) {
	config := ""
	if s.dir != "" && file.Sealed {
		// The key is worth more than the rest of the folder: without quipu.yaml it is read all the same.
		if cfg, err := folder.Folder(s.dir).ReadConfig(); err == nil {
			config = cfg.KeyPassphraseFile
		}
	}
	return file.Open(passphrase(cmd.Context(), s.phrase, config))
}

func newKeyShow() *cobra.Command {
	var s keySource
	var format string
	cmd := &cobra.Command{
		Use:   "show --dir D | --key FILE",
		Short: "Print a key's public half in every usual form",
		Long: `Print who writes with the key of the node in D, or in FILE: the author, as quipu
names it, and the same public key as a line of OpenSSH, as PEM, and as the SHA-256
print that ssh-keygen shows. --format openssh and pem print that one alone. Of the
private key nothing is printed.

A sealed file of ssh-keygen shows its public key to anybody; one of openssl is
opened first, with the passphrase as "quipu help init" says.`,
		Example: "  quipu key show --dir a\n  quipu key show --dir a --format openssh\n  quipu key show --key ~/.ssh/id_ed25519",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := s.read()
			if err != nil {
				return err
			}
			public := file.Public
			if public == nil {
				key, err := s.open(cmd, file)
				if err != nil {
					return err
				}
				public = key.Public().(ed25519.PublicKey)
			}
			return showKey(cmd.OutOrStdout(), format, file, public)
		},
	}
	folderFlag(cmd, &s.dir)
	needsDir := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		switch given := cmd.Flags().Changed("key"); {
		case given && cmd.Flags().Changed("dir"):
			return usagef("--dir and --key exclude each other")
		case given && s.file == "":
			return usagef("--key is empty: expected the name of a file")
		case given:
			return nil
		}
		return needsDir(cmd, args)
	}
	cmd.Flags().StringVar(&s.file, "key", "", "a `file` with a key, instead of that of a node")
	cmd.Flags().StringVar(&s.phrase, passphraseFlag, "", "a `file` with the passphrase of the key, where that is sealed by one")
	formatFlag(cmd, &format, asTable, asJSON, asOpenSSH, asPEM)
	return cmd
}

// shownKey is what quipu key show prints in JSON.
type shownKey struct {
	Author  crdt.Author  `json:"author"`
	Short   string       `json:"short"`
	OpenSSH string       `json:"openssh"`
	Print   string       `json:"fingerprint"`
	PEM     string       `json:"pem"`
	Form    keyform.Form `json:"form"`
	Sealed  bool         `json:"sealed"`
}

// showKey prints a public key and in which form the private one stands in its file.
func showKey(out io.Writer, format string, file *folder.KeyFile, public ed25519.PublicKey) error {
	author := crdt.Author(public)
	k := shownKey{
		Author: author, Short: author.Short(), OpenSSH: keyform.LineOf(public), Print: keyform.PrintOf(public), PEM: keyform.PEMOf(public),
		Form: file.Form, Sealed: file.Sealed,
	}
	switch format {
	case asJSON:
		return printJSON(out, k)
	case asOpenSSH:
		_, err := fmt.Fprintln(out, k.OpenSSH)
		return err
	case asPEM:
		_, err := io.WriteString(out, k.PEM)
		return err
	}
	form := map[keyform.Form]string{keyform.PKCS8: "PKCS#8 in PEM", keyform.OpenSSH: "OpenSSH's"}[k.Form]
	if k.Sealed {
		form += ", sealed by a passphrase"
	} else {
		form += ", not sealed"
	}
	var f facts
	f.line("author", "%s", k.Author)
	f.line("short", "%s", k.Short)
	f.line("openssh", "%s", k.OpenSSH)
	f.line("print", "%s", k.Print)
	f.line("file", "%s", form)
	if err := f.print(out); err != nil {
		return err
	}
	_, err := io.WriteString(out, k.PEM)
	return err
}

func newKeyExport() *cobra.Command {
	var s keySource
	var to, newPhrase string
	form := string(keyform.PKCS8)
	cmd := &cobra.Command{
		Use:   "export --dir D --to FILE [--form pkcs8|openssh] [--new-passphrase-file FILE]",
		Short: "Write a node's private key to a new file, sealed by a passphrase",
		Long: `Write the private key of the node in D to a new FILE, mode 0600, sealed by a
passphrase: as PKCS#8, which openssl reads, or in the form of ssh-keygen. It goes
nowhere but to a file, and never without a passphrase, which is read from the file
that --new-passphrase-file names, or asked for twice at the terminal.

Whoever has FILE and the passphrase can write as this node. It is a copy to keep:
"quipu init --key" makes a node of it again, when this one is gone for good. Two
that write with one key fork its feed.`,
		Example: "  quipu key export --dir a --to alpha.pem\n  quipu key export --dir a --to alpha --form openssh --new-passphrase-file alpha.passphrase",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to == "" || to == stdio {
				return usagef("--to is missing: it names a new file, since a private key is never printed")
			}
			return s.export(cmd, to, keyform.Form(form), newPhrase)
		},
	}
	folderFlag(cmd, &s.dir)
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "the new `file`")
	f.Var(&choice{&form, []string{string(keyform.PKCS8), string(keyform.OpenSSH)}}, "form", "how to write it: pkcs8 or openssh")
	f.StringVar(&newPhrase, "new-passphrase-file", "", "a `file` with the passphrase to seal it by")
	f.StringVar(&s.phrase, passphraseFlag, "", "a `file` with the passphrase of the node's key, where that is sealed by one")
	return cmd
}

// export writes the key to a new file.
func (s *keySource) export(cmd *cobra.Command, to string, form keyform.Form, newPhrase string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("export key: %s: %w: a key replaces nothing", to, errors.Join(err, fs.ErrExist))
	}
	file, err := s.read()
	if err != nil {
		return err
	}
	key, err := s.open(cmd, file)
	if err != nil {
		return err
	}
	var phrase []byte
	if newPhrase != "" {
		phrase, err = folder.ReadPassphrase(newPhrase)
	} else {
		phrase, err = personOf(cmd.Context()).invent(cmd.Context(), to)
	}
	if errors.Is(err, errNobodyAsked) {
		return usagef("a private key is written sealed by a passphrase, and %w: give --new-passphrase-file", err)
	}
	if err != nil {
		return err
	}
	text, err := keyform.Seal(key, form, phrase)
	if err != nil {
		return err
	}
	if err := folder.ExportKey(to, text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "exported %s\n", crdt.AuthorOf(key))
	return err
}
