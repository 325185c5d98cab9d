package main

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// logHelp explains quipu log.
const logHelp = `Print the entries of the log, all of them or those that the flags take.

The order is author (by author, then seq: the order of the log), causal (by
clock: where clocks are within a minute, what one writer had seen comes before
what it wrote) or arrival (as this node came to hold them). The first two are the
same on every node that holds the same entries.

--newest N prints the N newest entries, oldest first: the last ones in causal
order. --reverse turns any order round; with --limit it begins at the end of that
order, which in author order is the end of the last author's feed, not what was
written last.

Entries that an author has contradicted, by signing two for one place, are shown
with their branch as AUTHOR/SEQ@BRANCH; --disputed hide leaves them out, and
only shows nothing else. "quipu forks" explains them.

Entries whose bodies were trimmed, or that were pruned, are left out, and a line
on stderr counts those of the authors in question; so are those that a trim takes
while the command reads. --gone show prints one line
for a run of trimmed ones (in JSON, "gone" says how many; a run is one entry to
--limit), --gone stop ends with exit code 3 at the first, and says where to go on.

--since and --until go by event time: --since takes what happened at that time or
later, --until what happened before it.
` + timeHelp + `

With AUTHOR/SEQ only the entry at that place is printed; the exit code is 3 when
it is not there, or is gone.

--format table is for people, with the control characters of strangers made
visible, and with a column MODULE where an entry has one. On a terminal it is as
wide as that, or as $COLUMNS says: payloads are cut, the middle of a wide subject
is left out, and a row that fits in no way goes on below. Where there is nothing
to print, stderr says so. ndjson prints one JSON object a line, which "quipu
append --ndjson" reads; json prints the same as one array. On a terminal both
escape what a terminal would act upon; to a pipe or a file every byte goes as it
is.

` + entryHelp + `

A line that stands for trimmed ones (--gone show) has author, seq, op, clock,
gone, which is how many they are, retention and offset.`

func newLog() *cobra.Command {
	var dir, format string
	var q api.Query
	var who sought
	var newest int
	cmd := &cobra.Command{
		Use:     "log --dir D [flags] [AUTHOR/SEQ]",
		Short:   "Print the log",
		Long:    logHelp,
		Example: "  quipu log --dir a --newest 10\n  quipu log --dir a --kind note --since 2024-05-01T00:00:00Z --format ndjson",
		Args:    atMostOnePlace,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return logOne(cmd, dir, args[0], format)
			}
			if who.from != "" && q.Order != "author" {
				return usagef("--from goes with --order author, not %s", q.Order)
			}
			turn, err := askNewest(cmd, &q, newest)
			if err != nil {
				return err
			}
			return reading(cmd, dir, func(c *client.Client) error {
				if err := who.find(cmd.Context(), c, &q); err != nil {
					return err
				}
				return printLog(cmd, c, q, turn, format)
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().Var(&choice{&q.Order, []string{"author", "causal", "arrival"}}, "order", "author, causal or arrival")
	q.Order = "author"
	filterFlags(cmd, &q, &who)
	goneFlag(cmd, &q, skipGone, showGone, stopGone)
	cmd.Flags().StringVar(&who.from, "from", "", "begin at this place, `AUTHOR/SEQ` (author order only)")
	cmd.Flags().BoolVar(&q.Reverse, "reverse", false, "last to first")
	newestFlag(cmd, &newest)
	formatFlag(cmd, &format, asTable, asJSON, asNDJSON)
	return cmd
}

// printLog prints the entries that the query takes, last to first if they are to be turned, and says how many
// are left out.
func printLog(cmd *cobra.Command, c *client.Client, q api.Query, turn bool, format string) error {
	out := newBuffered(cmd.OutOrStdout())
	p := newEntryPrinter(out, format)
	q.GoOn = true // what a trim takes meanwhile is counted below with the rest
	if err := p.learn(cmd.Context(), c); err != nil {
		return err
	}
	printed := false
	lines := c.Entries(cmd.Context(), q)
	if turn {
		lines = turned(lines)
	}
	for line, err := range lines {
		if err == nil {
			printed = true
			err = p.print(line)
		}
		if err != nil {
			// What came before the error is worth seeing.
			return errors.Join(err, p.endTable(), out.Flush())
		}
	}
	if err := errors.Join(p.end(), out.Flush()); err != nil {
		return err
	}
	if err := sayUnmatched(cmd, c, q, format, printed); err != nil {
		return err
	}
	gone, err := countGone(cmd.Context(), c, q)
	if note := noteGone(gone); note != "" {
		warnf(cmd, "%s", note)
	}
	return err
}

// sayUnmatched says which values of a query nothing has; where it took something, of those only that stand beside
// others. Where it took nothing for another reason it says only that, which the formats for programs say by themselves.
func sayUnmatched(cmd *cobra.Command, c *client.Client, q api.Query, format string, printed bool) error {
	told := printed
	if printed && max(len(q.Authors), len(q.Kinds), len(q.Modules), len(q.Subjects)) < 2 {
		return nil
	}
	err := warnUnmatched(cmd.Context(), c, q, func(text string) {
		told = true
		warnf(cmd, "%s", text)
	})
	if err == nil && !told {
		sayNone(cmd, format, "no entries")
	}
	return err
}

// atMostOnePlace wants a place or nothing, and no flags that choose entries beside it.
func atMostOnePlace(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	for _, name := range flagNames(cmd) {
		if !slices.Contains(nodeFlags, name) && name != "--format" && cmd.Flags().Changed(name[2:]) {
			return usagef("%s does not go with a place, which names one entry", name)
		}
	}
	return oneArg("AUTHOR/SEQ")(cmd, args)
}

// logOne prints the entry at a place.
func logOne(cmd *cobra.Command, dir, at, format string) error {
	if err := checkPlace(at); err != nil {
		return err
	}
	return reading(cmd, dir, func(c *client.Client) error {
		place, err := findPlace(cmd.Context(), c, at)
		if err != nil {
			return err
		}
		line, err := c.Entry(cmd.Context(), place)
		if err != nil {
			return err
		}
		p := newEntryPrinter(cmd.OutOrStdout(), format)
		if err := p.learn(cmd.Context(), c); err != nil {
			return err
		}
		return errors.Join(p.print(line), p.end())
	})
}

// entryPrinter prints entries in one of the formats.
type entryPrinter struct {
	w      io.Writer
	format string
	atOnce bool // each row of the table is printed as it comes
	array  array
	table  *table
	gone   goneRun // not printed yet
	names  names   // of the nodes whose entries are printed, in a table
}

func newEntryPrinter(w io.Writer, format string) *entryPrinter {
	return &entryPrinter{w: w, format: format, array: array{w: w}}
}

// learn learns the names of the nodes whose entries are to be printed.
func (p *entryPrinter) learn(ctx context.Context, c *client.Client) (err error) {
	if p.format == asTable {
		p.names, err = namesAt(ctx, c)
	}
	return err
}

func (p *entryPrinter) print(line client.Line) error {
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
	if e.Gone > 0 && p.gone.add(e) {
		return nil
	}
	if err := p.flush(); err != nil {
		return err
	}
	if e.Gone > 0 {
		p.gone.add(e)
		return nil
	}
	return p.row(e)
}

// printTransient is print for a transient event, which stands nowhere.
func (p *entryPrinter) printTransient(line client.Line, b crdt.Broadcast) error {
	if p.format != asTable {
		return p.print(line)
	}
	return p.rowAt(b.Author.Short()+"/-", b.Author, b.Event)
}

// flush prints the run of entries that are gone, if there is one.
func (p *entryPrinter) flush() error {
	if p.gone.n == 0 {
		return nil
	}
	p.begin()
	err := p.table.say(p.gone.String())
	p.gone = goneRun{}
	return err
}

// begin begins the table, once.
func (p *entryPrinter) begin() {
	if p.table != nil {
		return
	}
	p.table = newTable(p.w, []column{
		{head: "PLACE", width: placeWidth}, {head: "NAME", width: 8, fit: cutMiddle, optional: true}, {head: "TIME", width: timeWidth},
		{head: "KIND", width: 16, fit: cutMiddle}, {head: "MODULE", width: 12, fit: cutMiddle, optional: true}, {head: "SUBJECT", width: 16, fit: cutMiddle}, {head: "PAYLOAD", fit: cutEnd},
	})
	if p.atOnce {
		p.table.rows = 1
	}
}

func (p *entryPrinter) row(e crdt.Entry) error {
	return p.rowAt(shortPlace(e.Place()), e.Author, e.Event)
}

// rowAt prints a row of the table for an author's event that stands at place.
func (p *entryPrinter) rowAt(place string, a crdt.Author, e crdt.Event) error {
	p.begin()
	const payloadWidth = 81 // columns, with the sign that more follows
	return p.table.row(place, p.names[a.String()], e.Time.UTC().Format(timeLayout), e.Kind, e.Module, e.Subject, fitCell(string(e.Payload), max(payloadWidth, p.table.room), cutEnd))
}

// end prints what stands after the last entry.
func (p *entryPrinter) end() error {
	if p.format == asJSON {
		return p.array.end()
	}
	return p.endTable()
}

// endTable prints what was not printed yet of a table, if there is one.
func (p *entryPrinter) endTable() error {
	err := p.flush()
	if err == nil && p.table != nil {
		err = p.table.end()
	}
	return err
}
