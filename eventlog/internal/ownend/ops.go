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

// GiveUp drops the ops that begin at or above next, none of which can be read, some of which may be missing, with their
// arrivals, and takes them off the feed's record as a prune would, in a sweep. It returns the least of the offsets that
// they had, or [math.MaxUint64] where there are none.
func GiveUp(ops, arrivals *disk.Tree, f *record.Feed, next, sweep uint64) (least uint64, err error) {
	least = math.MaxUint64
	left, err := behind(ops, next)
	if err != nil {
		return least, err
	}
	for _, at := range arrivalsOf(arrivals, f.Feed.Author, next) {
		k, offset := record.OpKey(at.Key), record.Offset(at.Offset)
		was := record.Op(ops.Get(k[:]))
		if err := errors.Join(ops.Remove(k[:]), arrivals.Remove(offset[:])); err != nil {
			return least, fmt.Errorf("give up op %s/%d: %w", f.Feed.Author.Short(), at.Key.First, err)
		}
		least = min(least, at.Offset)
		if was != nil {
			left--
			f.Grow(-len(was))
			f.Trimmed -= trimmed(was.Bodiless(), at.Count)
			f.Ops--
		}
		f.Entries -= at.Count
		f.Pruned += at.Count
		f.PruneSweep = sweep
	}
	if err := arrivals.Cursor().Err(); err != nil || left == 0 {
		return least, err
	}
	return least, fmt.Errorf("give up what is behind %s/%d: %d ops never arrived", f.Feed.Author.Short(), next, left)
}

// trimmed returns how many of an op's entries count as trimmed.
func trimmed(bodiless bool, count uint64) uint64 {
	if bodiless {
		return count
	}
	return 0
}

// behind returns how many ops begin at or above next.
func behind(ops *disk.Tree, next uint64) (n int, err error) {
	from := record.OpKey(crdt.Key{First: next})
	c := ops.Cursor()
	for k, _ := c.Seek(from[:]); k != nil; k, _ = c.Next() {
		if _, err := record.ParseOpKey(k); err != nil {
			return 0, err
		}
		n++
	}
	return n, c.Err()
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
