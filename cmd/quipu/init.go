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

func newInit() *cobra.Command {
	var b node.Birth
	var log, genesis string
	cmd := &cobra.Command{
		Use:   "init --dir D [--name N] [--log ID] [--genesis FILE]",
		Short: "Make a node: a key, a log and a configuration",
		Long: `Make a node in the folder D, which is made unless it is there: a new key in
D/quipu.key, an empty log in D/quipu.db, and D/quipu.yaml. A folder that holds
any part of a node is refused.

Without --log the node begins a log of its own. With --log it becomes a member
of the log with that id, whose other members print it ("quipu status"). The
log's genesis then comes with the first peer's hello, or from FILE, and is
checked against the id; entries can be written before that. FILE holds the
genesis in hex, as the field "genesis" of "quipu status --format json" has it.

Prints the new author and the log, each on a line of its own.`,
		Example: "  quipu init --dir a --name alpha\n  quipu init --dir b --log 0123456789abcdef0123456789abcdef",
		Args:    noArgs,
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
			author, id, err := node.Init(b)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "author %s\nlog %s\n", author, id)
			return err
		},
	}
	dirFlag(cmd, &b.Dir)
	cmd.Flags().StringVar(&b.Name, "name", "", "the `name` by which the node is shown to people")
	cmd.Flags().StringVar(&log, "log", "", "the `id` of the log to become a member of")
	cmd.Flags().StringVar(&genesis, "genesis", "", "a `file` with the log's genesis in hex, or stdin (-)")
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
