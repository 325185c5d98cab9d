package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

func newCheckProof() *cobra.Command {
	return &cobra.Command{
		Use:   "check-proof FILE",
		Short: "Check a proof of one entry",
		Long: `Check a proof that "quipu prove" made, from FILE or from stdin (-). It needs no
log. When the proof holds it prints who wrote what in which log:

  log ID
  place AUTHOR/SEQ
  entry {"author":…}

and the exit code is 0; whether that author and log are the right ones is for
the reader to say. When it does not hold the exit code is 1.`,
		Example: "  quipu check-proof p.json",
		Args:    oneArg("the file with the proof"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := readInput(cmd, args[0], crdt.MaxProof)
			if err != nil {
				return fmt.Errorf("read proof: %w", err)
			}
			var proof crdt.EntryProof
			if err := api.Decode(b, &proof); err != nil {
				return fmt.Errorf("read proof: %w", err)
			}
			entry, err := proof.Verify()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "log %s\nplace %s\nentry %s\n", proof.Log, entry.Place(), entry.AppendJSON(nil, nil))
			return err
		},
	}
}
