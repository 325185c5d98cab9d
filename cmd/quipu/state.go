package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newState() *cobra.Command {
	var dir, format string
	var q api.StateQuery
	var at atFlags
	var gone movesGone
	cmd := &cobra.Command{
		Use:   "state --dir D [--subject S]... [--at TIME|FRONTIER]",
		Short: "Print each subject's stage, now or at a moment",
		Long: `Print the stage that each subject is in, the transition that led there, and how
many transitions it has. The last transition in causal order counts (by clock,
which is true to cause and effect where clocks are within a minute, and never one
before the one that it names); it is the same one on every node that holds the
same entries. A subject is contested
where writers who may not have seen each other moved it to different stages, and
nobody has moved it on in knowledge of the last: then all those stages are named.

A subject is as its last transition here says. Where entries were pruned, which
may have been transitions, a line on stderr counts them, and a subject of which
transitions are missing says so; --gone stop prints nothing then, and ends with
exit code 3.

` + atHelp,
		Example: `  quipu state --dir a
  quipu state --dir a --subject PEP-0008 --at 2024-05-01T12:00:00Z
  quipu frontier --dir a --format json > then.json
  quipu state --dir a --at then.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if q.At, err = at.moment(cmd); err != nil {
				return err
			}
			return reading(cmd, dir, func(c *client.Client) error {
				if err := gone.look(cmd, c); err != nil {
					return err
				}
				return listedStates.print(cmd, format, c.States(cmd.Context(), q))
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringArrayVar(&q.Subjects, "subject", nil, "take this `subject` (repeat it for several)")
	at.add(cmd)
	gone.add(cmd)
	formatFlag(cmd, &format, asTable, asJSON, asNDJSON)
	return cmd
}

var listedStates = listing[api.State]{
	columns: []column{
		{head: "SUBJECT", width: 16, fit: cutMiddle}, {head: "STAGE", width: 12, fit: cutMiddle}, {head: "SINCE", width: timeWidth},
		{head: "PLACE", width: placeWidth}, {head: "MOVES"}, {head: "NOTES", fit: cutEnd},
	},
	row: func(s api.State) []string {
		return []string{
			s.Subject, s.Stage, s.Time.UTC().Format(timeLayout), shortPlace(s.Place), strconv.Itoa(s.Moves), stateNotes(s),
		}
	},
	none: "no transitions",
}

// stateNotes says what is odd about where a subject is.
func stateNotes(s api.State) string {
	var notes []string
	if s.Pruned {
		notes = append(notes, "earlier moves pruned")
	}
	if s.Concurrent > 0 {
		notes = append(notes, fmt.Sprintf("%d concurrent", s.Concurrent))
	}
	if len(s.Contested) > 0 {
		notes = append(notes, "contested: "+enum.OneOf(candidates(s)))
	}
	return strings.Join(notes, "; ")
}

// candidates returns the stages that a contested subject may be in, each once.
func candidates(s api.State) []string {
	var stages []string
	for _, c := range s.Contested {
		if !slices.Contains(stages, c.Stage) {
			stages = append(stages, c.Stage)
		}
	}
	return stages
}
