package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// census is a count of entries that is printed.
type census struct{ api.Stats }

func (s *stats) printCensus(w io.Writer, c *census) error {
	switch s.format {
	case asJSON:
		return printJSON(w, c.Stats)
	case asCSV:
		return c.printCSV(w)
	}
	return c.printText(w)
}

// lists are the counts with what they count.
func (c *census) lists() []struct {
	what   string
	counts api.Counts
} {
	return []struct {
		what   string
		counts api.Counts
	}{{"kind", c.Kinds}, {"module", c.Modules}, {"author", c.Authors}}
}

func (c *census) printText(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "entries   %d\n", c.Entries); err != nil {
		return err
	}
	if c.Gone > 0 {
		fmt.Fprintf(w, "gone      %d\n", c.Gone)
	}
	if c.Entries == 0 {
		return nil
	}
	if c.Disputed > 0 {
		fmt.Fprintf(w, "disputed  %d\n", c.Disputed)
	}
	fmt.Fprintf(w, "first     %s\nlast      %s\n", c.First.Format(time.RFC3339Nano), c.Last.Format(time.RFC3339Nano))
	for _, list := range c.lists() {
		fmt.Fprintf(w, "\nby %s\n", list.what)
		t := newTable(w, []column{{head: "ENTRIES", width: 10}, {head: "NAME", fit: cutMiddle}})
		for _, n := range list.counts.Names {
			cells := []string{decimal(n.Entries), dash(n.Name)}
			if name := c.Names[n.Name]; list.what == "author" && name != "" {
				cells[1] += " " + name
			}
			if err := t.row(cells...); err != nil {
				return err
			}
		}
		if list.counts.Others > 0 {
			if err := t.row(decimal(list.counts.Others), "(others)"); err != nil {
				return err
			}
		}
		if err := t.end(); err != nil {
			return err
		}
	}
	return nil
}

func (c *census) printCSV(w io.Writer) error {
	lines := [][]string{{"group", "name", "entries"}, {"total", "", decimal(c.Entries)}}
	if c.Gone > 0 {
		lines = append(lines, []string{"gone", "", decimal(c.Gone)})
	}
	for _, list := range c.lists() {
		for _, n := range list.counts.Names {
			lines = append(lines, []string{list.what, csvText(n.Name), decimal(n.Entries)})
		}
		if list.counts.Others > 0 {
			lines = append(lines, []string{list.what + "-others", "", decimal(list.counts.Others)})
		}
	}
	return csv.NewWriter(w).WriteAll(lines)
}
