package eventlog

import (
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// The defaults of a [TrimPolicy].
const (
	// DefaultMinAge and DefaultMinCount are how old and how far from the end of its feed an entry is at
	// least when its body goes.
	DefaultMinAge   = 14 * 24 * time.Hour
	DefaultMinCount = 10_000
	// DefaultMaxHold is how many entries a holder can lag behind and still hold.
	DefaultMaxHold = 1_000_000
	// strippedSlack is how much sooner than by our own wall clock a body may have gone elsewhere: wall
	// clocks differ.
	strippedSlack = 5 * time.Minute
)

// TrimPolicy is a node's policy on what it forgets: of trimmable entries the body once they are old, and
// of pruned feeds all that their author has given leave to forget. It says too what this node takes
// without its body from others, so nodes of one log had better agree on it: one that keeps more than
// all others finds nobody to fetch the bodies from.
type TrimPolicy struct {
	// MinAge is how old an entry's op is at least when it is trimmed. 0 means [DefaultMinAge]; negative
	// means no age at all.
	MinAge time.Duration
	// MinCount is how many entries stand above it in its feed at least. 0 means [DefaultMinCount];
	// [NoCount] means none.
	MinCount uint64
	// KeepBodies keeps the bodies of trimmable entries for ever, and takes no op without its body.
	KeepBodies bool
	// KeepPruned keeps what authors have given leave to forget.
	KeepPruned bool
	// MaxHold is how many entries behind the end of the arrivals somebody may be who keeps back a trim:
	// a follower, or a member. Who is further behind keeps back nothing. 0 means [DefaultMaxHold].
	MaxHold uint64
}

// NoCount is a MinCount that lets the last entry of a feed be trimmed too.
const NoCount = math.MaxUint64

func (p TrimPolicy) withDefaults() TrimPolicy {
	if p.MinAge == 0 {
		p.MinAge = DefaultMinAge
	}
	p.MinAge = max(p.MinAge, 0)
	switch p.MinCount {
	case 0:
		p.MinCount = DefaultMinCount
	case NoCount:
		p.MinCount = 0
	}
	if p.MaxHold == 0 {
		p.MaxHold = DefaultMaxHold
	}
	return p
}

func (p TrimPolicy) validate() error {
	if p.MinCount > crdt.MaxSeq && p.MinCount != NoCount {
		return errors.New("config: Trim.MinCount is more than a feed can have")
	}
	return nil
}

// TrimPolicy returns the log's policy with its defaults filled in, in the form in which one is given.
func (l *Log) TrimPolicy() TrimPolicy {
	p := l.store.cfg.Trim
	if p.MinAge == 0 {
		p.MinAge = -1
	}
	if p.MinCount == 0 {
		p.MinCount = NoCount
	}
	return p
}

// KeepsLess reports whether p may let go something that q keeps.
func (p TrimPolicy) KeepsLess(q TrimPolicy) bool {
	p, q = p.withDefaults(), q.withDefaults()
	bodies := !p.KeepBodies && (q.KeepBodies || p.MinAge < q.MinAge || p.MinCount < q.MinCount)
	return bodies || !p.KeepPruned && q.KeepPruned || p.MaxHold < q.MaxHold
}

// mayBeStripped reports whether op, of a feed that is known to reach up to next, may come without its
// body: had we held it since it was written, we would have trimmed it ourselves. When it comes it has not
// been here at all, so its arrival cannot count, or no newcomer could catch up with those who have trimmed;
// its clock alone does. Nobody who trims by the same policy is refused for that: an op is trimmed when both
// its clock and its arrival are old enough there, so its clock is here too. A clock that is ahead of ours says
// nothing of the age.
func (p TrimPolicy) mayBeStripped(op crdt.Header, next uint64, now time.Time) bool {
	old := op.Clock.Ahead(now) || now.Sub(op.Clock.Time()) >= p.MinAge-strippedSlack
	return !p.KeepBodies && op.Retention == crdt.Trimmable && old && p.beyondCount(op, next)
}

// old reports whether what is known to be there since then is old enough.
func (p TrimPolicy) old(since, now time.Time) bool {
	return p.MinAge == 0 || now.Sub(since) >= p.MinAge
}

// beyondCount reports whether enough entries stand above op in a feed that reaches up to next.
func (p TrimPolicy) beyondCount(op crdt.Header, next uint64) bool {
	return op.Next() <= next && next-op.Next() >= p.MinCount
}

// How old an op is counts from the later of its clock and its arrival here: the clock is its writer's word,
// and one that runs behind would have its entries forgotten everywhere as soon as they came. A clock that is
// ahead of ours says nothing, and arrival alone counts. What we wrote arrived when its clock says.

// ageOf returns since when the op that c is at counts as old, by a wall clock that says now.
func (t *trimming) ageOf(tx *readTx, c *opCursor, s crdt.Signed, now time.Time) (time.Time, error) {
	ahead := s.Clock.Ahead(now)
	if s.Author == t.store.author && !ahead {
		return s.Clock.Time(), nil
	}
	_, arrived := t.store.lastArrival()
	since, err := tx.heldSince(c.offset(), arrived)
	if clock := s.Clock.Time(); !ahead && clock.After(since) {
		since = clock
	}
	return since, err
}

// SetClockOff tells the log by how much the wall clocks of most other nodes are ahead of ours, negative where
// they are behind, if that is more than a minute; 0 says that they agree. While they do not, no body is trimmed,
// since nobody here can tell what is old, and what comes without its body is as old as the others say.
func (l *Log) SetClockOff(off time.Duration) { l.store.clockOff.Store(int64(off)) }

// ClockOff returns what [Log.SetClockOff] was last told.
func (l *Log) ClockOff() time.Duration { return time.Duration(l.store.clockOff.Load()) }

// AheadFeed is a feed whose last clock is more than a minute ahead of the wall clock: that of the node that
// wrote it was wrong for a while, or ours is. Each clock of a feed is greater than the one before, so it goes on
// ahead until the wall clock has come there, and its order among the others' entries means little.
type AheadFeed struct {
	Author crdt.Author
	Clock  crdt.Clock // of its last op
}

// AheadFeeds returns the feeds whose last clock is more than a minute ahead of the wall clock, by author.
func (l *Log) AheadFeeds() []AheadFeed {
	now := l.store.cfg.Now()
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	l.store.state.clockAt(now)
	var all []AheadFeed
	for _, a := range slices.SortedFunc(maps.Keys(l.store.state.ahead), crdt.Author.Compare) {
		all = append(all, AheadFeed{Author: a, Clock: l.store.state.ahead[a]})
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
func (s *store) warnAhead(now time.Time) {
	clock, ahead := s.state.ahead[s.author]
	if !ahead || !clock.Ahead(now) || s.warnedAhead {
		return
	}
	s.warnedAhead = true
	s.logger.Warn("the clock of this node's own feed is ahead of its wall clock: it was wrong once, or is now; new entries follow it, and keep their bodies longer",
		"author", s.author, "clock", clock.Time(), "wall", now.UTC(), "remedy", "quipu prune --below SEQ lets go what was written before")
}
