package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress tells what goes on: on a terminal a line that changes, with a bar; elsewhere a line for each
// thing that is done.
type progress struct {
	out      io.Writer
	terminal bool
	began    time.Time

	mu     sync.Mutex // guards what follows
	done   int
	total  int
	what   string
	redraw time.Time
}

func newProgress(out io.Writer, terminal bool) *progress {
	return &progress{out: out, terminal: terminal, began: time.Now()}
}

// begin says what is being done now; total is how many ticks it takes, 0 if that is not known.
func (p *progress) begin(what string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.done, p.total = what, 0, total
	p.redraw = time.Time{}
	p.draw()
}

// tick counts.
func (p *progress) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.draw()
}

// draw redraws the line, at most 20 times a second.
func (p *progress) draw() {
	now := time.Now()
	if !p.terminal || now.Sub(p.redraw) < 50*time.Millisecond {
		return
	}
	p.redraw = now
	const width = 24
	bar := ""
	if p.total > 0 {
		full := min(width*p.done/p.total, width)
		bar = fmt.Sprintf(" [%s%s] %d/%d", strings.Repeat("#", full), strings.Repeat(".", width-full), p.done, p.total)
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s %s%s", p.stamp(), p.what, bar)
}

// say prints a line about something that is done.
func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	erase := ""
	if p.terminal {
		erase = "\r\x1b[K"
	}
	fmt.Fprintf(p.out, "%s%s %s\n", erase, p.stamp(), fmt.Sprintf(format, args...))
}

// stamp returns the seconds since the beginning.
func (p *progress) stamp() string {
	return fmt.Sprintf("[%5.2fs]", time.Since(p.began).Seconds())
}
