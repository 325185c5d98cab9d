package eventlog

import (
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// How old an op is counts from the later of its clock and its arrival here: the clock is its writer's word,
// and one that runs behind would have its entries forgotten everywhere as soon as they came. A clock that is
// ahead of ours says nothing, and arrival alone counts. What we wrote arrived when its clock says.

// ageOf returns since when the op that c is at counts as old, by a wall clock that says now.
func (t *trimming) ageOf(tx *readTx, c *opCursor, s crdt.Signed, now time.Time) (time.Time, error) {
	ahead := s.Clock.Ahead(now)
	if s.Author == t.log.author && !ahead {
		return s.Clock.Time(), nil
	}
	_, arrived := t.log.lastArrival()
	since, err := tx.heldSince(c.offset(), arrived)
	if clock := s.Clock.Time(); !ahead && clock.After(since) {
		since = clock
	}
	return since, err
}

// SetClockOff tells the log by how much the wall clocks of most other nodes are ahead of ours, negative where
// they are behind, if that is more than a minute; 0 says that they agree. While they do not, no body is trimmed,
// since nobody here can tell what is old, and what comes without its body is as old as the others say.
func (l *Log) SetClockOff(off time.Duration) { l.clockOff.Store(int64(off)) }

// ClockOff returns what [Log.SetClockOff] was last told.
func (l *Log) ClockOff() time.Duration { return time.Duration(l.clockOff.Load()) }

// AheadFeed is a feed whose last clock is more than a minute ahead of the wall clock: that of the node that
// wrote it was wrong for a while, or ours is. Each clock of a feed is greater than the one before, so it goes on
// ahead until the wall clock has come there, and its order among the others' entries means little.
type AheadFeed struct {
	Author crdt.Author
	Clock  crdt.Clock // of its last op
}

// AheadFeeds returns the feeds whose last clock is more than a minute ahead of the wall clock, by author.
func (l *Log) AheadFeeds() []AheadFeed {
	now := l.cfg.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.clockAt(now)
	var all []AheadFeed
	for _, a := range slices.SortedFunc(maps.Keys(l.state.ahead), crdt.Author.Compare) {
		all = append(all, AheadFeed{Author: a, Clock: l.state.ahead[a]})
	}
	return all
}

// KeptAhead counts what a trim has kept of a feed because its clocks are ahead, so that its age is not known,
// and it has not been here long enough for that not to matter.
type KeptAhead struct {
	AheadFeed
	// Entries is how many would be far enough from the end of the feed, and Below the seq after the last.
	Entries, Below uint64
}

// keep counts an op that stays since it is not known to be old, if its clock is ahead.
func (t *trimming) keep(s crdt.Signed, now time.Time) {
	if !s.Clock.Ahead(now) {
		return
	}
	at := slices.IndexFunc(t.report.Ahead, func(k KeptAhead) bool { return k.Author == s.Author })
	if at < 0 {
		at = len(t.report.Ahead)
		t.report.Ahead = append(t.report.Ahead, KeptAhead{AheadFeed: AheadFeed{Author: s.Author}})
	}
	k := &t.report.Ahead[at]
	if s.Next() > k.Below {
		k.Entries += s.Count
		k.Below, k.Clock = s.Next(), max(k.Clock, s.Clock)
	}
}

// warnAhead warns once that our own feed's clock has run ahead of the wall clock. The caller holds mu.
func (l *Log) warnAhead(now time.Time) {
	clock, ahead := l.state.ahead[l.author]
	if !ahead || !clock.Ahead(now) || l.warnedAhead {
		return
	}
	l.warnedAhead = true
	l.logger.Warn("the clock of this node's own feed is ahead of its wall clock: it was wrong once, or is now; new entries follow it, and keep their bodies longer",
		"author", l.author, "clock", clock.Time(), "wall", now.UTC(), "remedy", "quipu prune --below SEQ lets go what was written before")
}
