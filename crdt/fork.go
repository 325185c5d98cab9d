package crdt

import (
	"errors"
	"fmt"
	"slices"
)

// ErrNoForkProof is returned by [ProveFork] when the ops that would prove it are not held: the branch
// parted below a floor.
var ErrNoForkProof = errors.New("the branch parted below what is held")

// ForkProof shows that an author signed two different ops after the same one. Each side begins with
// one of the two and ends with an anchor, an op whose own signature verifies; the headers between
// are covered by it.
//
//	prev ─┬─ A[0] ─ … ─ A[n] anchor
//	      └─ B[0] ─ … ─ B[m] anchor
type ForkProof struct {
	A, B []Signed
}

// Author returns who forked.
func (p ForkProof) Author() Author {
	if len(p.A) == 0 {
		return Author{}
	}
	return p.A[0].Author
}

// Verify checks that p proves a fork in log. It needs nothing but p.
func (p ForkProof) Verify(log LogID) error {
	for _, side := range [][]Signed{p.A, p.B} {
		if err := verifyToAnchor(side, log); err != nil {
			return fmt.Errorf("verify fork proof: %w", err)
		}
	}
	a, b := p.A[0], p.B[0]
	if a.Author != b.Author || a.Prev != b.Prev || a.ID == b.ID {
		return fmt.Errorf("verify fork proof: %w: ops %s and %s do not part from one op of one author", ErrInvalid, a.ID, b.ID)
	}
	return nil
}

// verifyToAnchor checks that headers are a chain in log whose last one is an anchor.
func verifyToAnchor(headers []Signed, log LogID) error {
	if len(headers) == 0 {
		return fmt.Errorf("%w: no headers", ErrRun)
	}
	for i, h := range headers {
		if h.Log != log {
			return fmt.Errorf("%w: op %s/%d is of log %s, not %s", ErrInvalid, h.Author.Short(), h.First, h.Log, log)
		}
		if i == 0 {
			continue
		}
		below := headers[i-1]
		if h.Author != below.Author || h.Prev != below.ID {
			return fmt.Errorf("%w: op %s/%d does not name the op before it", ErrRun, h.Author.Short(), h.First)
		}
		if err := checkNext(below.Next(), below.Clock, below.Floor, h); err != nil {
			return err
		}
	}
	return headers[len(headers)-1].Verify()
}

// ProveFork returns the proof that branch b of feed f parted from another. It returns
// [ErrNoForkProof] when what it parted from is not held.
func ProveFork(held Held, f Feed, b Branch) (ForkProof, error) {
	for other, err := range held.Ops(f.Author, b.Start.First) {
		if err != nil {
			return ForkProof{}, err
		}
		if other.First != b.Start.First {
			break
		}
		if other.Prev != b.Parent || other.ID == b.Start.ID {
			continue
		}
		start, found, err := held.Get(f.Author, b.Start)
		if err != nil {
			return ForkProof{}, err
		}
		if !found {
			break
		}
		var p ForkProof
		if p.A, err = toAnchor(held, start); err != nil {
			return ForkProof{}, err
		}
		p.B, err = toAnchor(held, other)
		return p, err
	}
	return ForkProof{}, fmt.Errorf("prove fork of %s at %d: %w", f.Author.Short(), b.Start.First, ErrNoForkProof)
}

// toAnchor returns the headers from op up to the nearest anchor above it. Every op that is held has
// one: that is what authorised it.
func toAnchor(held Held, op Signed) ([]Signed, error) {
	// A covered op may have several children; an anchor above any of them covers it. ways holds
	// the chains that are still looked at, each by its last op.
	type way struct {
		op    Signed
		below *way
	}
	chain := func(w *way) (headers []Signed) {
		for ; w != nil; w = w.below {
			headers = append(headers, w.op)
		}
		slices.Reverse(headers)
		return headers
	}
	ways := []*way{{op: op}}
	for len(ways) > 0 {
		w := ways[0]
		ways = ways[1:]
		if w.op.verify() == nil {
			return chain(w), nil
		}
		for next, err := range held.Ops(op.Author, w.op.Next()) {
			if err != nil {
				return nil, err
			}
			if next.First != w.op.Next() {
				break
			}
			if next.Prev == w.op.ID && checkNext(w.op.Next(), w.op.Clock, w.op.Floor, next) == nil {
				ways = append(ways, &way{op: next, below: w})
			}
		}
	}
	return nil, fmt.Errorf("op %s/%d: %w, nor that of an op above it", op.Author.Short(), op.First, ErrSignature)
}
