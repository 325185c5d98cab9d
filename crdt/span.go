package crdt

// Span asks for a stretch of the chain that ends in Head: the ops whose first seq is at least From and
// less than Upto. Several peers that hold the chain can be asked for a stretch of it each.
//
//	a──●──●──●──●──●──●──●──●──●  Head
//	   └─one─┘  └──another──┘
type Span struct {
	Author     Author
	Head       Head
	From, Upto uint64
}

// PlanSpan returns the segment that holds a span. It is empty when no op begins in the span, as when
// one op reaches across it. ok is false when what is held cannot tell: Head is not held. A feed that begins
// above From, at a floor, gives what there is, and so does the branch that Head is on where it parts from another
// above From.
func PlanSpan(held Held, s Span) (seg Segment, ok bool, err error) {
	f, err := held.Feed(s.Author)
	if err != nil || f.IsZero() {
		return Segment{}, false, err
	}
	if len(f.Branches) > 1 {
		return planBranchSpan(held, f, s)
	}
	b := f.Branches[0]
	if s.Head != b.Head {
		// With one branch, whatever is held lies on it.
		if _, found, err := held.Find(s.Author, s.Head); err != nil || !found {
			return Segment{}, false, err
		}
	}
	seg = Segment{Author: s.Author, Start: b.Start, After: b.Head, To: b.Head, Upto: min(s.Upto, s.Head.Next)}
	if s.From >= seg.Upto {
		return seg, true, nil
	}
	for op, err := range held.Ops(s.Author, s.From) {
		if err != nil {
			return Segment{}, false, err
		}
		seg.After = Head{Next: op.First, ID: op.Prev}
		break
	}
	return seg, true, nil
}

// planBranchSpan is PlanSpan for a feed with several branches: the ops between those of one lie on others, so it goes
// down the chain from Head.
func planBranchSpan(held Held, f Feed, s Span) (seg Segment, ok bool, err error) {
	if _, found, err := held.Find(s.Author, s.Head); err != nil || !found {
		return Segment{}, false, err
	}
	tree, err := f.tree(held)
	if err != nil {
		return Segment{}, false, err
	}
	b := f.Branches[tree.branchOf(s.Head)]
	seg = Segment{Author: s.Author, Start: b.Start, After: s.Head, To: b.Head, Upto: min(s.Upto, s.Head.Next)}
	for seg.After != b.parted() {
		op, found, err := held.Find(s.Author, seg.After)
		if err != nil || !found {
			return Segment{}, false, err
		}
		if op.First < s.From {
			break
		}
		seg.After = Head{Next: op.First, ID: op.Prev}
	}
	return seg, true, nil
}
