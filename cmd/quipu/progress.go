package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt/headway"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
)

const (
	// meterLine is how long a command works in silence before it says how far it is on a stderr that is no terminal, and
	// how often it says so from then on.
	meterLine = 10 * time.Second
	// meterDraw is the same for the line of a terminal.
	meterDraw = 250 * time.Millisecond
	// mostBar bounds the columns of its bar, which has a sixth of those of the terminal, or there is none.
	mostBar = 24
)

// meter says on stderr how far a command is: on a terminal in one line that changes and is gone at the end, elsewhere
// in lines. What ends soon says nothing. It is its caller's, who ends it, and never waits for who reads stderr longer
// than a message does.
type meter struct {
	what    string // is done
	columns int    // of the terminal; 0 where there is none
	out     io.Writer
	close   func()
	now     func() time.Time

	next  time.Time // when it speaks again
	width int       // of what stands on the terminal
	gauge headway.Gauge
}

// newMeter returns a meter of what the command does, in a few words.
func newMeter(cmd *cobra.Command, what string) *meter {
	m := &meter{what: what, columns: room(cmd.ErrOrStderr()), out: cmd.ErrOrStderr(), close: func() {}, now: time.Now}
	if m.columns > 0 {
		// The line is made here and is printable, but for what returns to its beginning, which no screen lets through.
		// What finds no room there is not missed.
		line := newOutlet(bare(m.out))
		line.logs(func(io.Writer, int) error { return nil })
		m.out, m.close = line, func() { line.close(cmd.Context(), false) }
	}
	m.next = m.now().Add(m.every())
	return m
}

// metered calls fn, which says again and again how far it is, and shows that on stderr.
func metered[T any](cmd *cobra.Command, what string, fn func(told func(api.Progress)) (T, error)) (T, error) {
	m := newMeter(cmd, what)
	defer m.end()
	return fn(m.show)
}

func (m *meter) every() time.Duration {
	if m.columns > 0 {
		return meterDraw
	}
	return meterLine
}

// show says how far it is, unless it has just done so.
func (m *meter) show(p api.Progress) {
	now := m.now()
	m.gauge.Reached(now, p.Done)
	if now.Before(m.next) {
		return
	}
	m.next = now.Add(m.every())
	if m.columns > 0 {
		m.draw(p)
		return
	}
	fmt.Fprintf(m.out, "%s: %s\n", printable(m.what), strings.Join(m.words(p), ", "))
}

// draw shows the line of a terminal. One column stays free: what fills the last begins another line on some.
func (m *meter) draw(p api.Progress) {
	parts := append([]string{printable(m.what)}, m.words(p)...)
	free := m.columns - 1 - cellWidth(strings.Join(parts, "  "))
	if bar := min(m.columns/6, mostBar); p.Total > 0 && bar <= free-len("  []") {
		full := percentOf(p) * bar / 100
		parts = slices.Insert(parts, 1, "["+strings.Repeat("#", full)+strings.Repeat(".", bar-full)+"]")
	}
	m.put(fitCell(strings.Join(parts, "  "), m.columns-1, cutEnd))
}

// put has text stand on the terminal, and nothing else of the line.
func (m *meter) put(text string) {
	width := cellWidth(text)
	blanks := strings.Repeat(" ", max(0, m.width-width))
	if text == "" {
		blanks += "\r"
	}
	fmt.Fprintf(m.out, "\r%s%s", text, blanks)
	m.width = width
}

// words says how far it is, how fast, and how long it still takes.
func (m *meter) words(p api.Progress) []string {
	amount := func(n uint64) string { return fmt.Sprint(n) }
	unit := " " + p.Unit
	if p.Unit == api.Bytes {
		amount, unit = func(n uint64) string { return size(int64(n)) }, ""
	}
	var words []string
	if p.Total > 0 {
		words = append(words, fmt.Sprintf("%s of %s%s (%d%%)", amount(p.Done), amount(p.Total), unit, percentOf(p)))
	} else {
		words = append(words, amount(p.Done)+unit)
	}
	if p.Resumed > 0 {
		words = append(words, "resumed at "+amount(p.Resumed))
	}
	if rate := m.gauge.Rate(); rate > 0 {
		words = append(words, amount(uint64(rate))+"/s")
	}
	if left, known := m.gauge.Left(p.Total); known && p.Done < p.Total {
		words = append(words, age.Rough(left)+" left")
	}
	return words
}

// percentOf returns how much of the total is done; 100 only where all is.
func percentOf(p api.Progress) int {
	return int(float64(min(p.Done, p.Total)) / float64(p.Total) * 100)
}

// end takes the line off the terminal: what comes next stands in its place.
func (m *meter) end() {
	if m.width > 0 {
		m.put("")
	}
	m.close()
}
