package crdt

import (
	"math/bits"
	"slices"
)

// Locator says how far a node's copy of a feed goes, in few items, so that a peer whose copy differs
// finds where they part: the heads, then ops at exponentially growing distances back.
type Locator struct {
	Heads []Head
	Back  []Key
}

// maxLocatorHeads leaves room to go all the way back.
const maxLocatorHeads = MaxLocator * 3 / 4

// locate returns the locator of what is held of a feed: at most [MaxLocator] items. On a forked feed,
// half of the room for steps is the branches', the rest that of the chain below them all.
func locate(held Held, f Feed) (Locator, error) {
	if f.IsZero() {
		return Locator{}, nil
	}
	l := Locator{Heads: f.Heads()}
	if len(l.Heads) > maxLocatorHeads {
		l.Heads = l.Heads[len(l.Heads)-maxLocatorHeads:]
	}
	w := walk{held: held, feed: f, locator: &l}
	parts := f.parts()
	if n := len(f.Branches); n > 1 {
		room := (MaxLocator - len(l.Heads)) / 2 / n
		for _, b := range f.Branches {
			if err := w.back(b.Head.Next, max(b.Start.First, parts), room); err != nil {
				return Locator{}, err
			}
		}
	}
	err := w.back(min(f.Next(), parts), f.First(), MaxLocator-len(l.Heads)-len(l.Back))
	return l, err
}

// walk adds steps back to a locator.
type walk struct {
	held    Held
	feed    Feed
	locator *Locator
}

// back takes at most room steps from next back to first, each twice as far as the one before, or
// farther where the room asks for it.
func (w walk) back(next, first uint64, room int) error {
	if room <= 0 || next <= first {
		return nil
	}
	grow := (bits.Len64(next-first) + room - 1) / room
	for i := range room {
		step := uint64(1) << min(i*grow, 63)
		last := step >= next-first || i == room-1
		seq := first
		if !last {
			seq = next - step
		}
		if err := w.add(seq); err != nil || last {
			return err
		}
	}
	return nil
}

// add adds the first op that begins at or above seq and is not in the locator. At one seq, each branch
// may have one.
func (w walk) add(seq uint64) error {
	tries := len(w.feed.Branches)
	for op, err := range w.held.Ops(w.feed.Author, seq) {
		if err != nil {
			return err
		}
		if !slices.Contains(w.locator.Back, op.Key()) {
			w.locator.Back = append(w.locator.Back, op.Key())
			return nil
		}
		if tries--; tries == 0 {
			break
		}
	}
	return nil
}

// common returns those items of l that are held here, as heads.
func (l Locator) common(held Held, a Author) ([]Head, error) {
	var common []Head
	for _, h := range l.Heads {
		_, found, err := held.Find(a, h)
		if err != nil {
			return nil, err
		}
		if found {
			common = append(common, h)
		}
	}
	for _, k := range l.Back {
		op, found, err := held.Get(a, k)
		if err != nil {
			return nil, err
		}
		if found {
			common = append(common, op.Head())
		}
	}
	return common, nil
}
