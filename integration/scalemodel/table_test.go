package scalemodel

import (
	"fmt"
	"strings"
	"time"
)

// table is a table of the document: its heading, and a row a result.
type table struct {
	head string
	row  func(Result) []string
}

// byNodes are the tables with a row for each size of cluster.
var byNodes = []table{
	{"| nodes | to a node, median | to 99 of 100 nodes | to the last node, median op | to the last node, slowest op | received for each new |", func(r Result) []string {
		return []string{span(r.Reach.Median), span(r.Reach.P99), span(r.Reach.LastMedian), span(r.Reach.Last), fmt.Sprintf("%.3f", r.Ratio)}
	}},
	{"| nodes | writing: ops | tree | comparisons | membership | **sum** | at rest: comparisons | membership | **sum** |", func(r Result) []string {
		return append(rates(r.Busy), size(r.Idle.Compare), size(r.Idle.Membership), bold(size(r.Idle.Sum())))
	}},
	{"| nodes | ops missed by a half | equal after | sent by each node: ops | tree | comparisons | membership | **sum** |", func(r Result) []string {
		return append([]string{fmt.Sprint(r.Heal.Ops / 2), span(r.Heal.Took)}, rates(r.Heal.Bytes)...)
	}},
	{"| nodes | die | noticed by half | noticed by all | to a node, median | to the last node, median op | to the last node, slowest op | received for each new |", func(r Result) []string {
		d := r.Death
		return []string{fmt.Sprint(d.Nodes), span(d.NoticedHalf), span(d.NoticedAll), span(d.Reach.Median), span(d.Reach.LastMedian), span(d.Reach.Last), fmt.Sprintf("%.3f", d.Ratio)}
	}},
}

// byRate is the table with a row for each rate of writing.
var byRate = table{"| ops a second | to a node, median | to 99 of 100 nodes | to the last node, slowest op | received for each new | sent by each node: ops | tree | comparisons | membership | **sum** |", func(r Result) []string {
	return append([]string{span(r.Reach.Median), span(r.Reach.P99), span(r.Reach.Last), fmt.Sprintf("%.3f", r.Ratio)}, rates(r.Busy)...)
}}

// rates returns the parts of a traffic and their sum.
func rates(t Traffic) []string {
	return []string{size(t.Payload), size(t.Tree), size(t.Compare), size(t.Membership), bold(size(t.Sum()))}
}

// line returns a row of a table.
func (t table) line(first string, r Result) string {
	return "| " + first + " | " + strings.Join(t.row(r), " | ") + " |"
}

// rule returns the line under the head.
func (t table) rule() string { return strings.Repeat("|---:", strings.Count(t.head, "|")-1) + "|" }

func bold(s string) string { return "**" + s + "**" }

// span writes a time with three digits.
func span(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

// size writes a number of bytes with three digits.
func size(n float64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%.0f B", n)
	case n < 1e6:
		return fmt.Sprintf("%.3g KB", n/1e3)
	}
	return fmt.Sprintf("%.3g MB", n/1e6)
}
