package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
)

func newState() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "state --dir D",
		Short: "Print each subject's present stage",
		Long: `Print the stage that each subject is in, the transition that led there, and how
many transitions it has. The last transition in causal order counts, which is
the same one on every node that holds the same entries.`,
		Example: "  quipu state --dir a",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			heads := []string{"SUBJECT", "STAGE", "SINCE", "PLACE", "MOVES", "NOTES"}
			widths := []int{16, 12, timeWidth, placeWidth, 5}
			return withNode(cmd.Context(), dir, func(c *api.Client) error {
				return printAll(cmd.OutOrStdout(), format, c.States(cmd.Context()), heads, widths, func(s api.State) []string {
					note := ""
					if s.Concurrent > 0 {
						note = fmt.Sprintf("%d concurrent", s.Concurrent)
					}
					return []string{
						s.Subject, s.Stage, s.Time.UTC().Format(timeLayout), shortPlace(s.Place), strconv.Itoa(s.Moves), note,
					}
				})
			})
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON, asNDJSON)
	return cmd
}
