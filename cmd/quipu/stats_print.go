package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quipulog/quipu/eventlog/analysis"
)

// summaryForm is a summary in JSON, with how it was made.
type summaryForm struct {
	StartKinds []string         `json:"startKinds"`
	EndKinds   []string         `json:"endKinds"`
	Key        string           `json:"key"`
	EndKey     string           `json:"endKey"`
	Within     time.Duration    `json:"withinNs,omitempty"`
	Pairing    analysis.Pairing `json:"pairing"`
	Scale      analysis.Scale   `json:"scale"`
	*analysis.Summary
}

func (s *stats) printSummary(w io.Writer, made *analysis.Summary) error {
	switch s.format {
	case asJSON:
		return printJSON(w, summaryForm{
			StartKinds: s.join.Start.Kinds, EndKinds: s.join.End.Kinds, Key: s.join.Start.Key.String(), EndKey: s.join.End.Key.String(),
			Within: s.join.Within, Pairing: s.join.Pairing, Scale: s.join.Scale, Summary: made,
		})
	case asCSV:
		return s.printGroupsCSV(w, made)
	}
	if err := s.printTotal(w, &made.Total); err != nil {
		return err
	}
	if s.gone > 0 {
		fmt.Fprintf(w, "%-13s %d entries take no part\n", "gone", s.gone)
	}
	if s.by != "" {
		if err := s.printGroups(w, made); err != nil {
			return err
		}
	}
	if len(made.Slowest) == 0 {
		return nil
	}
	if _, err := io.WriteString(w, "\nslowest\n"); err != nil {
		return err
	}
	return printPairs(w, slices.Values(made.Slowest))
}

// printTotal prints the figures of a group, one a line; counts of what should not be are left out at 0.
func (s *stats) printTotal(w io.Writer, g *analysis.Group) error {
	var err error
	line := func(name, format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, "%-13s %s\n", name, fmt.Sprintf(format, args...))
		}
	}
	odd := func(n uint64, name, what string) {
		if n > 0 {
			line(name, "%d %s", n, what)
		}
	}
	line("pairs", "%d", g.Pairs)
	if g.PairedStarts != g.Pairs {
		line("", "%d starts have an end", g.PairedStarts)
	}
	line("starts alone", "%d", g.StartsAlone)
	line("ends alone", "%d", g.EndsAlone)
	odd(g.RepeatedEnds, "", "because their start was taken")
	odd(g.EndsBeforeStart, "", "before a start of their key")
	odd(g.RepeatedStarts, "repeated", "starts came while one of their key waited")
	odd(g.Late, "late", "came too late to be put in order: see --window")
	odd(g.Keyless, "keyless", "have no key")
	odd(g.Displaced+g.Overlooked, "no room", "times: there may be more ends whose start was taken or came after them")
	if hundredths, known := g.SuccessRate(); known {
		line("succeeded", "%d (%s)", g.Succeeded, percent(hundredths))
		line("failed", "%d", g.Failed)
		odd(g.Undecided, "undecided", "do not say")
	}
	if l := g.Latency; l.Count > 0 {
		about := ""
		if !l.Exact {
			about = " (within 0.1 %)"
		}
		line("least", "%s", l.Min)
		line("average", "%s", l.Average)
		line("median", "%s%s", l.Median, about)
		line("p95", "%s%s", l.P95, about)
		line("p99", "%s%s", l.P99, about)
		line("greatest", "%s", l.Max)
	}
	if n := g.Number; !s.join.Number.Field.IsZero() {
		line("sum", "%s of %s in %d pairs, average %s", n.Sum, printable(s.join.Number.Field.String()), n.Count, dash(n.Average))
		odd(n.Missing, "", "pairs have none")
	}
	return err
}

func percent(hundredths uint64) string {
	return fmt.Sprintf("%d.%02d %%", hundredths/100, hundredths%100)
}

func (s *stats) printGroups(w io.Writer, made *analysis.Summary) error {
	if _, err := fmt.Fprintf(w, "\nby %s\n", s.by); err != nil {
		return err
	}
	t := newTable(w, []column{
		{head: "NAME", width: 16, fit: cutMiddle}, {head: "PAIRS", width: 7}, {head: "STARTS ALONE"}, {head: "ENDS ALONE"}, {head: "SUCCEEDED"},
		{head: "AVERAGE", width: 12}, {head: "MEDIAN", width: 12}, {head: "P95", width: 12}, {head: "P99", width: 12}, {head: "SUM"},
	})
	var err error
	row := func(name string, g *analysis.Group) {
		rate := "-"
		if hundredths, known := g.SuccessRate(); known {
			rate = percent(hundredths)
		}
		cells := []string{name, decimal(g.Pairs), decimal(g.StartsAlone), decimal(g.EndsAlone), rate, "-", "-", "-", "-", "-"}
		if l := g.Latency; l.Count > 0 {
			cells = append(cells[:5], l.Average.String(), l.Median.String(), l.P95.String(), l.P99.String(), "-")
		}
		if g.Number.Count > 0 {
			cells[9] = g.Number.Sum
		}
		if err == nil {
			err = t.row(cells...)
		}
	}
	for i := range made.Groups {
		name := made.Groups[i].Name
		if s.by == "author" {
			name = strings.TrimSpace(name[:8] + " " + s.names[name])
		}
		row(dash(name), &made.Groups[i])
	}
	if made.Others != nil {
		row("(others)", made.Others)
	}
	return errors.Join(err, t.end())
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// printPairs prints outcomes as a table: what they say, and the two entries.
func printPairs(w io.Writer, outcomes iter.Seq[analysis.Outcome]) error {
	t := newTable(w, []column{
		{head: "WHAT", width: 11}, {head: "LATENCY", width: 12}, {head: "NUMBER", width: 10}, {head: "KEY", width: 16, fit: cutMiddle},
		{head: "START", width: placeWidth}, {head: "END"},
	})
	for o := range outcomes {
		cells := outcomeCells(&o)
		if cells[1] != "" {
			cells[1] = o.Latency.String()
		}
		for i, m := range []*analysis.Mark{&o.Start, &o.End} {
			if !m.IsZero() {
				cells[4+i] = shortPlace(m.Place)
			}
		}
		for i := range cells {
			cells[i] = dash(cells[i])
		}
		if err := t.row(cells...); err != nil {
			return err
		}
	}
	return t.end()
}

// outcomeCells are an outcome's verdict, nanoseconds, number, key and places.
func outcomeCells(o *analysis.Outcome) []string {
	cells := []string{o.Verdict.String(), "", o.Number(), o.Start.Key, "", ""}
	if o.Verdict == analysis.Paired {
		cells[1] = strconv.FormatInt(o.Latency.Nanoseconds(), 10)
	}
	if !o.Start.IsZero() {
		cells[4] = o.Start.Place.String()
	}
	if !o.End.IsZero() {
		cells[3], cells[5] = o.End.Key, o.End.Place.String()
	}
	return cells
}

// printOutcomes prints the outcomes that --list names, as they come, and returns how many those are, and how many
// entries took no part because they came too late and are not listed either.
func (s *stats) printOutcomes(w io.Writer, all iter.Seq2[analysis.Outcome, error]) (listed, late uint64, err error) {
	var failed error
	wanted := func(yield func(analysis.Outcome) bool) {
		for o, err := range all {
			if failed = err; err != nil {
				return
			}
			verdict := o.Verdict
			if verdict == analysis.Overlooked {
				verdict = analysis.EndAlone
			}
			switch {
			case slices.Contains(s.list, verdict.String()):
				listed++
				if !yield(o) {
					return
				}
			case verdict == analysis.Late:
				late++
			}
		}
	}
	switch s.format {
	case asText:
		err = printPairs(w, wanted)
	case asCSV:
		err = printPairsCSV(w, wanted)
	default:
		err = printPairsJSON(w, wanted)
	}
	if failed != nil {
		return listed, late, failed
	}
	return listed, late, err
}

func printPairsJSON(w io.Writer, outcomes iter.Seq[analysis.Outcome]) error {
	array := array{w: w}
	for o := range outcomes {
		b, err := json.Marshal(o)
		if err == nil {
			err = array.add(b)
		}
		if err != nil {
			return err
		}
	}
	return array.end()
}

func printPairsCSV(w io.Writer, outcomes iter.Seq[analysis.Outcome]) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"verdict", "latencyNs", "number", "key", "start", "end"}) // Error tells
	for o := range outcomes {
		cells := outcomeCells(&o)
		cells[3] = csvText(cells[3])
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
