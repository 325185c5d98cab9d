package main

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
)

func newTransition() *cobra.Command {
	var dir, from string
	var move api.Move
	var input ndjson
	cmd := &cobra.Command{
		Use:   "transition --dir D --subject S --to B [flags] | transition --dir D --ndjson [FILE|-]",
		Short: "Move a subject from one stage to another",
		Long: `Write that a subject moved to another stage: one transition, or with --ndjson
one for each line, a JSON object with the fields subject and to, and if wanted
from, trigger, time, module and headers.

Without --from the subject moves from the stage it is in. A stage that is given
is the writer's word: where the log says otherwise, the transition is written
all the same and "quipu transitions" says so.

Prints places as "quipu append" does.`,
		Example: `  quipu transition --dir a --subject PEP-0008 --to active --trigger vote
  quipu transition --dir a --ndjson moves.jsonl`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines, err := input.given(cmd)
			if err != nil {
				return err
			}
			if lines {
				return transitionLines(cmd, dir, &input)
			}
			if move.Subject == "" || move.To == "" {
				return usagef("--subject and --to are needed: what moves, and where to (or give --ndjson)")
			}
			for name, text := range map[string]string{"subject": move.Subject, "to": move.To, "from": from, "trigger": move.Trigger} {
				if !utf8.ValidString(text) {
					return usagef("--%s %q is not valid UTF-8", name, text)
				}
			}
			if cmd.Flags().Changed("from") {
				move.From = &from
			}
			line, err := json.Marshal(move)
			if err != nil {
				return err
			}
			return withNode(cmd.Context(), dir, func(c *api.Client) error {
				err := printPlaces(cmd.OutOrStdout(), c.Transition(cmd.Context(), bytes.NewReader(line)))
				return withoutLine(err)
			})
		},
	}
	dirFlag(cmd, &dir)
	f := cmd.Flags()
	f.StringVar(&move.Subject, "subject", "", "what moves")
	f.StringVar(&move.To, "to", "", "the `stage` it moves to")
	f.StringVar(&from, "from", "", "the `stage` it moves from (default: the one it is in)")
	f.StringVar(&move.Trigger, "trigger", "", "what made it move")
	input.add(cmd, "transitions")
	return cmd
}

// transitionLines appends the transitions that the lines of a file hold.
func transitionLines(cmd *cobra.Command, dir string, from *ndjson) error {
	return from.each(cmd, dir, func(c *api.Client, lines io.Reader) error {
		return printPlaces(cmd.OutOrStdout(), c.Transition(cmd.Context(), lines))
	})
}
