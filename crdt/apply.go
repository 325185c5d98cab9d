package crdt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt/enum"
)

// Decision says what becomes of an op.
type Decision uint8

const (
	// Duplicate: the op is held, or lies wholly below the floor and under a head that is held.
	Duplicate Decision = iota
	// Accepted: the op extends a branch, or begins the feed.
	Accepted
	// Forked: the op is accepted and begins a branch beside another; [ProveFork] makes the proof.
	Forked
	// Pending: the op may be valid, but the one that it names is not held yet.
	Pending
)

// String returns the decision as a word.
func (d Decision) String() string {
	return enum.Text(d, "decision", "duplicate", "accepted", "accepted with a fork", "pending")
}

// ErrInvalid is wrapped by every error that says why an op breaks the laws: no node will accept it,
// save one that begins at or below a floor and breaks them only against the op that it names.
var ErrInvalid = errors.New("op breaks the laws")

// Verdict is the decision on an op together with how the feed changes: apply it with [Feed.Add].
type Verdict struct {
	Decision Decision
	op       Signed
	branch   int   // the branch that the op extends; -1 when it begins one
	rooted   bool  // what comes before a beginning branch is held, or nothing does
	joins    []int // the branches placed at a floor that go on where the op ends
}

// Begins reports whether the op, which is accepted, begins a branch: the first of its feed too.
func (v Verdict) Begins() bool { return v.branch < 0 }

// Decide says what becomes of an op of feed f, given what is held. The op is authorised: its own
// signature was checked, or that of a later op whose chain names it. An error that wraps
// [ErrInvalid] rejects the op; any other comes from held.
//
// An op is placed where the one that it names is held and it follows that one by the rules, or where
// it begins at or below the leave. Both only come to hold, never cease to, so that Decide and
// [Feed.Add] make the state a grow-only set: whatever the order in which ops are offered again until
// none is pending, the same ops are held above the floor.
func Decide(held Held, f Feed, op Signed) (Verdict, error) {
	v := Verdict{op: op, branch: f.branchHead(op.Prev)}
	var broken error
	if v.branch >= 0 {
		// The common case needs nothing but the feed: the op extends a head.
		b := f.Branches[v.branch]
		if broken = checkNext(b.Head.Next, b.Clock, b.Floor, op); broken == nil {
			return decidePlaced(held, f, v)
		}
		v.branch = -1
	}
	_, found, err := held.Get(op.Author, op.Key())
	if err != nil {
		return Verdict{}, err
	}
	if found || op.Next() <= f.First() && op.Next() <= f.heldFloor() {
		v.Decision = Duplicate
		return v, nil
	}
	if broken == nil && op.First > 0 {
		v.rooted, broken, err = follows(held, op)
	} else {
		v.rooted = op.First == 0
	}
	switch {
	case err != nil:
		return Verdict{}, err
	case v.rooted || op.First <= f.Floor():
		return decidePlaced(held, f, v)
	case broken != nil:
		return Verdict{}, broken
	}
	v.Decision = Pending
	return v, nil
}

// follows reports whether the op that op names is held and op follows it by the rules; broken says
// which rule it breaks.
func follows(held Held, op Signed) (ok bool, broken, err error) {
	prev, found, err := held.Find(op.Author, Head{Next: op.First, ID: op.Prev})
	if err != nil || !found {
		return false, nil, err
	}
	broken = checkNext(prev.Next(), prev.Clock, prev.Floor, op)
	return broken == nil, broken, nil
}

// decidePlaced decides on an op that has its place: what it joins, and whether it makes a fork.
func decidePlaced(held Held, f Feed, v Verdict) (Verdict, error) {
	v.Decision = Accepted
	if v.branch >= 0 && len(f.Branches) == 1 {
		return v, nil
	}
	for i, b := range f.Branches {
		if b.Rooted || b.parted() != v.op.Head() {
			continue
		}
		start, found, err := held.Get(v.op.Author, b.Start)
		if err != nil {
			return Verdict{}, err
		}
		if found && checkNext(v.op.Next(), v.op.Clock, v.op.Floor, start) == nil {
			v.joins = append(v.joins, i)
		}
	}
	if f.overlaps(v) {
		v.Decision = Forked
	}
	return v, nil
}

// overlaps reports whether a branch holds another op where the op of v is placed. Pieces of a feed
// that something missed parts contradict nothing: see [Missed].
func (f Feed) overlaps(v Verdict) bool {
	for i, b := range f.Branches {
		begins := v.branch < 0 && b.crosses(v.op.First)
		under := b.isRoot() && v.op.First <= b.Start.First && b.Start.First < v.op.Next()
		if i != v.branch && (begins || under) {
			return true
		}
	}
	return false
}

// checkNext holds op against the op before it.
func checkNext(next uint64, clock Clock, floor uint64, op Signed) error {
	switch {
	case op.First != next:
		return fmt.Errorf("%w: op %s/%d follows an op that ends at %d", ErrInvalid, op.Author.Short(), op.First, next)
	case op.Clock <= clock:
		return fmt.Errorf("%w: op %s/%d: clock %s does not follow %s", ErrInvalid, op.Author.Short(), op.First, op.Clock, clock)
	case op.Floor < floor:
		return fmt.Errorf("%w: op %s/%d: floor %d takes back floor %d", ErrInvalid, op.Author.Short(), op.First, op.Floor, floor)
	}
	return nil
}

// Add changes the feed by an op that [Decide] accepted for it. It does nothing for a duplicate or a
// pending op.
func (f *Feed) Add(v Verdict) {
	if v.Decision != Accepted && v.Decision != Forked {
		return
	}
	f.Author = v.op.Author
	op := Branch{Start: v.op.Key(), Parent: v.op.Prev, Rooted: v.rooted, Head: v.op.Head(), Clock: v.op.Clock, Floor: v.op.Floor}
	at := v.branch
	if at >= 0 {
		b := &f.Branches[at]
		b.Head, b.Clock, b.Floor = op.Head, op.Clock, op.Floor
	} else {
		f.Branches = append(f.Branches, op)
		at = len(f.Branches) - 1
	}
	f.join(at, v.joins)
	f.raiseLeave(v.op)
}

// join hangs the branches joins, which were placed at a floor without the op before them, to branch
// at, which now ends with that op. The first of them goes on where the branch ends, so that the op is
// no head any more; the others part from it.
//
//	branch at:  … ─ p           …       p
//	                      →              ├ x ─ y      one branch, with the head y
//	floored:    x ─ y   x' …             └ x'         rooted now
func (f *Feed) join(at int, joins []int) {
	if len(joins) == 0 {
		return
	}
	for _, i := range joins {
		f.Branches[i].Rooted = true
	}
	up, down := f.Branches[joins[0]], &f.Branches[at]
	down.Head, down.Clock, down.Floor = up.Head, up.Clock, up.Floor
	f.Branches = slices.Delete(f.Branches, joins[0], joins[0]+1)
}

// raiseLeave keeps the header with the highest floor, if its own signature covers it: a covered
// op's floor is no proof for those who do not hold what covers it. It keeps a copy: the op's memory is its caller's.
func (f *Feed) raiseLeave(op Signed) {
	if op.Floor > f.Leave.Floor && op.verify() == nil {
		op.raw = bytes.Clone(op.raw)
		f.Leave = op
	}
}

// TakeLeave takes a copy of an author's leave that came before its run. The signature is checked here.
func (f *Feed) TakeLeave(leave Signed) error {
	if leave.Floor <= f.Leave.Floor {
		return nil
	}
	if err := leave.Verify(); err != nil {
		return fmt.Errorf("take leave: %w", err)
	}
	if !f.IsZero() && leave.Author != f.Author {
		return fmt.Errorf("take leave: %w: header of %s in the feed of %s", ErrInvalid, leave.Author.Short(), f.Author.Short())
	}
	leave.raw = bytes.Clone(leave.raw)
	f.Leave = leave
	return nil
}
