package rebuild

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

const (
	// checkpointEvery is how much time of work a kill costs. The clock is looked at every lookEvery entries at most: where
	// these take longer, so many are done again. 5,000 are promised.
	checkpointEvery = 10 * time.Second
	lookEvery       = 256
	// tellEvery is how often a program is told how far a rebuild is.
	tellEvery = 250 * time.Millisecond
	// What is not here is looked for again after pauses of waitLow to waitHigh, see package retry. A commit of which
	// nobody knows whether it happened is looked at after such pauses, too.
	waitLow  = 10 * time.Millisecond
	waitHigh = 120 * time.Second
	// holdFor is how long trims are held back for a rebuild with which nobody goes on. While one waits it says every
	// holdAgain that somebody does; otherwise its checkpoints say so.
	holdFor   = 7 * 24 * time.Hour
	holdAgain = time.Hour
)

// Prefix begins the name of the follower that holds back trims for a rebuild.
const Prefix = "rebuild:"

// ErrConfig is wrapped by the errors that say why a [Config], or a name, makes no sense.
var ErrConfig = errors.New("rebuild config")

// Config says what is folded and how. The zero value folds all that the log holds, in author order.
type Config struct {
	// Order is [eventlog.ByAuthor] or [eventlog.Causal].
	Order eventlog.Order
	// To is where the range ends: nil stands for what the log holds when the rebuild begins, or for the end of the range
	// that is under way, whatever it is.
	To crdt.Frontier
	// From is what the snapshot covers with which the projection begins.
	From crdt.Frontier
	// Clock, unless it is 0, leaves out of To the entries whose op has a greater one.
	Clock crdt.Clock
	// Version is that of the state as Store writes it.
	Version uint64
	// Anew drops what is kept of a rebuild of this name, whatever version that is of, and that one has finished.
	Anew bool
	// SkipTrimmed goes on behind entries that are gone, and counts them, in place of a [*eventlog.TrimmedError]. Two
	// nodes may then come to different states.
	SkipTrimmed bool
	// Wait is how long Run waits in all for what To has and is not here yet, or is damaged here, before it returns an
	// [*eventlog.NotHeldError] or [*eventlog.DamagedError]: peers may give it. 0 is not at all, negative as long as ctx.
	Wait time.Duration
	// Unusable makes [Usable] say so while the rebuild is under way.
	Unusable bool
	// MaxEntries bounds the entries between two checkpoints, for a projection that holds in memory what it has changed
	// since the last. 0 is no bound.
	MaxEntries int
	// Progress is called with how far the rebuild is, some times a second, by Run's goroutine. Nil for nobody.
	Progress func(Progress)
}

// Progress says how far a rebuild is.
type Progress struct {
	// Done is how many entries of the range are done with, Total how many there are. Resumed is how many of those done
	// were so by an earlier Run.
	Done, Total, Resumed uint64
	// Waits says that the rebuild waits for what is not here, and Done how many entries of the range are here that are
	// not behind that in their feeds; while it waits for what is damaged, how many are done with before that.
	Waits bool
	// Rate is how many entries are done in a second, of late. Left is how long it takes at that rate until all are;
	// negative where nobody can tell.
	Rate float64
	Left time.Duration
}

func (c Config) validate(name string) error {
	switch {
	case name == "" || len(Prefix)+len(name) > 255 || !utf8.ValidString(name):
		return fmt.Errorf("%w: name %q: expected 1 to %d bytes of UTF-8", ErrConfig, name, 255-len(Prefix))
	case c.Order != eventlog.ByAuthor && c.Order != eventlog.Causal:
		return fmt.Errorf("%w: Order is %s: expected author or causal, which are the same on every node", ErrConfig, c.Order)
	case c.MaxEntries < 0:
		return fmt.Errorf("%w: MaxEntries is %d: expected 0 or more", ErrConfig, c.MaxEntries)
	}
	return nil
}
