package eventlog

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/times"
)

// putTime begins a stretch with the first entry of this transaction, if the last one has lasted long enough
// or the wall clock was set back behind its beginning.
func (tx *writeTx) putTime() error {
	last, arrived := tx.store.lastArrival()
	since := tx.now.Sub(last)
	if tx.added == 0 || since >= 0 && since < tx.store.cfg.Trim.Stretch() {
		return nil
	}
	if last.IsZero() {
		arrived = tx.now
	}
	if err := times.Begin(tx.Tree(bucketTimes), tx.next, tx.now, arrived); err != nil {
		return fmt.Errorf("store time: %w", err)
	}
	tx.began = tx.now
	return nil
}

// lastArrival returns when the last stretch began, zero before there is one, and a time by which all that is
// held had arrived.
func (s *store) lastArrival() (began, arrived time.Time) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state.Began, s.state.Arrived
}

// lastTime returns when the last stretch began; the zero time if there is none.
func (tx *readTx) lastTime() (time.Time, error) {
	began, err := times.Last(tx.Tree(bucketTimes))
	return began, damagedTimes(err)
}

// damagedTimes returns the error for times that are wrong, nil where none are.
func damagedTimes(err error) error {
	if err == nil {
		return nil
	}
	return &DamagedError{What: "the times of arrivals", Err: err}
}

// SetClockOff tells the log by how much the wall clocks of most other nodes are ahead of ours, if that is more than a
// minute; negative where they are behind, 0 where they agree. While the clocks disagree no body is trimmed, since
// nobody here can tell what is old; the age of an op that comes without its body is judged by the others' clocks.
func (l *Log) SetClockOff(off time.Duration) { l.store.clockOff.Store(int64(off)) }

// ClockOff returns what [Log.SetClockOff] was last told.
func (l *Log) ClockOff() time.Duration { return time.Duration(l.store.clockOff.Load()) }

// AheadFeeds returns, by author, the feeds whose last clock is more than a minute ahead of the wall clock.
func (l *Log) AheadFeeds() []AheadFeed {
	now := l.store.cfg.Now()
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	l.store.state.ClockAt(now)
	var all []AheadFeed
	for _, a := range slices.SortedFunc(maps.Keys(l.store.state.Ahead), crdt.Author.Compare) {
		all = append(all, AheadFeed{Author: a, Clock: l.store.state.Ahead[a]})
	}
	return all
}

// warnAhead warns once that our own feed's clock has run ahead of the wall clock. The caller holds mu.
func (s *store) warnAhead(now time.Time) {
	clock, ahead := s.state.Ahead[s.author]
	if !ahead || !clock.Ahead(now) || s.warnedAhead {
		return
	}
	s.warnedAhead = true
	s.logger.Warn("the clock of this node's own feed is ahead of its wall clock: it was wrong once, or is now; new entries follow it, and keep their bodies longer",
		"author", s.author, "clock", clock.Time(), "wall", now.UTC(), "remedy", "quipu prune --below SEQ lets go what was written before")
}
