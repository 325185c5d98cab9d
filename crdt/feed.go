package crdt

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
)

// Head is the end of a branch: the next seq and the id of its last op. It is always an anchor.
type Head struct {
	Next uint64
	ID   OpID
}

// Key is an op's place among the ops of its feed; sorted by key, an op stands after the one it names.
type Key struct {
	First uint64
	ID    OpID
}

// Feed is what is held of one author's feed, without the ops: enough to decide where the next op
// goes. The zero Feed holds nothing.
//
// An honest feed has one branch. Where the author signed two ops after the same one, its chain is a
// tree, and each way down from a head is a branch:
//
//	branch 0:  a ─ b ─ c ─ d          Start a, Parent zero
//	branch 1:      └ x ─ y            Start x, Parent b
//
// Which of them counts as the branch that the other parted from is local; heads and what is
// disputed are the same for all who hold the same ops.
type Feed struct {
	Author   Author
	Branches []Branch // in the order they were found
	// Leave is the header with the highest floor that its author's own signature covers: the
	// author's leave to forget what is below. Its bytes are empty when there is none.
	Leave Signed
}

// Branch is a chain of ops of one feed, from where it parted to its head.
type Branch struct {
	Start  Key  // its first op held
	Parent OpID // what that op names as prev
	// Rooted says that the branch hangs in what is held: Parent is held or Start is the author's
	// first op. A branch that begins at a floor is not.
	Rooted bool
	Head   Head
	Clock  Clock  // of the last op
	Floor  uint64 // of the last op
}

// Held is how the laws ask for the ops that are held. [Set] implements it in memory.
type Held interface {
	// Feed returns what is held of a's feed. The caller does not write to it.
	Feed(a Author) (Feed, error)
	// Get returns the op at key, and whether it is held.
	Get(a Author, key Key) (Signed, bool, error)
	// Find returns the op that ends at head.Next and has the id head.ID, and whether it is held.
	// It begins at most [MaxOpEntries] below head.Next.
	Find(a Author, head Head) (Signed, bool, error)
	// Ops yields a's ops whose first seq is at or above first, in order of key.
	Ops(a Author, first uint64) iter.Seq2[Signed, error]
}

// IsZero reports whether nothing is held of the feed.
func (f Feed) IsZero() bool { return len(f.Branches) == 0 }

// Heads returns the heads of the feed, sorted by (next, id): those of all branches, save where a
// branch ends at or below a floor that an op held has signed. Such a branch may be forgotten, and
// elsewhere it is; what is left is the same wherever the same ops above that floor are held.
func (f Feed) Heads() []Head {
	floor := f.heldFloor()
	heads := make([]Head, 0, len(f.Branches))
	for _, b := range f.Branches {
		if b.Head.Next > floor {
			heads = append(heads, b.Head)
		}
	}
	slices.SortFunc(heads, Head.Compare)
	return heads
}

// Next returns the greatest next seq of all heads: the height of the feed.
func (f Feed) Next() uint64 {
	var next uint64
	for _, b := range f.Branches {
		next = max(next, b.Head.Next)
	}
	return next
}

// Floor returns the highest floor that the author is known to have signed.
func (f Feed) Floor() uint64 { return f.Leave.Floor }

// heldFloor returns the highest floor in the ops that are held, which differs from that of the leave
// until the op that the leave is the header of is held too. Floors only rise along a branch.
func (f Feed) heldFloor() uint64 {
	var floor uint64
	for _, b := range f.Branches {
		floor = max(floor, b.Floor)
	}
	return floor
}

// Forgettable returns the seq below which the feed may be forgotten, by an op that is held. It is 0 for
// a feed with a fork: what contradicts itself is kept as evidence.
func (f Feed) Forgettable() uint64 {
	if _, forked := f.Disputed(); forked {
		return 0
	}
	return f.heldFloor()
}

// Forget forgets what lies below start, an op of f that begins at or below [Feed.Forgettable] or ends
// with the last op below it. Branches that end there go too; the one with start begins with it.
func (f *Feed) Forget(start Signed) {
	f.Branches = slices.DeleteFunc(f.Branches, func(b Branch) bool { return b.Head.Next <= start.First })
	for i := range f.Branches {
		if b := &f.Branches[i]; b.crosses(start.First) && start.First > b.Start.First {
			b.Start, b.Parent, b.Rooted = start.Key(), start.Prev, false
		}
	}
}

// Missed is a stretch of a feed that is not held between two pieces that are: a node that was away while a
// prefix was pruned holds what it had before and what comes after the floor.
//
//	a ─ b          e ─ f ─ g      missed are c and d, and e is the end
type Missed struct {
	From, To uint64 // from ≤ seq < to
	End      Key    // the op behind it
}

// Missed returns what was missed of the feed, in order.
func (f Feed) Missed() []Missed {
	var missed []Missed
	for _, b := range f.Branches {
		below, between := uint64(0), b.Start.First > 0 && !b.Rooted
		for _, o := range f.Branches {
			if o.Start.First < b.Start.First {
				below = max(below, min(o.Head.Next, b.Start.First))
			}
		}
		if between && below > 0 && below < b.Start.First {
			missed = append(missed, Missed{From: below, To: b.Start.First, End: b.Start})
		}
	}
	slices.SortFunc(missed, func(a, b Missed) int { return a.End.Compare(b.End) })
	return missed
}

// First returns the lowest seq held.
func (f Feed) First() uint64 {
	if f.IsZero() {
		return 0
	}
	first := f.Branches[0].Start.First
	for _, b := range f.Branches[1:] {
		first = min(first, b.Start.First)
	}
	return first
}

// Disputed returns the seq from which on the feed is disputed, and whether it is. Every op that
// begins at or above it is on a branch; below it no two ops hold one seq.
func (f Feed) Disputed() (from uint64, forked bool) {
	if len(f.Branches) < 2 {
		return 0, false
	}
	return f.disputedAbove(0)
}

// Disputes reports whether the entries of op, which is held, are disputed. Above the floor that is
// the same wherever the same ops above it are held: a branch that ends below does not count.
func (f Feed) Disputes(op Header) bool {
	if len(f.Branches) < 2 {
		return false
	}
	floor := f.heldFloor()
	if op.Next() <= floor {
		floor = 0
	}
	from, forked := f.disputedAbove(floor)
	return forked && (op.First >= from || from <= floor)
}

// disputedAbove is Disputed for the branches that reach past floor.
func (f Feed) disputedAbove(floor uint64) (from uint64, forked bool) {
	from = MaxSeq
	for i, b := range f.Branches {
		start := max(b.Start.First, floor)
		for j, under := range f.Branches {
			if i == j || under.Start.First > b.Start.First || !b.crosses(start) || !under.crosses(start) {
				continue
			}
			forked = true
			if b.isRoot() {
				// Nothing held tells where the two parted.
				from = min(from, under.Start.First)
			}
			from = min(from, b.Start.First)
		}
	}
	return from, forked
}

// parts returns the seq below which the feed has one branch only: where the second lowest begins.
func (f Feed) parts() uint64 {
	lowest, second := uint64(MaxSeq), uint64(MaxSeq)
	for _, b := range f.Branches {
		if b.Start.First < lowest {
			lowest, second = b.Start.First, lowest
		} else {
			second = min(second, b.Start.First)
		}
	}
	return second
}

// crosses reports whether the branch has an op that holds seq.
func (b Branch) crosses(seq uint64) bool { return b.Start.First <= seq && seq < b.Head.Next }

// isRoot reports whether no op that is held comes before the branch.
func (b Branch) isRoot() bool { return !b.Rooted || b.Start.First == 0 }

// parted returns the head of what comes before the branch.
func (b Branch) parted() Head { return Head{Next: b.Start.First, ID: b.Parent} }

// branchStart returns the branch that begins with the op id.
func (f Feed) branchStart(id OpID) int {
	return slices.IndexFunc(f.Branches, func(b Branch) bool { return b.Start.ID == id })
}

// BranchFrom returns the branch that begins at start, and whether there is one.
func (f Feed) BranchFrom(start Key) (Branch, bool) {
	i := slices.IndexFunc(f.Branches, func(b Branch) bool { return b.Start == start })
	if i < 0 {
		return Branch{}, false
	}
	return f.Branches[i], true
}

// Continues reports whether op is the one after tail on branch b: at a fork, one child of tail goes
// on with the branch and the others begin branches of their own.
func (f Feed) Continues(b Branch, tail Head, op Signed) bool {
	if op.First != tail.Next || op.Prev != tail.ID {
		return false
	}
	if tail == b.parted() {
		return op.Key() == b.Start
	}
	_, begins := f.BranchFrom(op.Key())
	return !begins
}

// branchHead returns the branch that ends with the op id.
func (f Feed) branchHead(id OpID) int {
	return slices.IndexFunc(f.Branches, func(b Branch) bool { return b.Head.ID == id })
}

// Clone returns a feed that shares no slice with f.
func (f Feed) Clone() Feed {
	f.Branches = slices.Clone(f.Branches)
	return f
}

// Compare sorts heads by (next, id).
func (h Head) Compare(o Head) int {
	return cmp.Or(cmp.Compare(h.Next, o.Next), compareBytes(h.ID[:], o.ID[:]))
}

// Compare sorts keys by (first, id).
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.First, o.First), compareBytes(k.ID[:], o.ID[:]))
}

// Compare sorts authors by their bytes.
func (a Author) Compare(b Author) int { return compareBytes(a[:], b[:]) }

func compareBytes(a, b []byte) int { return bytes.Compare(a, b) }
