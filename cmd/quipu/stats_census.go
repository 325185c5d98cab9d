package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"time"

	"github.com/quipulog/quipu/eventlog/analysis"
)

// censusForm is a census in JSON.
type censusForm struct {
	Entries  uint64          `json:"entries"`
	Disputed uint64          `json:"disputed"`
	Gone     uint64          `json:"gone"`  // not here any more, and counted nowhere else
	First    *time.Time      `json:"first"` // null without entries
	Last     *time.Time      `json:"last"`
	Kinds    analysis.Counts `json:"kinds"`
	Modules  analysis.Counts `json:"modules"`
	Authors  analysis.Counts `json:"authors"`
	// Names are those of the authors' nodes that are known, by author.
	Names names `json:"names"`
}

func (s *stats) printCensus(w io.Writer, c *analysis.Census) error {
	form := censusForm{Entries: c.Entries, Disputed: c.Disputed, Gone: s.gone, Kinds: c.Kinds(), Modules: c.Modules(), Authors: c.Authors(), Names: s.names}
	if c.Entries > 0 {
		first, last := c.First.UTC(), c.Last.UTC()
		form.First, form.Last = &first, &last
	}
	switch s.format {
	case asJSON:
		return printJSON(w, form)
	case asCSV:
		return form.printCSV(w)
	}
	return form.printText(w)
}

// lists are the counts with what they count.
func (c *censusForm) lists() []struct {
	what   string
	counts analysis.Counts
} {
	return []struct {
		what   string
		counts analysis.Counts
	}{{"kind", c.Kinds}, {"module", c.Modules}, {"author", c.Authors}}
}

func (c *censusForm) printText(w io.Writer) error {
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

func (c *censusForm) printCSV(w io.Writer) error {
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
