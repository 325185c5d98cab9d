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

func newTransitions() *cobra.Command {
	var dir, format string
	var subjects []string
	cmd := &cobra.Command{
		Use:   "transitions --dir D [--subject S]...",
		Short: "Print the transition log",
		Long: `Print the transitions in causal order, all of them or those of the given
subjects. What is odd about one is said beside it: that it is concurrent with
another, whose writer had not seen it; that what it comes after is not here;
that its subject was in another stage than it says; that it cannot be read.`,
		Example: "  quipu transitions --dir a --subject PEP-0008",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			heads := []string{"PLACE", "TIME", "SUBJECT", "FROM", "TO", "TRIGGER", "NOTES"}
			widths := []int{placeWidth, timeWidth, 12, 12, 12, 12}
			return withNode(cmd.Context(), dir, func(c *api.Client) error {
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
	formatFlag(cmd, &format, asTable, asJSON, asNDJSON)
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
