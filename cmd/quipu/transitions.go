package main

import (
	"bufio"
	"encoding/json"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
)

// transitionsHelp explains quipu transitions.
const transitionsHelp = `Print the transitions in causal order, all of them or those of the given
subjects: by clock, which is true to cause and effect where clocks are within a
minute, but never one before the one that it names. What is odd about one is said
beside it: that it is concurrent with another, whose writer had not seen it; that
what it comes after is not here yet, or was pruned; that its subject was in
another stage than it says; that it cannot be read. Where entries were pruned,
which may have been transitions, a line on stderr counts them; --gone stop ends
with exit code 3 then.

--machine names a YAML file that declares the stages, the allowed moves, where a
subject may begin and where it ends:

  states: [draft, {name: accepted, aliases: [acepted]}, withdrawn]
  initial: draft
  terminal: [accepted, withdrawn]
  moves:
    - {from: draft, to: accepted, triggers: [vote]}
    - {from: "*", to: withdrawn}

With it every transition is held against the machine and against the others
(--check, the default), and what is odd is listed with its class, what was
expected instead, and a count for each class. The exit code is 0 when every
transition is sound and 1 when one is not; one that comes after what was pruned
is sound, and is counted. --dot and --mermaid draw the machine
for Graphviz and for Mermaid, with how often each move happened on its edge:
solid where it is allowed, dashed and marked where it is not.

` + atHelp

func newTransitions() *cobra.Command {
	var dir, format string
	var subjects []string
	var against checkFlags
	var gone movesGone
	cmd := &cobra.Command{
		Use:   "transitions --dir D [--subject S]... [--machine FILE [--check|--dot|--mermaid]]",
		Short: "Print the transition log, or check it against a state machine",
		Long:  transitionsHelp,
		Example: `  quipu transitions --dir a --subject PEP-0008
  quipu transitions --dir a --machine pep.yaml --check
  quipu transitions --dir a --machine pep.yaml --dot | dot -Tsvg > pep.svg`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := against.check(cmd, format); err != nil {
				return err
			}
			if against.file != "" {
				return against.run(cmd, api.CheckRequest{Subjects: subjects}, dir, format, gone.look)
			}
			heads := []string{"PLACE", "TIME", "SUBJECT", "FROM", "TO", "TRIGGER", "NOTES"}
			widths := []int{placeWidth, timeWidth, 12, 12, 12, 12}
			return withNode(cmd.Context(), dir, func(c *api.Client) error {
				if err := gone.look(cmd, c); err != nil {
					return err
				}
				all := c.Transitions(cmd.Context(), subjects...)
				return printAll(cmd.OutOrStdout(), format, all, heads, widths, func(t api.Transition) []string {
					return []string{
						shortPlace(t.Place), t.Time.UTC().Format(timeLayout), t.Subject, dash(t.From), dash(t.To),
						dash(t.Trigger), strings.Join(t.Notes, "; "),
					}
				})
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringArrayVar(&subjects, "subject", nil, "take transitions of this `subject` (repeat it for several)")
	against.add(cmd)
	gone.add(cmd)
	formatFlag(cmd, &format, asTable, asText, asJSON, asNDJSON)
	return cmd
}

// dash stands for nothing in a table.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// printAll prints values in one of the formats; row makes the cells of a table.
func printAll[T any](w io.Writer, format string, all iter.Seq2[T, error], heads []string, widths []int, row func(T) []string) error {
	out := bufio.NewWriterSize(w, 64<<10)
	array := array{w: out}
	var table *table
	for value, err := range all {
		if err != nil {
			_ = out.Flush() // what came before the error is worth seeing
			return err
		}
		if format == asTable {
			if table == nil {
				if table, err = newTable(out, heads, widths...); err != nil {
					return err
				}
			}
			err = table.row(row(value)...)
		} else {
			err = printValue(out, &array, format, value)
		}
		if err != nil {
			return err
		}
	}
	if format == asJSON {
		if err := array.end(); err != nil {
			return err
		}
	}
	return out.Flush()
}

func printValue(w io.Writer, array *array, format string, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if format == asJSON {
		return array.add(b)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
