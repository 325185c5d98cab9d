package holes

import (
	"errors"
	"iter"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Left is what is left of the ops of a feed for whoever forgets some: those that can be read, and those in place of which
// nobody can give back another.
type Left struct {
	Ops    *disk.Tree // nil for none; damage of its pages is an error of its transaction
	Author crdt.Author
	Next   uint64 // the offset behind all that has arrived
	// Gone says that what stood at a seq and cannot be read does not come back. Else it is an error.
	Gone func(seq uint64) bool

	Key    crdt.Key // of the op that is met
	Offset uint64   // of its first entry
	Err    error    // why it ends there: how the op at Key is damaged
}

// From yields the headers of the ops from a key on, less what is gone. They share the memory of the file.
func (l *Left) From(key crdt.Key) iter.Seq[crdt.Signed] {
	return func(yield func(crdt.Signed) bool) {
		if l.Ops == nil {
			return
		}
		c, k := l.Ops.Cursor(), record.OpKey(key)
		for k, v := c.Seek(k[:]); k != nil; k, v = c.Next() {
			var s crdt.Signed
			if l.Key, l.Err = record.ParseOpKey(k); l.Err == nil {
				s, l.Err = l.read(v)
			}
			switch gone := l.Gone(l.Key.First); {
			case l.Err != nil && !gone || l.Err == nil && !yield(s):
				return
			}
			l.Err = nil
		}
	}
}

// read reads the header of the op at l.Key. An offset is believed where the sum says so, if it is none that was given or
// the op was known not to be whole.
func (l *Left) read(v record.Op) (s crdt.Signed, err error) {
	if s, err = v.Signed(l.Author, l.Key); err != nil {
		return s, err
	}
	if l.Offset = v.Offset(); l.Offset >= l.Next || l.Gone(l.Key.First) {
		err = v.Check(l.Author, l.Key)
	}
	return s, err
}

// Upto returns the keys of all ops up to last, whether they can be read or not.
func (l *Left) Upto(last crdt.Key) (keys []crdt.Key) {
	c := l.Ops.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if key, err := record.ParseOpKey(k); err == nil && key.Compare(last) > 0 {
			break
		} else if err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// Bounds say how far [Left.Prunable] goes.
type Bounds struct {
	Most, Look int // keys that are found, ops that are looked at
	// Hold reports whether somebody keeps back count entries that arrived at an offset.
	Hold func(offset, count uint64) bool
}

// Prunable returns the keys of the first ops of f that may be forgotten by its floor, and whether there are more. The op
// that arrived last of all stays: it says which offset is next. So does one before a hole, unless one behind the hole goes,
// too, or nobody can give back what is missing up to the floor.
func (l *Left) Prunable(f crdt.Feed, b Bounds) (keys []crdt.Key, more bool) {
	barrier, floor := l.barrier(f), f.Forgettable()
	if l.Err != nil {
		return nil, false
	}
	held := false // from there on it is counted alone what is kept back
	hole := false // between what goes and what is met
	next, looked := f.First(), 0
	for s := range l.From(crdt.Key{}) {
		_, begins := f.BranchFrom(s.Key())
		lacks := !held && s.First > next && !begins
		hole = hole || lacks && len(keys) > 0
		if lacks && s.First == floor && l.Gone(floor-1) && !b.Hold(max(l.Offset, barrier)-1, 1) {
			keys, hole = append(keys, below(floor)), false
		}
		if looked++; looked > b.Look || s.First >= floor {
			break
		}
		if len(keys) >= b.Most && !held && !hole {
			return keys, true
		}
		if s.Next() > floor || l.Offset+s.Count >= l.Next {
			break
		}
		if held = b.Hold(max(l.Offset, barrier), s.Count) || held; !held {
			keys, next, hole = append(keys, s.Key()), s.Next(), false
		}
	}
	if hole { // it may be kept back, or not be below the floor
		keys = keys[:len(keys)-1]
	}
	return keys, false
}

// below returns a key behind those of all ops that begin below seq.
func below(seq uint64) crdt.Key {
	key := crdt.Key{First: seq - 1}
	record.Count(key.ID[:], true)
	return key
}

// errNotThere says of an op that it must be held and is not.
var errNotThere = errors.New("it is missing")

// barrier returns the offset of the op behind what was last missed of a feed, 0 if nothing was: whoever has not
// come that far is still to be told of it, and nothing shows it once what lies below is pruned.
func (l *Left) barrier(f crdt.Feed) uint64 {
	missed := f.Missed()
	if len(missed) == 0 {
		return 0
	}
	end := missed[len(missed)-1].End
	for s := range l.From(end) {
		if s.Key() == end || l.Gone(end.First) {
			return l.Offset
		}
		break
	}
	if l.Err == nil {
		l.Key, l.Err = end, errNotThere
	}
	return 0
}
