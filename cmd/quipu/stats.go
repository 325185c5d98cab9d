package main

import (
	"context"
	"io"
	"iter"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/analysis"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// asCSV is the format that only stats prints in.
const asCSV = "csv"

// statsHelp explains quipu stats.
const statsHelp = `Without kinds, count the entries by kind, module and author.

With --start-kind and --end-kind, pair each entry that ends something with the
one that began it: the nearest before it that has the same key, is no further
away than --within, and is not taken yet. --oldest takes the oldest instead, as
a queue does; --one-to-many takes the nearest whether it is taken or not. What
is paired with nothing is counted with the reason.

The key is the subject, or as --key says: module, header:NAME, or a JSON pointer
into the payload such as /order/id; --end-key says so for the ends alone.

Time is the event time, to the nanosecond, or with --by-clock the clock, to the
millisecond. Percentiles are by nearest rank, and exact up to a million pairs;
the output says when they are within 0.1 % instead. Sums are always exact.

Entries that are gone, trimmed or pruned, take no part: a line on stderr counts
those of the authors in question, and "gone" in JSON; --gone stop ends with exit
code 3 at the first.

Entries are put in order of time while they are read, as many at a time as
--window says; what comes even later is counted as late and takes no part.

In CSV a text that could be taken for a formula has a ' before it, and control
characters are written as in a table; --format json has every text as it is.

` + timeHelp

func newStats() *cobra.Command {
	var s stats
	cmd := &cobra.Command{
		Use:   "stats --dir D [--start-kind A --end-kind B] [flags]",
		Short: "Count entries, or pair two kinds and say how long they took",
		Long:  statsHelp,
		Example: `  quipu stats --dir a
  quipu stats --dir a --start-kind sent --end-kind paid --end-kind failed --ok-kind paid --within 5m --sum /fee
  quipu stats --dir a --start-kind queued --end-kind done --by module --slowest 10 --format json
  quipu stats --dir a --start-kind sent --end-kind paid --list start-alone`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.check(cmd); err != nil {
				return err
			}
			s.warn = func(text string) { warnf(cmd, "%s", text) }
			return reading(cmd, s.dir, func(c *client.Client) error {
				err := s.who.find(cmd.Context(), c, &s.query)
				if err == nil {
					s.names, err = namesAt(cmd.Context(), c)
				}
				if err != nil {
					return err
				}
				out := newBuffered(cmd.OutOrStdout())
				if err := s.run(cmd.Context(), c, out); err != nil {
					_ = out.Flush() // what came before the error is worth seeing
					return err
				}
				if err := out.Flush(); err != nil {
					return err
				}
				if note := noteGone(s.gone); note != "" {
					s.warn(note)
				}
				return nil
			})
		},
	}
	dirFlag(cmd, &s.dir)
	filterFlags(cmd, &s.query, &s.who)
	goneFlag(cmd, &s.query, skipGone, stopGone)
	s.joinFlags(cmd)
	formatFlag(cmd, &s.format, asText, asJSON, asCSV)
	return cmd
}

// stats is one run of the command.
type stats struct {
	dir, format       string
	query             api.Query
	who               sought
	names             names
	join              analysis.Join
	breakdown         analysis.Breakdown
	by                string
	oldest, oneToMany bool
	byClock           bool
	sum, sumStart     analysis.Pointer
	list              []string
	gone              uint64 // how many entries are not here
	warn              func(string)
}

// run prints what the flags ask for.
func (s *stats) run(ctx context.Context, c *client.Client, out io.Writer) error {
	s.query.GoOn = true // what a trim takes meanwhile is counted with the rest
	if len(s.join.Start.Kinds) > 0 {
		s.query.Order, s.query.Kinds = "causal", s.join.Kinds()
	}
	told := false
	err := warnUnmatched(ctx, c, s.query, func(text string) {
		told = true
		s.warn(text)
	})
	if err != nil {
		return err
	}
	if len(s.join.Start.Kinds) == 0 {
		made, err := c.Stats(ctx, s.query)
		if err != nil {
			return err
		}
		s.gone = made.Gone
		return s.printCensus(out, &census{made})
	}
	outcomes := s.join.Outcomes(readEntries(ctx, c, s.query))
	if len(s.list) > 0 {
		listed, late, err := s.printOutcomes(out, outcomes)
		if late > 0 {
			s.warn(count(late, "entry") + " came too late to be put in order and took no part: see --window")
		}
		if err != nil {
			return err
		}
		if listed == 0 && s.format == asText && !told {
			s.warn("nothing to list")
		}
		return s.countGone(ctx, c)
	}
	summary, err := analysis.Summarize(outcomes, s.breakdown)
	if err == nil {
		err = s.countGone(ctx, c)
	}
	if err != nil {
		return err
	}
	summary.Gone = s.gone
	return s.printSummary(out, summary)
}

// countGone counts what is not here, once all was read.
func (s *stats) countGone(ctx context.Context, c *client.Client) (err error) {
	if s.query.Gone == skipGone { // else the reading has ended there
		s.gone, err = countGone(ctx, c, s.query)
	}
	return err
}

// readEntries yields the entries that the node sends.
func readEntries(ctx context.Context, c *client.Client, q api.Query) iter.Seq2[eventlog.Entry, error] {
	return func(yield func(eventlog.Entry, error) bool) {
		for line, err := range c.Entries(ctx, q) {
			var e eventlog.Entry
			if err == nil {
				e.Entry, _, err = line.Entry()
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}
