package refill

import (
	"iter"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// heldBelow is what is held of one feed below a key: all that was met so far, in order of key.
type heldBelow struct {
	ops   *disk.Tree // nil for none
	below crdt.Key
	gone  map[crdt.OpID]bool // that are to be dropped
}

var _ crdt.Held = &heldBelow{}

// each calls do with each op in order, while those before it are held.
func (h *heldBelow) each(do func(op crdt.Signed, v record.Op) error) error {
	h.below = crdt.Key{}
	if h.ops == nil {
		return nil
	}
	c := h.ops.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		op, err := signed(k, v)
		if err != nil {
			return err
		}
		h.below = op.Key()
		if err := do(op, v); err != nil {
			return err
		}
	}
	return c.Err()
}

// signed returns the header of an op that was put; it was checked then.
func signed(k, v []byte) (crdt.Signed, error) {
	key, err := record.ParseOpKey(k)
	if err != nil {
		return crdt.Signed{}, err
	}
	op, err := crdt.Reopen(key.ID, record.Op(v).Kept())
	return op.Signed, err
}

// Feed returns nothing: the laws are given the feed.
func (h *heldBelow) Feed(a crdt.Author) (crdt.Feed, error) { return crdt.Feed{Author: a}, nil }

// Get returns the op at a key below.
func (h *heldBelow) Get(_ crdt.Author, key crdt.Key) (crdt.Signed, bool, error) {
	if h.ops == nil || key.Compare(h.below) >= 0 || h.gone[key.ID] {
		return crdt.Signed{}, false, nil
	}
	k := record.OpKey(key)
	v := h.ops.Get(k[:])
	if v == nil {
		return crdt.Signed{}, false, nil
	}
	s, err := signed(k[:], v)
	return s, err == nil, err
}

// Find returns the op below that ends a chain with head.
func (h *heldBelow) Find(a crdt.Author, head crdt.Head) (crdt.Signed, bool, error) {
	if h.ops == nil {
		return crdt.Signed{}, false, nil
	}
	c, at := h.ops.Cursor(), record.OpKey(crdt.Key{First: head.Next})
	k, _ := c.Seek(at[:])
	if k == nil {
		k, _ = c.Last()
	} else {
		k, _ = c.Prev()
	}
	for ; k != nil; k, _ = c.Prev() {
		key, err := record.ParseOpKey(k)
		if err != nil || key.First+crdt.MaxOpEntries < head.Next {
			return crdt.Signed{}, false, err
		}
		if key.ID == head.ID {
			s, found, err := h.Get(a, key)
			return s, found && s.Next() == head.Next, err
		}
	}
	return crdt.Signed{}, false, c.Err()
}

// Ops yields the ops from a seq on.
func (h *heldBelow) Ops(_ crdt.Author, first uint64) iter.Seq2[crdt.Signed, error] {
	return func(yield func(crdt.Signed, error) bool) {
		if h.ops == nil {
			return
		}
		c, at := h.ops.Cursor(), record.OpKey(crdt.Key{First: first})
		for k, v := c.Seek(at[:]); k != nil; k, v = c.Next() {
			if s, err := signed(k, v); !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// fits reports whether an arrival can be that of an op that is missing from a feed of one branch: no op holds its seq, and
// those beside it have arrived before and after it, and one that begins where it ends names it.
func (h *heldBelow) fits(a record.Arrival) (bool, error) {
	if h.ops == nil {
		return true, nil
	}
	c, at := h.ops.Cursor(), record.OpKey(crdt.Key{First: a.Key.First + 1})
	k, v := c.Seek(at[:])
	if k != nil && record.Op(v).Offset() < a.Offset+a.Count {
		return false, nil
	}
	if k != nil {
		next, err := signed(k, v)
		if end := a.Key.First + a.Count; err != nil || next.First < end || next.First == end && next.Prev != a.Key.ID {
			return false, err
		}
	}
	if k == nil {
		k, v = c.Last()
	} else {
		k, v = c.Prev()
	}
	if k == nil {
		return true, c.Err()
	}
	s, err := signed(k, v)
	return s.Next() <= a.Key.First && record.Op(v).Offset() < a.Offset, err
}
