package refill

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// FeedError says why no log can be made of what was put: what of whose feed is not as the laws have it.
type FeedError struct {
	Author crdt.Author // zero for no feed
	What   string
	Err    error // may be nil
}

func (e *FeedError) Error() string {
	s := e.What
	if !e.Author.IsZero() {
		s = fmt.Sprintf("feed %s: %s", e.Author, s)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *FeedError) Unwrap() error { return e.Err }

// making is the record of one feed on its way. Its ops are met in order of key, in which an op stands after the one
// that it names: so each finds its place by the laws, as if the feed had come in that order.
type making struct {
	feed  crdt.Feed
	held  heldBelow
	now   time.Time
	holes []Hole
	// scraps says that drop takes what cannot stay, see [Maker.Scraps].
	scraps  bool
	drop    []crdt.Key
	forked  bool   // by the record that is known
	bridged uint64 // entries that are missing inside of branches
	whole   bool   // the record that is known stays
	pieces  bool   // there are some that no branch goes on with
	prefix  bool   // those are dropped

	ops, entries, trimmed, bytes uint64
	clock                        crdt.Clock
}

// record returns the record of an author's feed, and reports what there is of it. What was forgotten before the record
// was made that is known is dropped: an earlier backup has had it. So is what was forgotten since, where that is why
// something is missing.
func (m *Maker) record(a crdt.Author, now time.Time, report *Report) (r *record.Feed, err error) {
	var known *record.Feed
	if err := m.do(func() (err error) {
		known, err = m.known(a)
		return err
	}); err != nil {
		return nil, err
	}
	if known != nil {
		if err := m.dropBelow(a, known.Feed.First()); err != nil {
			return nil, err
		}
	}
	if m.scraps != nil {
		return m.scrapsOf(known, a, now, report)
	}
	f, r, err := m.feed(a, now, known)
	if gone, some := m.forgotten[a]; err == nil && len(f.holes) > 0 && some && known != nil {
		if slices.Equal(f.feed.Heads(), known.Heads) { // what stands behind the last hole is whole
			gone.Below = min(gone.Below, f.holes[len(f.holes)-1].To)
		}
		if err := m.dropBelow(a, gone.Below); err != nil {
			return nil, err
		}
		f, r, err = m.feed(a, now, known, gone)
	}
	if err != nil {
		return nil, err
	}
	f.report(report)
	return r, nil
}

// report adds what there is of the feed, and what is not.
func (f *making) report(r *Report) {
	for _, h := range f.holes {
		r.hole(h)
	}
	r.Authors += min(f.ops, 1)
	r.Ops += f.ops
	r.Entries += f.entries
}

// feed makes the record of an author's feed of what is held, where something was forgotten since the one that is known.
func (m *Maker) feed(a crdt.Author, now time.Time, known *record.Feed, since ...Forgotten) (f *making, r *record.Feed, err error) {
	f = &making{feed: crdt.Feed{Author: a}, now: now}
	err = m.do(func() error {
		f.held.ops = m.feedOps(a)
		err := f.takeLeave(known)
		for _, gone := range since {
			err = errors.Join(err, f.feed.TakeLeave(gone.Leave))
		}
		if err != nil {
			return &FeedError{Author: a, What: "its leave to forget", Err: err}
		}
		if err := f.read(a); err != nil {
			return err
		}
		if err := f.vouched(); err != nil {
			return err
		}
		for _, gone := range since {
			if known, err = f.forget(known, gone); err != nil {
				return err
			}
		}
		r, err = f.record(known)
		return err
	})
	return f, r, err
}

// takeLeave takes the leave under which the feed begins: that of its record, else the highest that an op of it signs.
func (f *making) takeLeave(known *record.Feed) error {
	if known != nil {
		if known.Feed.Leave.Floor == 0 {
			return nil
		}
		return f.feed.TakeLeave(known.Feed.Leave)
	}
	return f.held.each(func(op crdt.Signed, _ record.Op) error {
		if op.Floor > f.feed.Floor() {
			_ = f.feed.TakeLeave(op) // one that is not signed gives no leave
		}
		return nil
	})
}

// read reads the ops.
func (f *making) read(a crdt.Author) error {
	return f.held.each(func(op crdt.Signed, v record.Op) error {
		verdict, err := crdt.Decide(&f.held, f.feed, op)
		if f.scraps && errors.Is(err, crdt.ErrInvalid) {
			f.dropOp(op)
			return nil
		}
		f.ops++
		f.entries += op.Count
		f.bytes += uint64(len(v))
		if v.Bodiless() {
			f.trimmed += op.Count
		}
		if !op.Clock.Ahead(f.now) {
			f.clock = max(f.clock, op.Clock)
		}
		switch {
		case err != nil:
			return &FeedError{Author: a, What: fmt.Sprintf("op %d", op.First), Err: err}
		case verdict.Decision == crdt.Accepted || verdict.Decision == crdt.Forked:
			f.feed.Add(verdict)
			return nil
		}
		return f.beyond(op)
	})
}

// beyond places an op behind a hole: on the branch that comes nearest to it, which goes on there, or with none below it
// on one that begins with it. Of scraps of a feed that has forked nobody but its record can say which branch goes on: it
// begins a piece of its own, and where no record is known to be right it is dropped.
func (f *making) beyond(op crdt.Signed) error {
	at := -1
	for i, b := range f.feed.Branches {
		if b.Head.Next <= op.First && (at < 0 || b.Head.Next > f.feed.Branches[at].Head.Next) {
			at = i
		}
	}
	from := min(f.feed.Floor(), op.First) // below it nothing is missing
	if at >= 0 {
		from = f.feed.Branches[at].Head.Next
		if err := f.vouches(f.feed.Branches[at].Head); err != nil && !f.scraps {
			return err
		}
	}
	n := len(f.feed.Branches)
	piece := f.scraps && (f.forked || n > 1 || n == 1 && (at < 0 || from == op.First))
	if f.pieces = f.pieces || piece; f.prefix {
		f.dropOp(op)
		return nil
	}
	if at < 0 || piece {
		f.feed.Branches = append(f.feed.Branches, crdt.Branch{Start: op.Key(), Parent: op.Prev})
		at = len(f.feed.Branches) - 1
	} else {
		f.bridged += op.First - from
	}
	b := &f.feed.Branches[at]
	b.Head, b.Clock, b.Floor = op.Head(), op.Clock, op.Floor
	f.holes = append(f.holes, Hole{Author: op.Author, From: min(from, op.First-1), To: op.First})
	return nil
}

// dropOp has an op dropped: from here on nothing can name it.
func (f *making) dropOp(op crdt.Signed) {
	if f.drop = append(f.drop, op.Key()); f.held.gone == nil {
		f.held.gone = make(map[crdt.OpID]bool)
	}
	f.held.gone[op.ID] = true
}

// vouched checks the signature of the last op of each branch, which vouches for all before it.
func (f *making) vouched() error {
	for _, b := range f.feed.Branches {
		err := f.vouches(b.Head)
		if last, found, _ := f.held.Find(f.feed.Author, b.Head); err != nil && found && f.scraps {
			f.dropOp(last)
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (f *making) vouches(h crdt.Head) error {
	f.held.below = crdt.Key{First: crdt.MaxSeq}
	op, found, err := f.held.Find(f.feed.Author, h)
	if err == nil && !found {
		err = errors.New("it is not held")
	}
	if err == nil {
		err = op.Verify()
	}
	if err != nil {
		return &FeedError{Author: f.feed.Author, What: fmt.Sprintf("the op before seq %d, which is to vouch for those before it", h.Next), Err: err}
	}
	return nil
}

// record returns the feed's record. Where the one that is known says that more is held it stays, and what is missing is
// a hole.
func (f *making) record(known *record.Feed) (*record.Feed, error) {
	counted := func(r *record.Feed) *record.Feed {
		r.Ops, r.Entries, r.Trimmed, r.Bytes = f.ops, f.entries, f.trimmed, f.bytes
		r.Heads = r.Feed.Heads()
		return r
	}
	if known == nil {
		for _, h := range f.holes {
			f.entries += h.To - h.From
		}
		return counted(&record.Feed{Feed: f.feed, Clock: f.clock}), nil
	}
	r := known.Clone()
	f.missing(r.Feed)
	if len(f.holes) == 0 && slices.Equal(f.feed.Heads(), r.Feed.Heads()) && f.entries == r.Entries {
		r.Feed = f.feed
		if f.trimmed < r.Trimmed { // what an earlier backup has had is there with its body
			r.TrimmedTo = 0
		}
		return counted(r), nil
	}
	if f.entries > r.Entries || f.ops > r.Ops {
		return nil, &FeedError{Author: f.feed.Author, What: fmt.Sprintf("it has %d entries where its record says %d", f.entries, r.Entries)}
	}
	if len(f.holes) == 0 {
		f.holes = append(f.holes, Hole{Author: f.feed.Author, From: r.Feed.First(), To: r.Feed.Next()})
	}
	// The entries are those that it is to have, the rest is what there is of them.
	r.Ops, r.Bytes, r.Trimmed = f.ops, f.bytes, f.trimmed
	r.Heads = r.Feed.Heads()
	return r, nil
}

// forget returns a record less what was pruned since.
func (f *making) forget(known *record.Feed, since Forgotten) (*record.Feed, error) {
	r := known.Clone()
	f.held.below = crdt.Key{First: crdt.MaxSeq}
	start := crdt.Signed{Header: crdt.Header{First: crdt.MaxSeq}} // nothing is left of it
	for op, err := range f.held.Ops(f.feed.Author, since.Below) {
		if err != nil {
			return nil, err
		}
		start = op
		break
	}
	r.Forget(start, 0, since.Sweep)
	r.Feed.Leave, r.PruneSweep = f.feed.Leave, since.Sweep
	r.Ops, r.Bytes, r.Trimmed = f.ops, f.bytes, f.trimmed
	return r, nil
}

// missing notes the holes at the beginning and at the ends of what the record says is held.
func (f *making) missing(r crdt.Feed) {
	first := f.feed.First()
	switch {
	case f.feed.IsZero() || r.First() >= first:
	case len(f.holes) > 0 && f.holes[0].To == first:
		f.holes[0].From = r.First()
	default:
		f.holes = slices.Insert(f.holes, 0, Hole{Author: f.feed.Author, From: r.First(), To: first})
	}
	heads := f.feed.Heads()
	f.held.below = crdt.Key{First: crdt.MaxSeq}
	for _, b := range r.Branches {
		_, held, err := f.held.Find(f.feed.Author, b.Head)
		if b.Head.Next <= r.Floor() || held && err == nil {
			continue
		}
		from := b.Start.First
		for _, h := range heads {
			if h.Next < b.Head.Next {
				from = max(from, h.Next)
			}
		}
		f.holes = append(f.holes, Hole{Author: f.feed.Author, From: from, To: b.Head.Next})
	}
}
