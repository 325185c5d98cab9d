package elsewhere

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// ErrNotOurs is returned by [Ledger.Wait] for an entry of another author: its own node waits for that.
var ErrNotOurs = errors.New("not an entry of this node's own feed")

// Entry is an entry that is held and durable here.
type Entry struct {
	Op     crdt.Signed // that holds it
	Offset uint64      // of the op's first entry
}

// Config is what a [Ledger] goes by.
type Config struct {
	Author crdt.Author // of this node's own feed
	// Receipts is what the other nodes said. Nil: no other node is known, ever.
	Receipts Receipts
	// Entry returns the entry at a place, or says why there is none.
	Entry func(context.Context, crdt.Place) (Entry, error)
	// Held returns what is held here, for as long as ctx lasts; Feed what is held of a feed, in memory.
	Held func(context.Context) crdt.Held
	Feed func(crdt.Author) crdt.Feed
	// Now is the wall clock.
	Now func() time.Time
	// Closed is closed when nothing can be read here any more.
	Closed <-chan struct{}
}

// Ledger holds what other nodes said against what is held here. Its methods may be called from any goroutine.
type Ledger struct {
	cfg   Config
	marks marks
}

// New returns a ledger.
func New(cfg Config) *Ledger {
	if cfg.Receipts == nil {
		cfg.Receipts = nobody{}
	}
	return &Ledger{cfg: cfg, marks: newMarks()}
}

// nobody is the receipts of a log that knows of no other node.
type nobody struct{}

func (nobody) Of(crdt.Author) []Standing { return nil }
func (nobody) Changed() <-chan struct{}  { return nil }
func (nobody) Hurry()                    {}

// Receipts returns what is proven of each other node that is known and the entry at p, by author. Places and errors are those of
// a log's Lookup, but an entry whose body was trimmed here is none.
func (l *Ledger) Receipts(ctx context.Context, p crdt.Place) ([]Receipt, error) {
	e, err := l.cfg.Entry(ctx, p)
	if err != nil {
		return nil, err
	}
	var receipts []Receipt
	for _, s := range l.cfg.Receipts.Of(p.Author) {
		h, err := l.holding(ctx, s, e)
		if err != nil {
			return nil, fmt.Errorf("receipts of %s: %w", p, err)
		}
		receipts = append(receipts, Receipt{Author: s.Author, Member: s.Member, Holding: h, Heard: s.Heard})
	}
	slices.SortFunc(receipts, func(a, b Receipt) int { return a.Author.Compare(b.Author) })
	return receipts, nil
}

// holding returns what a standing proves of an entry.
func (l *Ledger) holding(ctx context.Context, s Standing, e Entry) (Holding, error) {
	if !s.counts() {
		return Unheard, nil
	}
	feed := l.cfg.Feed(e.Op.Author)
	// What cannot be read at the end of our own feed has arrived, too, but no peer was compared with for it.
	covers := e.Offset < s.Below && e.Op.Next() <= feed.Next()
	if !covers {
		var err error
		if covers, err = l.covers(l.cfg.Held(ctx), feed, s.Heads, e.Op.Head()); err != nil {
			return Unheard, err
		}
	}
	switch {
	case covers && e.Op.First < feed.Floor() && !s.Keeps.forgotten():
		return Pruned, nil
	case covers && !s.Keeps.body(e.Op.Header, feed.Next(), l.cfg.Now()):
		return Trimmed, nil
	case covers:
		return Holds, nil
	case s.Shut:
		return Shut, nil
	case s.Linked && e.Offset < s.Told:
		return Lacks, nil
	}
	return Unheard, nil
}

// covers reports whether whoever holds heads is bound to hold the op that ends at op.
func (l *Ledger) covers(held crdt.Held, feed crdt.Feed, heads []crdt.Head, op crdt.Head) (bool, error) {
	heads = slices.DeleteFunc(slices.Clone(heads), func(h crdt.Head) bool { return h.Next < op.Next })
	if len(heads) == 0 || slices.Contains(heads, op) {
		return len(heads) > 0, nil
	}
	covered, err := crdt.Covered(held, feed, heads)
	if err != nil {
		return false, err
	}
	at := []crdt.Head{op}
	if len(feed.Branches) > 1 {
		if at, err = crdt.Covered(held, feed, at); err != nil { // up to op on its branch, and below on others
			return false, err
		}
	}
	for i, h := range at {
		if h == op {
			return covered[i].Next >= op.Next, nil
		}
	}
	return false, nil
}

// Heights returns, for each other node that counts, the seq behind the last entry that it is proven to hold of a feed: 0 of a member
// that was not heard. Of a feed with a fork it is the highest on any branch.
func (l *Ledger) Heights(ctx context.Context, a crdt.Author) (heights []uint64, err error) {
	feed, held := l.cfg.Feed(a), l.cfg.Held(ctx)
	for _, s := range l.cfg.Receipts.Of(a) {
		if !s.counts() {
			continue
		}
		on, err := crdt.Covered(held, feed, s.Heads)
		if err != nil {
			return nil, fmt.Errorf("how far others hold %s: %w", a, err)
		}
		next := l.arrivedBelow(ctx, feed, s.Below)
		for _, h := range on {
			next = max(next, h.Next)
		}
		heights = append(heights, next)
	}
	return heights, nil
}

// arrivedBelow returns the seq up to which a feed had arrived here before an offset, as far as its entries can be read.
func (l *Ledger) arrivedBelow(ctx context.Context, feed crdt.Feed, offset uint64) uint64 {
	first, next := feed.Floor(), feed.Next()
	before := func(seq uint64) bool {
		e, err := l.cfg.Entry(ctx, crdt.Place{Author: feed.Author, Seq: seq})
		return err == nil && e.Offset < offset
	}
	switch {
	case offset == 0 || first >= next:
		return 0
	case before(next - 1):
		return next
	}
	return first + uint64(sort.Search(int(next-first), func(i int) bool { return !before(first + uint64(i)) }))
}

// Forgotten reports whether each other node that counts is bound to have forgotten, or to forget, what a has given leave
// for: it is proven to hold the leave, and keeps nothing for longer by its policy. Where nobody is known, or somebody was
// not heard, that is not known.
func (l *Ledger) Forgotten(ctx context.Context, a crdt.Author) (all bool) {
	e, err := l.cfg.Entry(ctx, crdt.Place{Author: a, Seq: l.cfg.Feed(a).Leave.First})
	for _, s := range l.cfg.Receipts.Of(a) {
		if err == nil && s.counts() {
			h, failed := l.holding(ctx, s, e)
			all, err = h >= Holds && h <= Pruned && s.Keeps != nil && !s.Keeps.Forgotten, failed
		}
		if err != nil || s.counts() && !all {
			return false
		}
	}
	return all
}

// Alone is how much of this node's own feed no other node is known to hold.
type Alone struct {
	// Entries is how many entries are on no other node that was heard, Since when the oldest of them was written.
	Entries uint64
	Since   time.Time
	// Known says that another node has spoken since this process began: before that all may be elsewhere.
	Known bool
}

// Alone returns how much of this node's own feed is on no other node that was heard. It reads a few ops at most, but
// for a feed with a fork.
func (l *Ledger) Alone(ctx context.Context) (alone Alone, err error) {
	feed, held := l.cfg.Feed(l.cfg.Author), l.cfg.Held(ctx)
	covered := make([]crdt.Head, len(feed.Branches))
	for _, s := range l.cfg.Receipts.Of(l.cfg.Author) {
		if !s.counts() || s.Heard.IsZero() {
			continue
		}
		alone.Known = true
		on, err := crdt.Covered(held, feed, s.Heads)
		if err != nil || len(on) != len(covered) {
			return Alone{}, err
		}
		for i, h := range on {
			covered[i] = slices.MaxFunc([]crdt.Head{covered[i], h}, crdt.Head.Compare)
		}
	}
	for i, b := range feed.Branches {
		from := max(covered[i].Next, b.Start.First)
		if from >= b.Head.Next || !slices.Contains(feed.Heads(), b.Head) {
			continue
		}
		alone.Entries += b.Head.Next - from
		for op, err := range held.Ops(feed.Author, from) {
			if err != nil {
				return Alone{}, err
			}
			if at := op.Clock.Time(); alone.Since.IsZero() || at.Before(alone.Since) {
				alone.Since = at
			}
			break
		}
	}
	return alone, nil
}

// Wait waits until the entry at p, which this node wrote, is held as wanted, and returns the receipts. At ctx's end
// the error is a [*NotReplicatedError]. Other errors are [ErrNotOurs], that nothing is wanted, and why the entry is
// not here.
func (l *Ledger) Wait(ctx context.Context, p crdt.Place, want Replication) ([]Receipt, error) {
	if err := want.check(); err != nil {
		return nil, fmt.Errorf("wait for %s elsewhere: %w", p, err)
	}
	if p.Author != l.cfg.Author {
		return nil, fmt.Errorf("wait for %s elsewhere: %w", p, ErrNotOurs)
	}
	look := context.WithoutCancel(ctx) // what is known when ctx ends is told
	e, err := l.cfg.Entry(look, p)
	if err != nil {
		return nil, err
	}
	w := l.marks.join(want, e.Op.Next())
	defer l.marks.leave(w)
	for first := true; ; first = false {
		changed := l.cfg.Receipts.Changed()
		receipts, err := l.Receipts(look, p)
		if err != nil {
			return nil, err
		}
		if want.Met(receipts) {
			return receipts, nil
		}
		if first {
			l.cfg.Receipts.Hurry()
			err = l.await(ctx, w)
		} else { // by its height it would be reached; what is wrong with it is not told by heights
			select {
			case <-changed:
			case <-l.cfg.Closed:
			case <-ctx.Done():
				err = context.Cause(ctx)
			}
		}
		if err != nil {
			if now, failed := l.Receipts(look, p); failed == nil {
				receipts = now
			}
			return nil, want.notReplicated(p, want.withNames(receipts), err)
		}
	}
}

// withNames returns receipts with one for each node that was named and is not known.
func (r Replication) withNames(receipts []Receipt) []Receipt {
	for _, a := range r.Names {
		if !slices.ContainsFunc(receipts, func(o Receipt) bool { return o.Author == a }) {
			receipts = append(receipts, Receipt{Author: a})
		}
	}
	return receipts
}

// heights returns how far each other node holds our own feed, which has one branch; false if it has not.
func (l *Ledger) heights(ctx context.Context) (heights []height, whole bool) {
	feed, held := l.cfg.Feed(l.cfg.Author), l.cfg.Held(ctx)
	if len(feed.Branches) != 1 {
		return nil, false
	}
	for _, s := range l.cfg.Receipts.Of(l.cfg.Author) {
		h := height{author: s.Author, member: s.Member}
		if s.counts() && len(s.Heads) > 0 {
			on, err := crdt.Covered(held, feed, s.Heads)
			if err != nil {
				return nil, false // whoever waits meets it too
			}
			h.next = on[0].Next
		}
		heights = append(heights, h)
	}
	return heights, true
}
