package main

import (
	"encoding/json"
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// transitionsHelp explains quipu transitions.
const transitionsHelp = `Print the transitions in causal order, all of them or those of the given
subjects, up to now or to the moment of --at: by clock, which is true to cause and effect where clocks are within a
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
	var q api.StateQuery
	var at atFlags
	var against checkFlags
	var gone movesGone
	cmd := &cobra.Command{
		Use:   "transitions --dir D [--subject S]... [--at TIME|FRONTIER] [--machine FILE [--check|--dot|--mermaid]]",
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
			var err error
			if q.At, err = at.moment(cmd); err != nil {
				return err
			}
			if against.file != "" {
				return against.run(cmd, api.CheckRequest{Subjects: q.Subjects, At: q.At}, dir, format, gone.look)
			}
			return reading(cmd, dir, func(c *client.Client) error {
				if err := gone.look(cmd, c); err != nil {
					return err
				}
				return listedTransitions.print(cmd, format, c.Transitions(cmd.Context(), q))
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringArrayVar(&q.Subjects, "subject", nil, "take transitions of this `subject` (repeat it for several)")
	at.add(cmd)
	against.add(cmd)
	gone.add(cmd)
	formatFlag(cmd, &format, asTable, asText, asJSON, asNDJSON)
	return cmd
}

var listedTransitions = listing[api.Transition]{
	columns: []column{
		{head: "PLACE", width: placeWidth}, {head: "TIME", width: timeWidth}, {head: "SUBJECT", width: 12, fit: cutMiddle},
		{head: "FROM", width: 12, fit: cutMiddle}, {head: "TO", width: 12, fit: cutMiddle}, {head: "TRIGGER", width: 12, fit: cutMiddle}, {head: "NOTES", fit: cutEnd},
	},
	row: func(t api.Transition) []string {
		return []string{
			shortPlace(t.Place), t.Time.UTC().Format(timeLayout), t.Subject, dash(t.From), dash(t.To),
			dash(t.Trigger), strings.Join(t.Notes, "; "),
		}
	},
	none: "no transitions",
}

// dash stands for nothing in a table.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// listing is how a table shows a stream of values.
type listing[T any] struct {
	columns []column
	row     func(T) []string
	none    string // what is said where there is no value
}

// print prints values in one of the formats.
func (l listing[T]) print(cmd *cobra.Command, format string, all iter.Seq2[T, error]) error {
	out := newBuffered(cmd.OutOrStdout())
	array := array{w: out}
	table := newTable(out, l.columns)
	none := true
	for value, err := range all {
		if err != nil {
			_, _ = table.end(), out.Flush() // what came before the error is worth seeing
			return err
		}
		none = false
		if format == asTable {
			err = table.row(l.row(value)...)
		} else {
			err = printValue(out, &array, format, value)
		}
		if err != nil {
			return err
		}
	}
	var err error
	if format == asJSON {
		err = array.end()
	} else if none {
		sayNone(cmd, format, l.none)
	}
	return errors.Join(err, table.end(), out.Flush())
}

// sayNone says on stderr that there is nothing to list. It is for people: JSON says it by itself, and the
// stdout of a table has nothing then.
func sayNone(cmd *cobra.Command, format, none string) {
	if format == asTable {
		warnf(cmd, "%s", none)
	}
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
