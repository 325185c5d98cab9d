package main

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quipulog/quipu/eventlog/analysis"
)

// groupColumns are the columns of a group in CSV, with how to fill them.
var groupColumns = []struct {
	name string
	cell func(g *analysis.Group) string
}{
	{"pairs", func(g *analysis.Group) string { return decimal(g.Pairs) }},
	{"pairedStarts", func(g *analysis.Group) string { return decimal(g.PairedStarts) }},
	{"startsAlone", func(g *analysis.Group) string { return decimal(g.StartsAlone) }},
	{"endsAlone", func(g *analysis.Group) string { return decimal(g.EndsAlone) }},
	{"repeatedStarts", func(g *analysis.Group) string { return decimal(g.RepeatedStarts) }},
	{"repeatedEnds", func(g *analysis.Group) string { return decimal(g.RepeatedEnds) }},
	{"endsBeforeStart", func(g *analysis.Group) string { return decimal(g.EndsBeforeStart) }},
	{"late", func(g *analysis.Group) string { return decimal(g.Late) }},
	{"keyless", func(g *analysis.Group) string { return decimal(g.Keyless) }},
	{"displaced", func(g *analysis.Group) string { return decimal(g.Displaced) }},
	{"overlooked", func(g *analysis.Group) string { return decimal(g.Overlooked) }},
	{"succeeded", func(g *analysis.Group) string { return decimal(g.Succeeded) }},
	{"failed", func(g *analysis.Group) string { return decimal(g.Failed) }},
	{"undecided", func(g *analysis.Group) string { return decimal(g.Undecided) }},
	{"totalNs", func(g *analysis.Group) string { return g.Latency.Total.String() }},
	{"minNs", nanoseconds(func(l *analysis.Latency) time.Duration { return l.Min })},
	{"averageNs", nanoseconds(func(l *analysis.Latency) time.Duration { return l.Average })},
	{"medianNs", nanoseconds(func(l *analysis.Latency) time.Duration { return l.Median })},
	{"p95Ns", nanoseconds(func(l *analysis.Latency) time.Duration { return l.P95 })},
	{"p99Ns", nanoseconds(func(l *analysis.Latency) time.Duration { return l.P99 })},
	{"maxNs", nanoseconds(func(l *analysis.Latency) time.Duration { return l.Max })},
	{"percentilesExact", func(g *analysis.Group) string { return strconv.FormatBool(g.Latency.Exact) }},
	{"numbers", func(g *analysis.Group) string { return decimal(g.Number.Count) }},
	{"sum", func(g *analysis.Group) string { return g.Number.Sum }},
	{"average", func(g *analysis.Group) string { return g.Number.Average }},
}

// nanoseconds fills a cell with a latency, or leaves it empty where there is none.
func nanoseconds(of func(*analysis.Latency) time.Duration) func(*analysis.Group) string {
	return func(g *analysis.Group) string {
		if g.Latency.Count == 0 {
			return ""
		}
		return strconv.FormatInt(of(&g.Latency).Nanoseconds(), 10)
	}
}

// printGroupsCSV prints a line for the total and one for each group.
func (s *stats) printGroupsCSV(w io.Writer, made *analysis.Summary) error {
	heads := []string{"group", "name"}
	for _, column := range groupColumns {
		heads = append(heads, column.name)
	}
	lines := [][]string{heads, groupLine("total", &made.Total)}
	for i := range made.Groups {
		lines = append(lines, groupLine(s.by, &made.Groups[i]))
	}
	if made.Others != nil {
		lines = append(lines, groupLine("others", made.Others))
	}
	return csv.NewWriter(w).WriteAll(lines)
}

func groupLine(group string, g *analysis.Group) []string {
	line := []string{group, csvText(g.Name)}
	for _, column := range groupColumns {
		line = append(line, column.cell(g))
	}
	return line
}

// csvText returns a text that somebody has chosen as a cell that programs for tables take as text: what is
// not printable is escaped, and before what they would take for a formula stands a '.
func csvText(s string) string {
	s = printable(s)
	if begin, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " ")); strings.ContainsRune("=+-@＝＋－＠", begin) {
		return "'" + s
	}
	return s
}
