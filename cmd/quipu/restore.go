package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
)

const restoreHelp = `Make a node in the new folder D of backups that "quipu backup" has made: of one, or
of one and those since it, in their order. FILE may be - for stdin. The node has
the log as it was, its followers where they were, quipu.yaml, and where members
were.

With which key it writes is to be said:

  (neither)  the key that was put into the backup with --with-key. Its passphrase
             comes from the file that --passphrase-file names, or is asked for
  --key      FILE has the key of the node that was backed up, such as
             "quipu key export" has written it
  --new-key  another author writes here, who has written nothing yet and holds
             everything, while the node that was backed up may run on. Followers
             go on where they were, and repeat nothing of what they have done.
             Give it a name and an address of its own in D/quipu.yaml

A node that goes on with its key may have written more since the backup was made,
so it asks the members before it appends, as "quipu help recover" says; where there
are none left, "quipu recover --alone" does without. The cluster secret is restored
with the key that is sealed; else put that of a member into D/secret.

A folder that holds any part of a node is refused, but for a secret. A backup that
is cut, altered or of another log is named, and nothing is restored. When the
command is killed there is no node in D, and running it again takes away what it has
left. What a backup lacks, since it could not be read when that was made, is named
and missing in D; the exit code is 1 then, and other nodes may have it.`

// restoreCommand is a quipu restore on its way.
type restoreCommand struct {
	node.Restoration
	format            string
	phrase, keyPhrase string
}

func newRestore() *cobra.Command {
	var r restoreCommand
	cmd := &cobra.Command{
		Use:   "restore --dir D [--key FILE | --new-key] FILE...",
		Short: "Make a node again of its backups",
		Long:  restoreHelp,
		Example: `  quipu restore --dir a --key a.pem a.backup
  quipu restore --dir a --passphrase-file a.passphrase a.backup monday.backup
  quipu restore --dir b --new-key a.backup`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("expected the names of backups, in their order")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case r.NewKey && cmd.Flags().Changed("key"):
				return usagef("--key and --new-key exclude each other")
			case cmd.Flags().Changed("key") && r.KeyFile == "":
				return usagef("--key is empty: expected the name of a file")
			case r.KeyFile == "" && r.keyPhrase != "":
				return usagef("--%s goes with --key", passphraseFlag)
			}
			return r.run(cmd, args)
		},
	}
	folderFlag(cmd, &r.Dir)
	f := cmd.Flags()
	f.StringVar(&r.KeyFile, "key", "", "a `file` with the key of the node that was backed up")
	f.BoolVar(&r.NewKey, "new-key", false, "write as another author, beside the node that was backed up")
	f.StringVar(&r.phrase, "passphrase-file", "", "a `file` with the passphrase of what is sealed in the backup")
	f.StringVar(&r.keyPhrase, passphraseFlag, "", "a `file` with the passphrase of --key, where that is sealed by one")
	formatFlag(cmd, &r.format, asTable, asJSON)
	return cmd
}

// restored is what quipu restore prints in JSON.
type restored struct {
	Dir     string      `json:"dir"`
	Author  crdt.Author `json:"author"`
	Log     crdt.LogID  `json:"log"`
	Made    time.Time   `json:"made"`
	Entries uint64      `json:"entries"`
	Next    uint64      `json:"next"` // the offset behind the last entry
	Secret  bool        `json:"secret"`
	Missing []string    `json:"missing"`
	More    uint64      `json:"more,omitempty"` // that are not listed
	pace
}

// run restores the node.
func (r *restoreCommand) run(cmd *cobra.Command, paths []string) error {
	ctx := cmd.Context()
	r.Passphrase = passphrase(ctx, r.keyPhrase, "")
	r.Unseal = folder.Passphrase{File: r.phrase}
	if sitter := personOf(ctx); sitter.there {
		r.Unseal.Ask = func(path string, try int) ([]byte, error) { return sitter.tell(ctx, path, try) }
	}
	var read counted
	var backups []io.Reader
	for _, path := range paths {
		in, err := openInput(cmd, path)
		if err != nil {
			return err
		}
		defer in.Close()
		backups = append(backups, named{io.TeeReader(in, &read), path})
	}
	began := time.Now()
	done, err := metered(cmd, "restore", func(told func(api.Progress)) (node.Restored, error) {
		r.Progress = progressOf(told)
		return node.Restore(ctx, r.Restoration, backups...)
	})
	switch {
	case errors.Is(err, node.ErrNoKey):
		return usagef("the backup has no key: give --key, or --new-key for a node of its own")
	case errors.Is(err, folder.ErrUnsealed):
		return usagef("the key in the backup is sealed by a passphrase, and %w: give --passphrase-file, --key or --new-key", errNobodyAsked)
	case err != nil:
		return err
	}
	t := restored{
		Dir: r.Dir, Author: done.Author, Log: done.Log, Made: done.Made, Entries: done.Entries, Next: done.Next, Secret: done.Secret,
		Missing: append([]string{}, done.Missing...), More: done.More, pace: paceOf(int64(read), began),
	}
	if err := r.print(cmd, t, &done); err != nil {
		return err
	}
	if len(t.Missing) > 0 {
		return fmt.Errorf("%s lacks what the backups lack: %s: other nodes may have it", r.Dir, clip.List(t.Missing, 3, printable))
	}
	return nil
}

// lacksSecret reports whether the node that was restored has used a secret, and has none.
func (r *restoreCommand) lacksSecret(f folder.Folder) bool {
	cfg, err := f.ReadConfig()
	last, failed := f.LastSecret()
	_, missing := os.Lstat(f.Secret())
	return err == nil && failed == nil && cfg.SecretFile == "" && last != "" && last != folder.Open && missing != nil
}

// counted counts what is written to it, in bytes.
type counted int64

func (c *counted) Write(b []byte) (int, error) {
	*c += counted(len(b))
	return len(b), nil
}

// print says what was restored, and what is to be done now.
func (r *restoreCommand) print(cmd *cobra.Command, t restored, done *node.Restored) error {
	if r.format == asJSON {
		return printJSON(cmd.OutOrStdout(), t)
	}
	var f facts
	f.line("author", "%s", t.Author)
	f.line("log", "%s", t.Log)
	f.line("restored", "%s, as of %s; %s", count(t.Entries, "entry"), t.Made.Format(time.RFC3339), t.pace)
	for _, m := range t.Missing {
		f.line("missing", "%s", m)
	}
	if t.More > 0 {
		f.line("missing", "%d more", t.More)
	}
	if !done.Configured {
		f.line("note", "the backup has no quipu.yaml: all in that of %s has its default", r.Dir)
	}
	if in := folder.Folder(r.Dir); r.lacksSecret(in) {
		f.line("note", "the node has used a secret, which is not here: put that of a member into %s", in.Secret())
	}
	switch {
	case r.NewKey:
		f.line("then", "give the node a name and an address of its own in %s, and start it", folder.Folder(r.Dir).Config())
	default:
		f.line("then", "start it: it asks the members where its feed ends before it appends")
	}
	return f.print(cmd.OutOrStdout())
}
