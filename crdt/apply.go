package crdt

import (
	"errors"
	"fmt"
	"slices"
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
	switch d {
	case Duplicate:
		return "duplicate"
	case Accepted:
		return "accepted"
	case Forked:
		return "accepted with a fork"
	case Pending:
		return "pending"
	}
	return fmt.Sprintf("decision(%d)", uint8(d))
}

// ErrInvalid is wrapped by every error that says why an op breaks the laws: no node will ever
// accept it.
var ErrInvalid = errors.New("op breaks the laws")

// Verdict is the decision on an op together with how the feed changes: apply it with [Feed.Add].
type Verdict struct {
	Decision Decision
	op       Signed
	branch   int  // the branch that the op extends; -1 when it begins one
	rooted   bool // what comes before a beginning branch is held, or nothing does
}

// Decide says what becomes of an op of feed f, given what is held. The op is authorised: its own
// signature was checked, or that of a later op whose chain names it. An error that wraps
// [ErrInvalid] rejects the op; any other comes from held.
//
// Decide and [Feed.Add] are the law that makes the state a grow-only set: whatever the order in
// which ops are offered again until none is pending, the same ops are held.
func Decide(held Held, f Feed, op Signed) (Verdict, error) {
	v := Verdict{op: op, branch: -1}
	if i := f.branchHead(op.Prev); i >= 0 && !op.Prev.IsZero() {
		// The common case needs nothing but the feed: the op extends a head.
		b := f.Branches[i]
		if err := checkNext(b.Head.Next, b.Clock, b.Floor, op); err != nil {
			return Verdict{}, err
		}
		v.Decision, v.branch = Accepted, i
		return v, nil
	}
	_, found, err := held.Get(op.Author, op.Key())
	if err != nil {
		return Verdict{}, err
	}
	if found || op.Next() <= f.First() && !f.IsZero() && op.Next() <= f.Floor() {
		v.Decision = Duplicate
		return v, nil
	}
	return decideBeginning(held, f, v)
}

// decideBeginning decides on an op that is not held and extends no head: it begins a branch, or is
// pending.
func decideBeginning(held Held, f Feed, v Verdict) (Verdict, error) {
	op := v.op
	if op.First == 0 {
		v.rooted = true
	} else {
		parent, found, err := held.Find(op.Author, Head{Next: op.First, ID: op.Prev})
		if err != nil {
			return Verdict{}, err
		}
		if found {
			if err := checkNext(parent.Next(), parent.Clock, parent.Floor, op); err != nil {
				return Verdict{}, err
			}
			v.rooted = true
		} else if op.First > f.Floor() {
			v.Decision = Pending
			return v, nil
		}
	}
	v.Decision = Accepted
	if !f.IsZero() {
		v.Decision = Forked
	}
	return v, nil
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
	f.join(at)
	f.raiseLeave(v.op)
}

// join hangs the branches that were placed at a floor, without the op before them, to branch at,
// which now ends with that op. The first of them goes on where the branch ends, so that the op is
// no head any more; others part from it.
//
//	branch at:  … ─ p           …       p
//	                      →              ├ x ─ y      one branch, with the head y
//	floored:    x ─ y   x' …             └ x'         rooted now
func (f *Feed) join(at int) {
	end := f.Branches[at].Head
	first := -1
	for i := range f.Branches {
		if b := &f.Branches[i]; !b.Rooted && b.parted() == end {
			b.Rooted = true
			if first < 0 {
				first = i
			}
		}
	}
	if first < 0 {
		return
	}
	up, down := f.Branches[first], &f.Branches[at]
	down.Head, down.Clock, down.Floor = up.Head, up.Clock, up.Floor
	f.Branches = slices.Delete(f.Branches, first, first+1)
}

// raiseLeave keeps the header with the highest floor, if its own signature covers it: a covered
// op's floor is no proof for those who do not hold what covers it.
func (f *Feed) raiseLeave(op Signed) {
	if op.Floor > f.Leave.Floor && op.verify() == nil {
		f.Leave = op
	}
}

// TakeLeave takes an author's leave that came before its run. The signature is checked here.
func (f *Feed) TakeLeave(leave Signed) error {
	if leave.Floor <= f.Leave.Floor {
		return nil
	}
	if err := leave.Verify(); err != nil {
		return fmt.Errorf("take leave: %w", err)
	}
	f.Leave = leave
	return nil
}
