package eventlog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/feeds"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// ownHead returns where our feed ends. It has one branch, or pieces that a prune has parted, of which the
// highest goes on: a feed of ours that has forked is not appended to.
func ownHead(f crdt.Feed) (head crdt.Head, clock crdt.Clock, floor uint64) {
	for _, b := range f.Branches {
		if b.Head.Next > head.Next {
			head, clock, floor = b.Head, b.Clock, b.Floor
		}
	}
	return head, clock, floor
}

// checkOwnHead finds out why nothing may be appended to our own feed as it is in the file: it has forked, or its last
// ops cannot be read. Signing on from there could give a seq to a second entry.
//
// Our feed then ends here with the last op that can be read. What lies behind it comes back from those who have it, as
// what an older folder lacks does, and takes the place that it had, see [writeTx.restore].
func (s *store) checkOwnHead(tx *readTx) {
	feed := s.state.Feed(s.author)
	s.forked = nil
	if _, forked := feed.Disputed(); forked {
		s.forked = fmt.Errorf("%w: our own feed has %d branches", ErrSecondWriter, len(feed.Branches))
		return
	}
	end, _, _ := ownHead(feed)
	damage := s.cutOwn(tx, &s.state)
	if damage == nil {
		return
	}
	state := RecoveringError{Why: WhyHead, Since: s.cfg.Now(), Own: end, Detail: fmt.Sprintf("%s: %v", damage.What, damage.Err)}
	if was := s.recovering; was != nil && !was.Why.Soft() {
		state = *was
		ends, _, _ := ownHead(s.state.Feed(s.author))
		state.kept = was.kept && ends == end // else where it ends now is still to be written
	}
	state.damage, s.recovering = damage, &state
}

// cutOwn says how the end of our own feed is damaged, and lets the feed end before that; nil if it is whole.
func (s *store) cutOwn(tx *readTx, held *feeds.State) *DamagedError {
	feed := held.Feed(s.author)
	end, _, _ := ownHead(feed)
	last, damage := tx.lastOwn(s.author)
	if damage == nil && last.Head() == end {
		return nil
	}
	if damage == nil || tx.Err() == nil {
		held.Set(s.author, cut(held.Feeds[s.author], last))
	}
	damage = cmp.Or(damage, errors.New("our feed does not end where its record says"))
	return &DamagedError{Path: s.path, What: "the end of our own feed", Err: damage}
}

// lastOwn returns the last op of our feed that can be read, none where there is none, and the first thing that is
// wrong with those behind it.
func (tx *readTx) lastOwn(self crdt.Author) (last crdt.Op, damage error) {
	ops := tx.ops(self)
	if ops == nil {
		return last, tx.Err()
	}
	c := ops.Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		key, err := record.ParseOpKey(k)
		if err == nil {
			if last, err = verifiedAt(self, key, bytes.Clone(v)); err == nil {
				return last, damage
			}
		}
		damage = cmp.Or(damage, err)
	}
	return crdt.Op{}, cmp.Or(damage, c.Err())
}

// cut returns the record of a feed that ends with an op that it holds, or before its first one.
func cut(was *record.Feed, last crdt.Op) *record.Feed {
	if was == nil {
		was = &record.Feed{Feed: crdt.Feed{Author: last.Author}}
	}
	f := was.Clone()
	f.Feed.Branches = slices.DeleteFunc(f.Feed.Branches, func(b crdt.Branch) bool { return last.Count == 0 || b.Start.First > last.First })
	for i := range f.Feed.Branches {
		if b := &f.Feed.Branches[i]; b.Head.Next > last.First {
			b.Head, b.Clock, b.Floor = last.Head(), last.Clock, last.Floor
		}
	}
	f.Heads = f.Feed.Heads()
	return f
}

// mends reports whether what is decided on is our own feed while its end cannot be read.
func (tx *writeTx) mends(a crdt.Author) bool {
	return a == tx.store.author && tx.store.recovering.headless()
}

// held returns what is held for deciding on an op of a's.
func (tx *writeTx) held(a crdt.Author) crdt.Held {
	if tx.mends(a) {
		return mending{tx, &tx.readTx, a}
	}
	return tx
}

// wanting returns what is held for finding out what is wanted.
func (s *store) wanting(tx *readTx) crdt.Held {
	if s.unsettled().headless() {
		return mending{tx, tx, s.author}
	}
	return tx
}

// mending is what is held, less what cannot be read of our own feed, while that is its end.
type mending struct {
	crdt.Held
	tx   *readTx
	self crdt.Author
}

func (m mending) Get(a crdt.Author, key crdt.Key) (crdt.Signed, bool, error) {
	if a != m.self {
		return m.Held.Get(a, key)
	}
	v := m.tx.value(a, key)
	if v == nil {
		return crdt.Signed{}, false, m.tx.Err()
	}
	op, err := verifiedAt(a, key, bytes.Clone(v))
	return op.Signed, err == nil, nil
}

func (m mending) Find(a crdt.Author, head crdt.Head) (crdt.Signed, bool, error) {
	s, found, err := m.Held.Find(a, head)
	if a != m.self || m.tx.Err() != nil {
		return s, found, err
	}
	if err != nil || !found {
		return crdt.Signed{}, false, nil
	}
	return m.Get(a, s.Key())
}

// restore puts an op of ours that came back where one stands that cannot be read, at the offset that it had: it has
// arrived long ago. It reports whether there is one.
func (tx *writeTx) restore(op crdt.Op, v crdt.Verdict) (bool, error) {
	if !tx.mends(op.Author) {
		return false, nil
	}
	key := record.OpKey(op.Key())
	was := record.Op(tx.value(op.Author, op.Key()))
	if was == nil {
		return false, tx.Err()
	}
	at, found, err := tx.arrivalOf(op.Author, op.Key())
	if err != nil || !found {
		return false, err
	}
	value := record.NewOp(tx.room(record.OpSize(op)), at.Offset, op)
	f := tx.edit(op.Author)
	f.Grow(len(value) - len(was))
	f.Trimmed += bodiless(op.Trimmed(), op.Count) - bodiless(was.Bodiless(), op.Count)
	ops, err := tx.Tree(bucketOps).Packed().CreateGrowing(op.Author[:])
	if err == nil {
		err = ops.Put(key[:], value)
	}
	if err != nil {
		return false, fmt.Errorf("restore op: %w", err)
	}
	f.Feed.Add(v)
	tx.added++
	return true, nil
}

// bodiless returns how many of an op's entries count as trimmed.
func bodiless(is bool, count uint64) uint64 {
	if is {
		return count
	}
	return 0
}

// arrivalOf returns the arrival of an op. It looks through all of them, from the last one on.
func (tx *readTx) arrivalOf(a crdt.Author, key crdt.Key) (at record.Arrival, found bool, err error) {
	c := tx.arrivals().Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		if at, err := record.ParseArrival(k, v); err == nil && at.Author == a && at.Key == key {
			return at, true, nil
		}
	}
	return at, false, c.Err()
}

// giveUp drops the ops of ours behind end, none of which can be read, as a prune would: nobody who was asked has them.
func (tx *writeTx) giveUp(end crdt.Head) error {
	var lost []crdt.Key
	ops, f := tx.ops(tx.store.author), tx.edit(tx.store.author)
	if ops == nil {
		return tx.Err()
	}
	from := record.OpKey(crdt.Key{First: end.Next})
	c := ops.Cursor()
	for k, _ := c.Seek(from[:]); k != nil; k, _ = c.Next() {
		key, err := record.ParseOpKey(k)
		if err != nil {
			return damagedOp(tx.store.author, key, err)
		}
		lost = append(lost, key)
	}
	if len(lost) == 0 {
		return c.Err()
	}
	if err := tx.beginSweep(); err != nil {
		return err
	}
	for _, key := range lost {
		at, found, err := tx.arrivalOf(tx.store.author, key)
		if err != nil || !found {
			return cmp.Or(err, damagedOp(tx.store.author, key, errMissing))
		}
		k, offset := record.OpKey(key), record.Offset(at.Offset)
		was := record.Op(ops.Get(k[:]))
		f.Trimmed -= bodiless(was.Bodiless(), at.Count)
		f.Grow(-len(was))
		f.Ops--
		f.Entries -= at.Count
		f.Pruned += at.Count
		f.PruneSweep = tx.ownSweep
		if err := errors.Join(ops.Remove(k[:]), tx.arrivals().Remove(offset[:])); err != nil {
			return fmt.Errorf("give up op: %w", err)
		}
	}
	return nil
}
