package crdt

import "slices"

// Locator says how far a node's copy of a feed goes, in few items, so that a peer whose copy differs
// finds where they part: the heads, then ops at exponentially growing distances back.
type Locator struct {
	Heads []Head
	Back  []Key
}

// Locate returns the locator of what is held of a feed: at most [MaxLocator] items.
func Locate(held Held, f Feed) (Locator, error) {
	if f.IsZero() {
		return Locator{}, nil
	}
	l := Locator{Heads: f.Heads()}
	if len(l.Heads) > MaxLocator {
		l.Heads = l.Heads[len(l.Heads)-MaxLocator:]
	}
	// On a forked feed the steps begin where all branches are still one.
	next := f.Next()
	if from, forked := f.Disputed(); forked {
		next = from
	}
	first := f.First()
	for step := uint64(1); len(l.Heads)+len(l.Back) < MaxLocator && next > first; step *= 2 {
		seq := first
		if next-first > step {
			seq = next - step
		}
		key, found, err := firstFrom(held, f.Author, seq)
		if err != nil {
			return Locator{}, err
		}
		if found && !slices.Contains(l.Back, key) {
			l.Back = append(l.Back, key)
		}
		if seq == first {
			break
		}
	}
	return l, nil
}

// firstFrom returns the key of the first op that begins at or above seq.
func firstFrom(held Held, a Author, seq uint64) (Key, bool, error) {
	for op, err := range held.Ops(a, seq) {
		return op.Key(), err == nil, err
	}
	return Key{}, false, nil
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
