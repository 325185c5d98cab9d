// Package rarely keeps what repeats itself from filling the log.
package rarely

import (
	"cmp"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// maxKinds bounds the kinds that are remembered. Where that many have had a line lately, no other gets one.
const maxKinds = 1024

// Lines are lines of the log, by what is alike in them. The zero value lets one of each kind pass in a minute.
// Several goroutines may use it.
type Lines[K comparable] struct {
	Most int           // of a kind in each span; 0 means 1
	Span time.Duration // begins with the first line of a kind; 0 means a minute

	mu    sync.Mutex
	kinds map[K]span // guarded by mu
}

// span is the last one of a kind.
type span struct {
	began  time.Time
	passed int // lines since then
	held   int // lines since the last that passed
	before int // lines that were held back before the last that passed
}

// Pass reports whether a line of a kind may stand in the log now.
func (l *Lines[K]) Pass(kind K, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	over := func(_ K, s span) bool { return now.Sub(s.began) >= cmp.Or(l.Span, time.Minute) }
	s, known := l.kinds[kind]
	if !known && len(l.kinds) >= maxKinds {
		maps.DeleteFunc(l.kinds, over)
	}
	switch {
	case !known && len(l.kinds) >= maxKinds:
		return false
	case over(kind, s):
		s = span{began: now, held: s.held}
	case s.passed >= max(1, l.Most):
		s.held, s.before = s.held+1, 0
		l.kinds[kind] = s
		return false
	}
	s.passed, s.before, s.held = s.passed+1, s.held, 0
	if l.kinds == nil {
		l.kinds = make(map[K]span)
	}
	l.kinds[kind] = s
	return true
}

// Level returns the level of a line of a kind: the one that is wanted, or debug where it may not stand there.
func (l *Lines[K]) Level(want slog.Level, kind K, now time.Time) slog.Level {
	if l.Pass(kind, now) {
		return want
	}
	return slog.LevelDebug
}

// Repeated returns what the line of a kind that has just passed says of those that were held back before it: how many
// there were. It is the zero Attr, which no handler writes, where there were none.
func (l *Lines[K]) Repeated(kind K) slog.Attr {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.kinds[kind].before; n > 0 {
		return slog.Int("repeated", n)
	}
	return slog.Attr{}
}
