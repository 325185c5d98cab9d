package ownend

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Highest returns the branch with which our feed ends, a zero one where nothing was written. It has one branch, or pieces
// that a prune has parted, of which the highest goes on: a feed of ours that has forked is not appended to.
func Highest(f crdt.Feed) (highest crdt.Branch) {
	for _, b := range f.Branches {
		if b.Head.Next > highest.Head.Next {
			highest = b
		}
	}
	return highest
}

// Last returns the last op of an author that can be read, one of no entries where there is none, and the first thing that
// is wrong with those behind it. A nil ops holds none.
func Last(ops *disk.Tree, author crdt.Author) (last crdt.Op, damage error) {
	if ops == nil {
		return last, nil
	}
	c := ops.Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		key, err := record.ParseOpKey(k)
		if err == nil {
			if last, err = record.Op(bytes.Clone(v)).Verify(author, key); err == nil {
				return last, damage
			}
			err = fmt.Errorf("op %s/%d: %w", author.Short(), key.First, err)
		}
		damage = cmp.Or(damage, err)
	}
	return crdt.Op{}, cmp.Or(damage, c.Err())
}

// Cut returns the record of a feed, nil for one of which nothing is known, that ends with an op that it holds, or, with
// one of no entries, before its first.
func Cut(was *record.Feed, last crdt.Op) *record.Feed {
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

// CutAt returns the seq from which on nothing can be read of what was written here of our feed, which ends there, or goes on
// with what a second writer has written from an op on; nil for none. An op that begins a branch contradicts one that can be
// read.
func CutAt(f crdt.Feed, second *crdt.Signed) uint64 {
	next := Highest(f).Head.Next
	if second != nil {
		if _, begins := f.BranchFrom(second.Key()); !begins {
			next = min(next, second.First)
		}
	}
	return next
}

// Other reports whether another op than op was written here at one of its seqs: it stands in ops, a nil one for none, and
// its header can be read, or what has arrived at its offset is the same. Either alone may be damaged.
func Other(ops *disk.Tree, op crdt.Op, arrivalAt func(offset uint64) record.Arrival) bool {
	if ops == nil {
		return false
	}
	c, from := ops.Cursor(), record.OpKey(crdt.Key{First: op.First - min(op.First, crdt.MaxOpEntries)})
	for k, v := c.Seek(from[:]); k != nil; k, v = c.Next() {
		key, err := record.ParseOpKey(k)
		value, bad := record.ParseOp(v)
		if err != nil || bad != nil || key.ID == op.ID {
			continue
		}
		if key.First >= op.Next() {
			break
		}
		next, s := uint64(0), crdt.Signed{}
		if s, err = value.Signed(op.Author, key); err == nil {
			next = s.Next()
		} else if at := arrivalAt(value.Offset()); at.Author == op.Author && at.Key == key {
			next = key.First + at.Count
		}
		if next > op.First {
			return true
		}
	}
	return false
}

// Readable is what is held, less what cannot be read of one author's feed.
type Readable struct {
	crdt.Held
	Tree   *disk.Tree // of the author's ops; nil for none
	Author crdt.Author
	// Known is what is held of the author's feed, where the file does not say that yet; its author is zero where it does.
	Known crdt.Feed
	// From is the seq from which on the feed is said to hold less. What cannot be read below it is damage as anywhere else:
	// that it is not held would make of each op that comes there a fork.
	From uint64
}

// Feed returns what is held of a feed.
func (r Readable) Feed(a crdt.Author) (crdt.Feed, error) {
	if a == r.Known.Author && a == r.Author {
		return r.Known, nil
	}
	return r.Held.Feed(a)
}

// Get returns the op at key, if it is held and can be read.
func (r Readable) Get(a crdt.Author, key crdt.Key) (crdt.Signed, bool, error) {
	if a != r.Author || key.First < r.From {
		return r.Held.Get(a, key)
	}
	if r.Tree == nil {
		return crdt.Signed{}, false, nil
	}
	k := record.OpKey(key)
	v := r.Tree.Get(k[:])
	if v == nil {
		return crdt.Signed{}, false, r.Tree.Cursor().Err()
	}
	op, err := record.Op(bytes.Clone(v)).Verify(a, key)
	return op.Signed, err == nil, nil
}

// Find returns the op that ends with head, if it is held and can be read.
func (r Readable) Find(a crdt.Author, head crdt.Head) (crdt.Signed, bool, error) {
	s, found, err := r.Held.Find(a, head)
	if a != r.Author || head.Next <= r.From || r.Tree == nil || r.Tree.Cursor().Err() != nil {
		return s, found, err
	}
	if err != nil || !found {
		return crdt.Signed{}, false, nil
	}
	return r.Get(a, s.Key())
}

// Ops yields the ops from first on that can be read.
func (r Readable) Ops(a crdt.Author, first uint64) iter.Seq2[crdt.Signed, error] {
	if a != r.Author {
		return r.Held.Ops(a, first)
	}
	return func(yield func(crdt.Signed, error) bool) {
		if r.Tree == nil {
			return
		}
		c, from := r.Tree.Cursor(), record.OpKey(crdt.Key{First: first})
		for k, _ := c.Seek(from[:]); k != nil; k, _ = c.Next() {
			key, err := record.ParseOpKey(k)
			if err != nil {
				continue
			}
			if s, found, err := r.Get(a, key); (found || err != nil) && !yield(s, err) {
				return
			}
		}
		if err := c.Err(); err != nil {
			yield(crdt.Signed{}, err)
		}
	}
}

// GiveUp drops the ops that begin at or above next and cannot be read, some of which may be missing or may have lost their
// arrival, with the arrivals that there are, and takes all that no branch has off the feed's record as a prune would, in a
// sweep. It returns the least of the offsets that they had, or [math.MaxUint64] where none is known.
func GiveUp(ops, arrivals *disk.Tree, f *record.Feed, next, sweep uint64) (least uint64, err error) {
	least = math.MaxUint64
	arrived, behind := make(map[crdt.Key]uint64), f.Behind()
	for _, at := range arrivalsOf(arrivals, f.Feed.Author, next) {
		if readable(ops, f.Feed.Author, at.Key) {
			continue
		}
		offset := record.Offset(at.Offset)
		arrived[at.Key], least = at.Count, min(least, at.Offset)
		err = errors.Join(err, arrivals.Remove(offset[:]))
	}
	upto := next + behind
	for _, key := range keysFrom(ops, next) {
		if readable(ops, f.Feed.Author, key) {
			upto = key.First
			continue
		}
		k := record.OpKey(key)
		was := record.Op(ops.Get(k[:]))
		s, _ := was.Signed(f.Feed.Author, key)
		f.Lose(was, cmp.Or(s.Count, arrived[key], upto-min(upto, key.First)))
		upto = key.First
		err = errors.Join(err, ops.Remove(k[:]))
	}
	if behind > 0 {
		f.Entries, f.Pruned, f.PruneSweep = f.Entries-behind, f.Pruned+behind, sweep
	}
	if err = errors.Join(err, ops.Cursor().Err(), arrivals.Cursor().Err()); err != nil {
		err = fmt.Errorf("give up what is behind %s/%d: %w", f.Feed.Author.Short(), next, err)
	}
	return least, err
}

// readable reports whether the op at a key is there and can be read.
func readable(ops *disk.Tree, a crdt.Author, key crdt.Key) bool {
	k := record.OpKey(key)
	_, err := record.Op(bytes.Clone(ops.Get(k[:]))).Verify(a, key)
	return err == nil
}

// keysFrom returns the keys of the ops that begin at or above next, the last one first.
func keysFrom(ops *disk.Tree, next uint64) (all []crdt.Key) {
	c := ops.Cursor()
	for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
		key, err := record.ParseOpKey(k)
		if err == nil && key.First < next {
			break
		}
		if err == nil {
			all = append(all, key)
		}
	}
	return all
}

// arrivalsOf returns the arrivals of an author's ops that begin at or above next, of which there are few. It looks through
// all arrivals.
func arrivalsOf(arrivals *disk.Tree, author crdt.Author, next uint64) (all []record.Arrival) {
	c := arrivals.Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		if at, err := record.ParseArrival(k, v); err == nil && at.Author == author && at.Key.First >= next {
			all = append(all, at)
		}
	}
	return all
}
