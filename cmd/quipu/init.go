package main

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/node"
)

// initHelp explains quipu init.
const initHelp = `Make a node in the folder D, which is made unless it is there: a key in
D/quipu.key, an empty log in D/quipu.db, and D/quipu.yaml. A folder that holds
any part of a node is refused.

Without --log the node begins a log of its own. With --log it becomes a member
of the log with that id, whose other members print it ("quipu status"). The
log's genesis then comes with the first peer's hello, or from FILE, and is
checked against the id; entries can be written before that. FILE holds the
genesis in hex, as the field "genesis" of "quipu status --format json" has it.

With --key the node writes with the Ed25519 key in FILE, of mode 0600, in PKCS#8 PEM
as openssl writes it or in the form of ssh-keygen, plain or sealed by a passphrase.
FILE is copied to D/quipu.key as it is. A sealed key stays sealed, and every command
that opens the folder itself needs the passphrase, and so does the daemon's start:
from the file that --key-passphrase-file names, which is then put into D/quipu.yaml,
from $QUIPU_KEY_PASSPHRASE, or from whoever is at the terminal. A key has one folder
at a time: two that write with it fork its feed. So a log that is joined with --key
begins as one that may not know the end of its own feed: it appends nothing before
its daemon has asked the members. "quipu help recover" says more.

Prints the author and the log, each on a line of its own.`

func newInit() *cobra.Command {
	var b node.Birth
	var log, genesis, phrase string
	cmd := &cobra.Command{
		Use:   "init --dir D [--name N] [--log ID] [--genesis FILE] [--key FILE]",
		Short: "Make a node: a key, a log and a configuration",
		Long:  initHelp,
		Example: "  quipu init --dir a --name alpha\n  quipu init --dir b --log 0123456789abcdef0123456789abcdef\n" +
			"  quipu init --dir c --key ~/.ssh/id_ed25519",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if log != "" {
				id, err := crdt.ParseLogID(log)
				if err != nil {
					return usagef("--log: %w", err)
				}
				b.Log = id
			}
			if genesis != "" {
				g, err := readGenesis(cmd, genesis)
				if err != nil {
					return err
				}
				b.Genesis = &g
			}
			if cmd.Flags().Changed("key") && b.KeyFile == "" {
				return usagef("--key is empty: expected the name of a file")
			}
			if b.KeyFile == "" && phrase != "" {
				return usagef("--%s goes with --key", passphraseFlag)
			}
			b.Passphrase = passphrase(cmd.Context(), phrase, "")
			author, id, err := node.Init(b)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "author %s\nlog %s\n", author, id)
			return err
		},
	}
	folderFlag(cmd, &b.Dir)
	cmd.Flags().StringVar(&b.Name, "name", "", "the `name` by which the node is shown to people")
	cmd.Flags().StringVar(&log, "log", "", "the `id` of the log to become a member of")
	cmd.Flags().StringVar(&genesis, "genesis", "", "a `file` with the log's genesis in hex, or stdin (-)")
	cmd.Flags().StringVar(&b.KeyFile, "key", "", "a `file` with the key to write with, instead of a new one")
	cmd.Flags().StringVar(&phrase, passphraseFlag, "", "a `file` with the passphrase of --key, where that is sealed by one")
	return cmd
}

// readGenesis reads a genesis from a file, in hex.
func readGenesis(cmd *cobra.Command, path string) (crdt.Genesis, error) {
	const most = 64 << 10 // characters, far more than one has
	text, err := readInput(cmd, path, most)
	if err != nil {
		return crdt.Genesis{}, fmt.Errorf("read genesis: %w", err)
	}
	if text, err = bom.Strip(text); err != nil {
		return crdt.Genesis{}, fmt.Errorf("read genesis: %s: %w", path, err)
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return crdt.Genesis{}, fmt.Errorf("read genesis: %s: expected hex digits", path)
	}
	g, err := crdt.ParseGenesis(b)
	if err != nil {
		return crdt.Genesis{}, fmt.Errorf("read genesis: %s: %w", path, err)
	}
	return g, nil
}
