package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/client"
)

func newProve() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "prove --dir D AUTHOR/SEQ",
		Short: "Print a proof of one entry",
		Long: `Print a proof, in JSON, that AUTHOR wrote the entry at AUTHOR/SEQ. "quipu
check-proof" checks it, on any machine and without any log. AUTHOR may be cut to
his first digits, as "quipu log" prints them, or be the name of a node.`,
		Example: "  quipu prove --dir a AUTHOR/0 > p.json",
		Args:    oneArg("AUTHOR/SEQ"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkPlace(args[0]); err != nil {
				return err
			}
			return reading(cmd, dir, func(c *client.Client) error {
				place, err := findPlace(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				proof, err := c.Prove(cmd.Context(), place)
				if err != nil {
					return err
				}
				b, err := json.Marshal(proof)
				if err != nil {
					return err
				}
				_, err = cmd.OutOrStdout().Write(append(b, '\n'))
				return err
			})
		},
	}
	dirFlag(cmd, &dir)
	return cmd
}
