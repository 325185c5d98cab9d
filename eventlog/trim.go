package eventlog

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

const (
	// sweepOps bounds the ops that one transaction of a trim changes. On a full disk it is less, since a
	// transaction writes the pages that it changes before it frees them.
	sweepOps = 512
	// trimLook bounds the ops that one transaction of a trim looks at.
	trimLook = 1 << 13
	// trimNote is after how many entries that need no trimming it is put on record how far a trim has
	// come in a feed.
	trimNote = 1 << 12
)

// TrimOptions says how [Log.Trim] differs from what the configuration says. It may be zero.
type TrimOptions struct {
	// Policy takes the place of Config.Trim. Bodies that go sooner than elsewhere cannot be given to
	// nodes that still want them.
	Policy *TrimPolicy
	// Holds keep back what others have not got yet, beside the log's own followers.
	Holds []Hold
}

// Hold keeps back what arrived at or after an offset.
type Hold struct {
	// Name says whose it is, in reports: of a follower, or "member" and an author.
	Name   string
	Offset uint64
}

// Forgotten counts what a trim has dropped.
type Forgotten struct {
	Ops, Entries uint64
	Bytes        uint64 // that it took in the file: whole pages of it are free now, the rest a compaction frees
}

func (f *Forgotten) add(entries uint64, bytes int) {
	f.Ops++
	f.Entries += entries
	f.Bytes += uint64(max(bytes, 0))
}

// HeldBack is a hold that has kept something back, or was too far behind to.
type HeldBack struct {
	Hold
	// Entries is how many would have gone without it; of pruned ones that is counted for some 8,000 ops.
	Entries uint64
	// Overrun says that it was further behind than the policy's MaxHold: it has kept nothing back, and
	// who holds will get a [*TrimmedError].
	Overrun bool
}

// TrimReport is what [Log.Trim] did.
type TrimReport struct {
	// Trimmed are the ops that have lost their bodies, Pruned those that were dropped.
	Trimmed, Pruned Forgotten
	Held            []HeldBack
	// Ahead is what was kept of feeds whose clocks are ahead, by author.
	Ahead []KeptAhead
	// ClockOff is not 0 where no body was trimmed, since the wall clock disagrees with those of most other
	// nodes: see [Log.SetClockOff].
	ClockOff time.Duration
}

// Trim forgets what the policy lets go: the bodies of trimmable entries that are old enough and far
// enough from the end of their feed, and what lies below the floors that authors have signed. Nothing
// that a holder still needs goes, unless it is too far behind, and no body while our wall clock disagrees with
// those of others, see [Log.SetClockOff]. Offsets and seqs are never given again;
// headers stay, so that what is left can be verified.
//
// It works in transactions that each change at most 512 ops, fewer on a full disk, between which others
// write. It may be called at any time, and by several at once; what an error or the end of ctx cuts short
// is gone on with by the next call. A feed with a fork is trimmed, not pruned.
func (l *Log) Trim(ctx context.Context, o TrimOptions) (TrimReport, error) {
	var report TrimReport
	policy := l.store.cfg.Trim
	if o.Policy != nil {
		if err := o.Policy.validate(); err != nil {
			return report, err
		}
		policy = o.Policy.withDefaults()
	}
	report.ClockOff = l.ClockOff()
	held, err := l.store.holders(o.Holds, policy.MaxHold)
	if err != nil {
		return report, fmt.Errorf("trim: %w", err)
	}
	l.store.mu.RLock()
	authors := slices.SortedFunc(maps.Keys(l.store.state.feeds), crdt.Author.Compare)
	l.store.mu.RUnlock()
	t := trimming{store: l.store, policy: policy, holders: held, report: &report, most: sweepOps}
	for _, a := range authors {
		if err := t.feed(ctx, a); err != nil {
			return report, fmt.Errorf("trim feed %s: %w", a.Short(), err)
		}
	}
	l.store.roomier()
	report.Held = held.report()
	return report, nil
}

// trimming is one call of Trim.
type trimming struct {
	store   *store
	policy  TrimPolicy
	holders *holders
	report  *TrimReport
	most    int // of ops that one transaction changes
}

// feed forgets what may be forgotten of one feed.
func (t *trimming) feed(ctx context.Context, a crdt.Author) error {
	t.store.mu.RLock()
	state := t.store.state.feeds[a] // never changed: replaced
	t.store.mu.RUnlock()
	if !t.policy.KeepPruned && state.Feed.Forgettable() > state.Feed.First() {
		if err := t.sweeps(ctx, a, t.findPruned, (*writeTx).pruneOps, &t.report.Pruned); err != nil {
			return err
		}
	}
	next := state.Feed.Next()
	if t.policy.KeepBodies || t.report.ClockOff != 0 || state.TrimmedTo >= next-min(t.policy.MinCount, next) {
		return nil // most feeds are no longer than what stays of each
	}
	return t.sweeps(ctx, a, t.findTrimmed, (*writeTx).trimOps, &t.report.Trimmed)
}

// found is what one transaction has found to forget of a feed.
type found struct {
	keys []crdt.Key
	from crdt.Key // where the next one goes on
	more bool
	// trimmedTo is the seq below which nothing is left to trim.
	trimmedTo uint64
}

// sweeps looks for ops of a feed and forgets them, in one sweep after the other.
func (t *trimming) sweeps(ctx context.Context, a crdt.Author, find func(*readTx, crdt.Author, *found) error,
	forget func(*writeTx, crdt.Author, []crdt.Key, *Forgotten) error, count *Forgotten) error {
	f := found{more: true}
	for f.more {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		f.keys, f.more = f.keys[:0], false
		before := f
		if err := t.store.view(func(tx *readTx) error { return find(tx, a, &f) }); err != nil {
			return err
		}
		noted := t.store.trimmedTo(a)
		if len(f.keys) == 0 && (f.trimmedTo < noted+trimNote) {
			continue
		}
		if err := t.store.sweeping.wait(ctx); err != nil {
			return err
		}
		var done Forgotten
		err := t.store.exclusively(ctx, updates, func() error {
			return t.store.write(func(tx *writeTx) error {
				if err := tx.beginSweep(); err != nil {
					return err
				}
				state := tx.edit(a)
				state.TrimmedTo = max(state.TrimmedTo, f.trimmedTo)
				done = Forgotten{}
				return forget(tx, a, f.keys, &done)
			})
		})
		t.store.sweeping.leave()
		if n := len(f.keys); n > 1 && noRoom(err) {
			t.most, f, f.more = n/2, before, true
			continue
		}
		if err != nil {
			return err
		}
		count.Ops += done.Ops
		count.Entries += done.Entries
		count.Bytes += done.Bytes
	}
	return nil
}

func (s *store) trimmedTo(a crdt.Author) uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if f := s.state.feeds[a]; f != nil {
		return f.TrimmedTo
	}
	return 0
}

// findPruned looks for ops below the floor, in order from the first. The op that arrived last of all
// stays: it says which offset is next.
func (t *trimming) findPruned(tx *readTx, a crdt.Author, f *found) error {
	feed, err := tx.Feed(a)
	if err != nil {
		return err
	}
	floor := feed.Forgettable()
	if floor <= feed.First() {
		return nil
	}
	c := tx.opCursor(a)
	barrier, err := tx.barrier(feed)
	if err != nil {
		return err
	}
	held := false // from there on it is counted alone what is kept back
	looked := 0
	for key := range c.from(crdt.Key{}) {
		if looked++; looked > trimLook || key.First >= floor {
			break
		}
		if len(f.keys) == t.most && !held {
			f.more = true
			return nil
		}
		s, err := c.signed()
		if err != nil {
			return err
		}
		if s.Next() > floor || c.offset()+s.Count >= tx.next {
			break
		}
		if held = t.holders.hold(max(c.offset(), barrier), s.Count, true) || held; !held {
			f.keys = append(f.keys, key)
		}
	}
	return c.err
}

// barrier returns the offset of the op behind what was last missed of a feed, 0 if nothing was: whoever has not
// come that far is still to be told of it, and nothing shows it once what lies below is pruned.
func (tx *readTx) barrier(feed crdt.Feed) (uint64, error) {
	missed := feed.Missed()
	if len(missed) == 0 {
		return 0, nil
	}
	c := tx.opCursor(feed.Author)
	if !c.get(missed[len(missed)-1].End) {
		return 0, cmp.Or(c.err, damagedOp(feed.Author, missed[len(missed)-1].End, errMissing))
	}
	return c.offset(), nil
}

// findTrimmed looks for ops whose bodies may go, from where the last look has ended.
func (t *trimming) findTrimmed(tx *readTx, a crdt.Author, f *found) error {
	feed, err := tx.Feed(a)
	if err != nil {
		return err
	}
	if f.from == (crdt.Key{}) {
		f.trimmedTo = t.store.trimmedTo(a)
		f.from.First = f.trimmedTo
	}
	next, now := feed.Next(), t.store.cfg.Now()
	clear := f.from.First == f.trimmedTo // nothing was left behind so far
	c := tx.opCursor(a)
	looked := 0
	for key := range c.from(f.from) {
		if f.from = key; len(f.keys) == t.most || looked == trimLook {
			f.more = true
			return nil
		}
		looked++
		s, err := c.signed()
		if err != nil {
			return err
		}
		if !t.policy.beyondCount(s.Header, next) && len(feed.Branches) == 1 {
			break
		}
		fate, err := t.fate(tx, c, s, next, now)
		if err != nil {
			return err
		}
		if fate == fateTrim {
			f.keys = append(f.keys, c.key)
		}
		if clear = clear && fate >= fateSettle; clear {
			f.trimmedTo = s.Next()
		}
		if fate == fateYoung && len(feed.Branches) == 1 && !s.Clock.Ahead(now) {
			break // those after it are younger, and came later
		}
	}
	return c.err
}

// trimFate is what a trim does with an op.
type trimFate uint8

const (
	fateKeep   trimFate = iota // a later trim may have to look at it again
	fateYoung                  // the same, since it is not old enough
	fateSettle                 // nothing is ever to be done
	fateTrim
)

func (t *trimming) fate(tx *readTx, c *opCursor, s crdt.Signed, next uint64, now time.Time) (trimFate, error) {
	if s.Retention != crdt.Trimmable || c.value.Bodiless() {
		return fateSettle, nil
	}
	if !t.policy.beyondCount(s.Header, next) {
		return fateKeep, nil
	}
	since, err := t.ageOf(tx, c, s, now)
	if err != nil {
		return fateKeep, err
	}
	if !t.policy.old(since, now) {
		t.keep(s, now)
		return fateYoung, nil
	}
	if t.holders.hold(c.offset(), s.Count, false) {
		return fateKeep, nil
	}
	return fateTrim, nil
}
