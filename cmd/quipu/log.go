package main

import (
	"bufio"
	"io"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

func newLog() *cobra.Command {
	var dir, format string
	var q api.Query
	cmd := &cobra.Command{
		Use:   "log --dir D [flags]",
		Short: "Print the log",
		Long: `Print the entries of the log, all of them or those that the flags take.

The order is author (by author, then seq: the order of the log), causal (by
clock: what one writer had seen comes before what it wrote) or arrival (as this
node came to hold them). The first two are the same on every node that holds
the same entries. With --limit, --reverse gives the newest, newest first.

Entries that an author has contradicted, by signing two for one place, are shown
with their branch as AUTHOR/SEQ@BRANCH; --disputed hide leaves them out, and
only shows nothing else. "quipu forks" explains them.

--format table is for people, with the control characters of strangers made
visible; ndjson prints one JSON object a line, which "quipu append --ndjson"
reads; json prints the same as one array.`,
		Example: "  quipu log --dir a --order causal --reverse --limit 10\n  quipu log --dir a --kind note --since 2024-05-01T00:00:00Z --format ndjson",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if q.From != nil && q.Order != "author" {
				return usagef("--from goes with --order author, not %s", q.Order)
			}
			return withNode(cmd.Context(), dir, func(c *api.Client) error {
				out := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
				p := newEntryPrinter(out, format)
				for line, err := range c.Entries(cmd.Context(), q) {
					if err == nil {
						err = p.print(line)
					}
					if err != nil {
						_ = out.Flush() // what came before the error is worth seeing
						return err
					}
				}
				if err := p.end(); err != nil {
					return err
				}
				return out.Flush()
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().Var(&choice{&q.Order, []string{"author", "causal", "arrival"}}, "order", "author, causal or arrival")
	q.Order = "author"
	filterFlags(cmd, &q)
	cmd.Flags().Var(&place{&q.From}, "from", "begin at this place, `AUTHOR/SEQ` (author order only)")
	cmd.Flags().BoolVar(&q.Reverse, "reverse", false, "last to first")
	formatFlag(cmd, &format, asTable, asJSON, asNDJSON)
	return cmd
}

// entryPrinter prints entries in one of the formats.
type entryPrinter struct {
	w      io.Writer
	format string
	array  array
	table  *table
}

func newEntryPrinter(w io.Writer, format string) *entryPrinter {
	return &entryPrinter{w: w, format: format, array: array{w: w}}
}

func (p *entryPrinter) print(line api.Line) error {
	switch p.format {
	case asJSON:
		return p.array.add(line)
	case asNDJSON:
		// The line lies in a buffer of the client's, with its own end cut off; nothing is appended to it.
		if _, err := p.w.Write(line); err != nil {
			return err
		}
		_, err := io.WriteString(p.w, "\n")
		return err
	}
	e, _, err := line.Entry()
	if err != nil {
		return err
	}
	return p.row(e)
}

// printTransient is print for a transient event, which stands nowhere.
func (p *entryPrinter) printTransient(line api.Line, b crdt.Broadcast) error {
	if p.format != asTable {
		return p.print(line)
	}
	return p.rowAt(b.Author.Short()+"/-", b.Event)
}

func (p *entryPrinter) row(e crdt.Entry) error { return p.rowAt(shortPlace(e.Place()), e.Event) }

// rowAt prints a row of the table for an event that stands at place.
func (p *entryPrinter) rowAt(place string, e crdt.Event) error {
	if p.table == nil {
		var err error
		p.table, err = newTable(p.w, []string{"PLACE", "TIME", "KIND", "SUBJECT", "PAYLOAD"}, placeWidth, timeWidth, 16, 16)
		if err != nil {
			return err
		}
	}
	const payloadWidth = 80
	return p.table.row(place, e.Time.UTC().Format(timeLayout), e.Kind, e.Subject, clip(string(e.Payload), payloadWidth))
}

// end prints what stands after the last entry.
func (p *entryPrinter) end() error {
	if p.format == asJSON {
		return p.array.end()
	}
	return nil
}
