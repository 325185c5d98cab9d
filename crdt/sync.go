package crdt

import (
	"cmp"
	"slices"
)

// Two nodes exchange what they have in four kinds of message; each side sends all four:
//
//	A                                   B
//	│  shut: authors I take no more of  │
//	├──────────────────────────────────▶│   both leave out what either side shut
//	│  offer: the root of my digest     │
//	├──────────────────────────────────▶│   equal: done, at constant cost; else see [Comparison]
//	│  missing: where my copies end     │
//	│◀──────────────────────────────────┤   [Wants]
//	│  ops: runs from there on          │
//	├──────────────────────────────────▶│   [Plan]
//
// The functions here are those steps over values; moving the messages is somebody else's work.

// Want asks for what a peer holds of an author's feed beyond the locator.
type Want struct {
	Author  Author
	Locator Locator
}

// Segment is a stretch of one branch: the chain of ops after After up to the head To. With a bound Upto
// it ends before the first op that begins at or above Upto, save that it goes on to the next anchor
// where the op before that one is none. It is local: Start names the branch as this node has it.
type Segment struct {
	Author Author
	Start  Key
	After  Head
	To     Head
	Upto   uint64 // a seq; 0 means no bound
}

// Wants returns what to ask of a peer with the frontier theirs: a want for each author of whom it has
// an op that is not held here, at most limit of them (all when limit is 0).
func Wants(held Held, theirs Frontier, limit int) ([]Want, error) {
	var wants []Want
	for a, heads := range theirs.All() {
		f, err := held.Feed(a)
		if err != nil {
			return nil, err
		}
		f.Author = a
		lacks, err := lacksAny(held, f, heads)
		if err != nil {
			return nil, err
		}
		if !lacks {
			continue
		}
		locator, err := locate(held, f)
		if err != nil {
			return nil, err
		}
		wants = append(wants, Want{Author: a, Locator: locator})
		if len(wants) == limit {
			break
		}
	}
	return wants, nil
}

func lacksAny(held Held, f Feed, heads []Head) (bool, error) {
	for _, h := range heads {
		if f.branchHead(h.ID) >= 0 || h.Next <= f.heldFloor() {
			continue
		}
		_, found, err := held.Find(f.Author, h)
		if err != nil || !found {
			return !found, err
		}
	}
	return false, nil
}

// Plan returns the segments to send to a peer that sent want: everything of the feed that is not
// below an op that both hold, in an order in which each can be placed after those before it.
func Plan(held Held, want Want) ([]Segment, error) {
	f, err := held.Feed(want.Author)
	if err != nil || f.IsZero() {
		return nil, err
	}
	common, err := want.Locator.common(held, want.Author)
	if err != nil {
		return nil, err
	}
	known, err := knownOnBranches(held, f, common)
	if err != nil {
		return nil, err
	}
	var segments []Segment
	for i, b := range f.Branches {
		if known[i] != b.Head {
			segments = append(segments, Segment{Author: f.Author, Start: b.Start, After: known[i], To: b.Head})
		}
	}
	slices.SortStableFunc(segments, func(a, b Segment) int { return cmp.Compare(a.Start.First, b.Start.First) })
	return segments, nil
}

// Passed reports whether the op after tail begins at or above the bound of the segment.
func (s Segment) Passed(tail Head) bool { return s.Upto > 0 && tail.Next >= s.Upto }

// Covered returns for each branch of f the last op on it that whoever holds heads is bound to hold, by those of
// heads that are held here; for a branch of which that is none, what comes before its start.
func Covered(held Held, f Feed, heads []Head) ([]Head, error) {
	common, err := Locator{Heads: heads}.common(held, f.Author)
	if err != nil {
		return nil, err
	}
	return knownOnBranches(held, f, common)
}

// knownOnBranches returns for each branch of f the last op on it that lies at or below one of common;
// for a branch without one, what comes before its start.
func knownOnBranches(held Held, f Feed, common []Head) ([]Head, error) {
	known := make([]Head, len(f.Branches))
	for i, b := range f.Branches {
		known[i] = b.parted()
	}
	raise := func(i int, h Head) {
		if h.Next > known[i].Next {
			known[i] = h
		}
	}
	if len(f.Branches) == 1 {
		for _, h := range common {
			raise(0, h)
		}
		return known, nil
	}
	tree, err := f.tree(held)
	if err != nil {
		return nil, err
	}
	for _, h := range common {
		raise(tree.branchOf(h), h)
	}
	// Whoever holds an op of a branch holds what it parted from, and so on down.
	for range f.Branches {
		for i, b := range f.Branches {
			if known[i] != b.parted() && b.Rooted && b.Start.First > 0 {
				raise(tree.branchOf(b.parted()), b.parted())
			}
		}
	}
	return known, nil
}

// tree tells which branch of a feed with several an op lies on.
type tree struct {
	trunk int          // where ops lie that begin below all others
	on    map[OpID]int // the others
}

// tree reads the feed from where its second branch begins. Its cost is that of the ops from there on.
func (f Feed) tree(held Held) (tree, error) {
	t := tree{on: make(map[OpID]int)}
	for i, b := range f.Branches {
		if b.Start.First < f.Branches[t.trunk].Start.First {
			t.trunk = i
		}
	}
	for op, err := range held.Ops(f.Author, f.parts()) {
		if err != nil {
			return tree{}, err
		}
		if i := f.branchStart(op.ID); i >= 0 {
			t.on[op.ID] = i
		} else {
			t.on[op.ID] = t.branchOf(Head{ID: op.Prev})
		}
	}
	return t, nil
}

func (t tree) branchOf(h Head) int {
	if i, disputed := t.on[h.ID]; disputed {
		return i
	}
	return t.trunk
}
