package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/quipulog/quipu/node/bench"
)

// benchShares are the shares of calls whose latency is told, with their names.
var benchShares = []struct {
	name  string
	share float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}}

// print prints for people what was measured.
func (b *benchCommand) print(w io.Writer, s *bench.Span) error {
	var f facts
	took := (s.To - s.From).Seconds()
	what, who := "read", "reader"
	if !b.cfg.Read {
		what, who = "wrote", "writer"
	}
	f.line(what, "%s in %s by %s in %.1f s", count(s.Entries, "entry"), count(s.Calls, "call"), count(uint64(b.cfg.Workers), who), took)
	f.line("rate", "%.0f entries/s, %.0f calls/s, %s/s", s.PerSecond(s.Entries), s.PerSecond(s.Calls), size(int64(s.PerSecond(s.Bytes))))
	var latencies []string
	for _, l := range benchShares {
		latencies = append(latencies, l.name+" "+shortTime(s.Latency(l.share)))
	}
	f.line("a call", "%s", strings.Join(latencies, ", "))
	if err := f.print(w); err != nil {
		return err
	}
	return printBars(w, s)
}

// printBars draws the latencies: a bar for each of a few spans of time, the longest as long as there is room.
func printBars(w io.Writer, s *bench.Span) error {
	bars := s.Bars()
	most := uint64(0)
	for _, b := range bars {
		most = max(most, b.Calls)
	}
	columns := room(w)
	if columns == 0 {
		columns = usualRoom
	}
	const fixed = 2 + 8 + 2 + 12 + 2 + 7 + 2 // the columns before a bar, and one that stays free
	for _, b := range bars {
		drawn := int(float64(b.Calls) / float64(most) * float64(max(0, columns-fixed)))
		line := fmt.Sprintf("  %8s  %12d  %6.2f%%  %s", "≤ "+shortTime(b.UpTo), b.Calls, 100*float64(b.Calls)/float64(s.Calls), strings.Repeat("#", drawn))
		if _, err := io.WriteString(w, strings.TrimRight(line, " ")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// shortTime returns a span of time in three digits or so.
func shortTime(d time.Duration) string {
	for unit := time.Second; unit > time.Nanosecond; unit /= 1000 {
		if d >= unit {
			d = d.Round(unit / 100)
			break
		}
	}
	return d.String()
}

// benchForm is what was measured, in JSON. Times are in seconds.
type benchForm struct {
	Read      bool               `json:"read,omitempty"`
	Stream    bool               `json:"stream,omitempty"`
	Writers   int                `json:"writers"`
	PerCall   int                `json:"perCall"`
	Size      int                `json:"size,omitempty"`
	Seconds   float64            `json:"seconds"`
	Calls     uint64             `json:"calls"`
	Entries   uint64             `json:"entries"`
	Bytes     uint64             `json:"bytes"`
	PerSecond float64            `json:"perSecond"`
	Latency   map[string]float64 `json:"latency"`
	Bars      []benchBar         `json:"bars"`
}

// benchBar is a [bench.Bar] in JSON.
type benchBar struct {
	UpTo  float64 `json:"upTo"`
	Calls uint64  `json:"calls"`
}

func (b *benchCommand) jsonForm(s *bench.Span) benchForm {
	form := benchForm{
		Read: b.cfg.Read, Stream: b.cfg.Stream, Writers: b.cfg.Workers, PerCall: b.cfg.PerCall, Seconds: (s.To - s.From).Seconds(),
		Calls: s.Calls, Entries: s.Entries, Bytes: s.Bytes, PerSecond: s.PerSecond(s.Entries), Latency: map[string]float64{}, Bars: []benchBar{},
	}
	if !b.cfg.Read {
		form.Size = b.cfg.Size
	}
	for _, l := range benchShares {
		form.Latency[l.name] = s.Latency(l.share).Seconds()
	}
	for _, bar := range s.Bars() {
		form.Bars = append(form.Bars, benchBar{bar.UpTo.Seconds(), bar.Calls})
	}
	return form
}

// benchLines prints what was measured as CSV: a line for each second as it is over.
type benchLines struct {
	out   *csv.Writer
	begun bool
}

func (l *benchLines) line(s *bench.Span) { l.row(fmt.Sprintf("%.3f", s.To.Seconds()), s) }

// end prints the line of the whole, and returns why what was printed did not get through.
func (l *benchLines) end(total *bench.Span) error {
	l.row("total", total)
	return l.out.Error()
}

// row prints a line at once.
func (l *benchLines) row(when string, s *bench.Span) {
	if !l.begun {
		l.begun = true
		head := []string{"seconds", "calls", "entries", "bytes"}
		for _, share := range benchShares {
			head = append(head, share.name)
		}
		_ = l.out.Write(head) // Error tells
	}
	cells := []string{when, decimal(s.Calls), decimal(s.Entries), decimal(s.Bytes)}
	for _, share := range benchShares {
		cells = append(cells, strconv.FormatFloat(s.Latency(share.share).Seconds(), 'f', 6, 64))
	}
	_ = l.out.Write(cells)
	l.out.Flush()
}
