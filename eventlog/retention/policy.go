package retention

import (
	"cmp"
	"errors"
	"math"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// The defaults of a [Policy].
const (
	// DefaultMinAge is how old, and DefaultMinCount how far from the end of its feed, an entry is at least
	// when its body goes.
	DefaultMinAge   = 14 * 24 * time.Hour
	DefaultMinCount = 10_000
	// DefaultMaxHold is how many entries a holder can lag behind and still hold.
	DefaultMaxHold = 1_000_000
	// strippedSlack is how much sooner than by our own wall clock a body may have gone elsewhere: wall clocks differ.
	strippedSlack = 5 * time.Minute
)

// Policy says what a node forgets: the bodies of trimmable entries once they are old, and of pruned
// feeds all that their author has given leave to forget. It also says which ops the node takes from others
// without their bodies. The nodes of one log had better agree: a node that keeps more than all others finds
// nobody to fetch the bodies from.
type Policy struct {
	// MinAge is the least age of an op that is trimmed. 0 means [DefaultMinAge]; negative means any age.
	MinAge time.Duration
	// MinCount is the least number of entries of the feed above an op that is trimmed. 0 means
	// [DefaultMinCount]; [NoCount] means none.
	MinCount uint64
	// KeepBodies keeps the bodies of trimmable entries for ever, and takes no op without its body.
	KeepBodies bool
	// KeepPruned keeps what authors have given leave to forget.
	KeepPruned bool
	// MaxHold bounds how many entries a holder, a follower or a member, may be behind the end of the
	// arrivals. One further behind keeps back nothing. A [Hold] with a time is not bounded by it. 0 means
	// [DefaultMaxHold].
	MaxHold uint64
}

// NoCount is a MinCount that lets the last entry of a feed be trimmed too.
const NoCount = math.MaxUint64

// WithDefaults returns the policy with its defaults filled in, and 0 for what stands for none.
func (p Policy) WithDefaults() Policy {
	p.MinAge = max(cmp.Or(p.MinAge, DefaultMinAge), 0)
	switch p.MinCount {
	case 0:
		p.MinCount = DefaultMinCount
	case NoCount:
		p.MinCount = 0
	}
	p.MaxHold = cmp.Or(p.MaxHold, DefaultMaxHold)
	return p
}

// Validate says why the policy makes no sense, or nil.
func (p Policy) Validate() error {
	if p.MinCount > crdt.MaxSeq && p.MinCount != NoCount {
		return errors.New("config: Trim.MinCount is more than a feed can have")
	}
	return nil
}

// KeepsLess reports whether p may let go something that q keeps.
func (p Policy) KeepsLess(q Policy) bool {
	p, q = p.WithDefaults(), q.WithDefaults()
	bodies := !p.KeepBodies && (q.KeepBodies || p.MinAge < q.MinAge || p.MinCount < q.MinCount)
	return bodies || !p.KeepPruned && q.KeepPruned || p.MaxHold < q.MaxHold
}

// MayBeStripped reports whether op, of a feed that is known to reach up to next, may come without its body: had we
// held it since it was written, we would have trimmed it ourselves. When it comes it has not been here at all, so its
// arrival cannot count, or no newcomer could catch up with those who have trimmed; its clock alone does. Nobody who
// trims by the same policy is refused for that: an op is trimmed when both its clock and its arrival are old enough
// there, so its clock is here too. A clock that is ahead of ours says nothing of the age.
func (p Policy) MayBeStripped(op crdt.Header, next uint64, now time.Time) bool {
	old := op.Clock.Ahead(now) || now.Sub(op.Clock.Time()) >= p.MinAge-strippedSlack
	return !p.KeepBodies && op.Retention == crdt.Trimmable && old && p.BeyondCount(op, next)
}

// Old reports whether what is known to be there since then is old enough.
func (p Policy) Old(since, now time.Time) bool {
	return p.MinAge == 0 || now.Sub(since) >= p.MinAge
}

// BeyondCount reports whether enough entries stand above op in a feed that reaches up to next.
func (p Policy) BeyondCount(op crdt.Header, next uint64) bool {
	return op.Next() <= next && next-op.Next() >= p.MinCount
}

// A stretch of arrivals lasts an hour at most, and an eighth of the age at which bodies are trimmed here,
// which is how much later than it could an op may count as old; but a second at least.
const (
	LongestStretch  = time.Hour
	shortestStretch = time.Second
)

// Stretch returns how long a stretch of arrivals lasts at most.
func (p Policy) Stretch() time.Duration {
	if p.MinAge == 0 {
		return LongestStretch // age does not matter
	}
	return min(max(p.MinAge/8, shortestStretch), LongestStretch)
}
