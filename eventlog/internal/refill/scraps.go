package refill

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/follower"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// scraps is what a [Maker] knows beside the file where what it is told is all that is left of a damaged one: see
// [Maker.Scraps].
type scraps struct {
	// orphans are arrivals whose op is not there, in order: what comes back gets its offset by them.
	orphans map[crdt.Author][]record.Arrival
	unsure  crdt.Author // of whose feed it is not known how much was pruned
}

// Scraps says that what is put is all that is left of a damaged file: ops that contradict the laws are left out rather
// than refused, and a feed's record, which may be older than its ops or say more than is left, is made of both. A feed
// still has what an op that is there names, or whose arrival is known: a hole. At its end it has no hole of which nothing
// is known: it is shorter.
func (m *Maker) Scraps() {
	m.scraps = &scraps{orphans: make(map[crdt.Author][]record.Arrival)}
}

// HoldsOp reports whether an op was put.
func (m *Maker) HoldsOp(a crdt.Author, key crdt.Key) (held bool, err error) {
	err = m.do(func() error {
		if ops := m.feedOps(a); ops != nil {
			k := record.OpKey(key)
			held = ops.Get(k[:]) != nil
		}
		return nil
	})
	return held, err
}

// Arrives reports whether an arrival was put that says an op to have an offset.
func (m *Maker) Arrives(op crdt.Signed, offset uint64) (arrives bool, err error) {
	err = m.do(func() error {
		k := record.Offset(offset)
		a, err := record.ParseArrival(k[:], m.arrivals().Get(k[:]))
		arrives = err == nil && a.Author == op.Author && a.Key == op.Key()
		return nil
	})
	return arrives, err
}

// Feed returns the record of a feed as it is known, nil for nothing, and once [Maker.Records] was called as it is made.
func (m *Maker) Feed(a crdt.Author) (f *record.Feed, err error) {
	err = m.do(func() error {
		f, err = m.known(a)
		return err
	})
	return f, err
}

// Next returns the offset behind all that was put.
func (m *Maker) Next() uint64 { return m.next }

// stands reports whether the op that an arrival names was put with that offset.
func (m *Maker) stands(a record.Arrival) (stands bool, err error) {
	err = m.do(func() error {
		if ops := m.feedOps(a.Author); ops != nil {
			k := record.OpKey(a.Key)
			v := record.Op(ops.Get(k[:]))
			stands = v != nil && v.Offset() == a.Offset
		}
		return nil
	})
	return stands, err
}

// Claim is [Maker.Checked] for an op whose offset stands on better evidence than the arrivals: those whose ops are not
// there, or have another offset, give way.
func (m *Maker) Claim(op crdt.Op, offset, sweep uint64) error {
	for {
		taken := errTaken{}
		err := m.Checked(op, offset, sweep)
		if !errors.As(err, &taken) {
			return err
		}
		stands, failed := m.stands(taken.Arrival)
		if failed == nil && !stands {
			failed = m.do(func() error { return m.dropArrivals([]uint64{taken.Offset}) })
		}
		if failed != nil || stands {
			return cmp.Or(failed, err)
		}
	}
}

// findOrphans finds the arrivals whose op is not there, and drops those whose op has another offset or arrival.
func (m *Maker) findOrphans() error {
	var double []uint64
	known := make(map[crdt.OpID]bool) // the orphans' ops, each of which has arrived once
	err := m.do(func() error {
		c := m.arrivals().Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			a, err := record.ParseArrival(k, v)
			if err != nil {
				return err
			}
			value, key := record.Op(nil), record.OpKey(a.Key)
			if ops := m.feedOps(a.Author); ops != nil {
				value = ops.Get(key[:])
			}
			switch {
			case value == nil && known[a.Key.ID]:
				double = append(double, a.Offset)
			case value == nil:
				known[a.Key.ID] = true
				m.scraps.orphans[a.Author] = append(m.scraps.orphans[a.Author], a)
			case value.Offset() != a.Offset:
				double = append(double, a.Offset)
			}
		}
		return c.Err()
	})
	if err != nil {
		return err
	}
	return m.do(func() error { return m.dropArrivals(double) })
}

// withOrphans returns the authors with those of whom nothing but arrivals is there.
func (s *scraps) withOrphans(authors []crdt.Author) []crdt.Author {
	all := slices.AppendSeq(authors, maps.Keys(s.orphans))
	slices.SortFunc(all, func(a, b crdt.Author) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(all)
}

func (m *Maker) dropArrivals(offsets []uint64) error {
	for _, offset := range offsets {
		k := record.Offset(offset)
		if err := m.arrivals().Remove(k[:]); err != nil {
			return err
		}
	}
	return nil
}

// dropOps drops ops of a feed that cannot stay, and their arrivals.
func (m *Maker) dropOps(a crdt.Author, keys []crdt.Key) error {
	ops := m.feedOps(a)
	for _, key := range keys {
		k := record.OpKey(key)
		at := record.Offset(record.Op(ops.Get(k[:])).Offset())
		if err := errors.Join(ops.Remove(k[:]), m.arrivals().Remove(at[:])); err != nil {
			return err
		}
		m.ops--
	}
	return nil
}

// scrapsOf returns the record of a feed of which scraps are left, nil known for nothing.
func (m *Maker) scrapsOf(known *record.Feed, a crdt.Author, now time.Time, report *Report) (r *record.Feed, err error) {
	var f *making
	for prefix, again := false, true; again && err == nil; {
		if err = m.do(func() (err error) {
			f = &making{feed: crdt.Feed{Author: a}, now: now, scraps: true, forked: known.Disputed(), prefix: prefix}
			f.held.ops = m.feedOps(a)
			if err = cmp.Or(f.takeLeave(known), f.read(a)); err == nil && len(f.drop) == 0 {
				err = f.vouched()
			}
			if again = len(f.drop) > 0; again && err == nil {
				return m.dropOps(a, f.drop)
			}
			r = f.scrapped(known, m.scraps.orphans[a])
			again = f.pieces && !f.whole && !prefix
			prefix = prefix || again
			return err
		}); err == nil && again {
			err = m.commit(true) // a cursor does not go on past a leaf that this transaction has emptied
		}
	}
	if err != nil {
		return nil, err
	}
	f.arrived(known, r, m.scraps.orphans[a])
	f.report(report)
	var least, dropped uint64
	err = m.do(func() error {
		f.held.ops = m.feedOps(a)
		least, dropped, err = m.keepOrphans(f, r)
		return err
	})
	arrived := f.entries - dropped
	for _, o := range m.scraps.orphans[a] {
		arrived += o.Count
	}
	switch {
	case known == nil || r.Feed.Next()+dropped < known.Feed.Next() || arrived < r.Entries:
		least = 0
	case dropped == 0:
		return r, err
	}
	m.scraps.unsure, report.Again = a, min(report.Again, least)
	return r, err
}

// scrapped returns the record of what is there of a feed, and notes what is not: with what is known of it, nil for
// nothing, and the arrivals whose ops are missing.
func (f *making) scrapped(known *record.Feed, orphans []record.Arrival) *record.Feed {
	if b := f.feed.Branches; len(b) == 1 && !b[0].Rooted && b[0].Start.First > f.feed.Floor() {
		f.bridged += b[0].Start.First - f.feed.Floor() // what is missing before it is put back
	}
	r := &record.Feed{Feed: f.feed, Clock: f.clock, Entries: f.entries + f.bridged}
	if known != nil {
		f.missing(known.Feed)
		r.Pruned, r.PruneSweep, r.Shut, r.Clock = known.Pruned, known.PruneSweep, known.Shut, max(f.clock, known.Clock)
		if feed, entries, ok := f.within(known, orphans); ok {
			r.Feed, r.Entries, f.whole = feed, entries, true
		}
		if known.Feed.Leave.Floor > r.Feed.Leave.Floor {
			r.Feed.Leave = known.Feed.Leave
		}
	}
	r.Ops, r.Trimmed, r.Bytes = f.ops, f.trimmed, f.bytes
	r.Heads = r.Feed.Heads()
	return r
}

// arrived notes what has arrived of the feed beyond all else that is known of it: r, its record, ends before it.
func (f *making) arrived(known, r *record.Feed, orphans []record.Arrival) {
	from := r.Feed.Next()
	if known != nil {
		from = max(from, known.Feed.Next()) // what is missing up to there is noted
	}
	to := from
	for _, a := range orphans {
		to = max(to, a.Key.First+a.Count)
	}
	if to > from {
		f.holes = append(f.holes, Hole{Author: f.feed.Author, From: from, To: to})
	}
}

// within returns the feed that is known, with what is there beyond it, or without what is not at its end, and how many
// entries that are, holes included. ok is false where what is there does not fit into it.
func (f *making) within(known *record.Feed, orphans []record.Arrival) (feed crdt.Feed, entries uint64, ok bool) {
	feed = known.Feed.Clone()
	there := func(h crdt.Head) bool {
		f.held.below = crdt.Key{First: crdt.MaxSeq}
		_, found, err := f.held.Find(feed.Author, h)
		return err == nil && found || slices.ContainsFunc(orphans, func(a record.Arrival) bool { return a.Key.ID == h.ID })
	}
	_, forked := feed.Disputed()
	if _, forks := f.feed.Disputed(); forked || forks {
		ok = known.Entries >= f.entries && f.feed.Next() <= feed.Next()
		for _, b := range feed.Branches {
			ok = ok && there(b.Head)
		}
		return feed, known.Entries, ok
	}
	end, top := highest(f.feed), highest(feed)
	if end != nil && top != nil && (end.Head.Next > top.Head.Next || !there(top.Head)) {
		if end.Head.Next <= top.Start.First {
			feed.Branches = slices.DeleteFunc(feed.Branches, func(b crdt.Branch) bool { return b.Start == top.Start })
		} else {
			top.Head, top.Clock, top.Floor = end.Head, end.Clock, end.Floor
		}
	}
	for _, b := range feed.Branches {
		entries += b.Head.Next - b.Start.First
	}
	return feed, entries, end != nil && len(feed.Branches) > 0 && entries >= f.entries
}

// highest returns the branch of f that reaches highest; nil where there is none.
func highest(f crdt.Feed) (top *crdt.Branch) {
	for i := range f.Branches {
		if b := &f.Branches[i]; top == nil || b.Head.Next > top.Head.Next {
			top = b
		}
	}
	return top
}

// keepOrphans drops the arrivals of ops that the feed's record does not say to be held, or that others stand in for. It
// returns the least of their offsets, and how many entries they are of.
func (m *Maker) keepOrphans(f *making, r *record.Feed) (least, entries uint64, err error) {
	var drop []uint64
	least = math.MaxUint64
	pieces := len(r.Feed.Branches) > 1
	for _, a := range m.scraps.orphans[f.feed.Author] {
		fits, err := f.held.fits(a)
		if err != nil {
			return 0, 0, err
		}
		if a.Key.First < r.Feed.First() || a.Key.First+a.Count > r.Feed.Next() || !fits && !pieces || pieces && !f.whole {
			drop = append(drop, a.Offset)
			least, entries = min(least, a.Offset), entries+a.Count
		}
	}
	return least, entries, m.dropArrivals(drop)
}

// end finds out where the arrivals end that were kept, and has followers that stood beyond go on there: what comes has
// offsets from there on.
func (m *Maker) end() error {
	m.next = 0
	c := m.arrivals().Cursor()
	if k, v := c.Last(); k != nil {
		a, err := record.ParseArrival(k, v)
		if err != nil {
			return err
		}
		m.next = a.Offset + a.Count
	}
	followers := m.tx.Tree(schema.Followers)
	var beyond [][]byte
	c = followers.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if cursor, _, err := follower.Open(string(k), v); err == nil && cursor > m.next {
			beyond = append(beyond, bytes.Clone(k))
		}
	}
	for _, k := range beyond {
		_, text, err := follower.Open(string(k), followers.Get(k))
		if err != nil {
			return err
		}
		if err := followers.Put(k, follower.Seal(string(k), m.next, text)); err != nil {
			return err
		}
	}
	return c.Err()
}

// balance has as many entries count as pruned as offsets have neither an entry nor one that is missing.
func (m *Maker) balance(kept, pruned uint64, authors []crdt.Author) error {
	off := int64(m.next) - int64(kept+pruned)
	if i := slices.Index(authors, m.scraps.unsure); i > 0 {
		authors = slices.Concat(authors[i:i+1], authors[:i], authors[i+1:])
	}
	for _, a := range authors {
		f, err := m.known(a)
		if err != nil {
			return err
		}
		by := max(off, -int64(f.Pruned))
		if off -= by; by == 0 {
			continue
		}
		f.Pruned = uint64(int64(f.Pruned) + by)
		if by > 0 && f.PruneSweep == 0 { // a reader passes offsets that have no arrival only where something was pruned
			m.sweep = max(m.sweep, 1)
			f.PruneSweep = m.sweep
		}
		if err := m.tx.Tree(schema.Feeds).Put(a[:], f.Encode(a)); err != nil {
			return err
		}
	}
	return nil
}
