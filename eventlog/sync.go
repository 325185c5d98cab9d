package eventlog

import (
	"context"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// Frontier returns exactly what is held and durable. Its heads are shared: the caller does not write to them.
func (l *Log) Frontier() crdt.Frontier {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	return l.store.state.Frontier()
}

// Digest returns the digest of exactly what is held and durable.
func (l *Log) Digest() crdt.Digest {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	return l.store.state.Digest
}

// Root returns the root of the frontier's digest: it is equal on two nodes exactly when their frontiers are.
func (l *Log) Root() crdt.Hash { return l.Digest().Root() }

// Next returns the offset of the next entry that arrives.
func (l *Log) Next() uint64 {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	return l.store.state.Next
}

// Feed returns what is held of a's feed. Its slices are shared: the caller does not write to them.
func (l *Log) Feed(a crdt.Author) crdt.Feed { return l.store.feed(a) }

// wantsPerTx bounds the authors that one transaction of [Log.Wants] looks at.
const wantsPerTx = 64

// Wants returns what to ask of a peer with the frontier theirs: a want for each author of whom the peer has
// an op that is not held here, at most limit of them, or all when limit is 0. Authors who would be shut for
// being too many are left out. No transaction is long, however many authors there are.
func (l *Log) Wants(ctx context.Context, theirs crdt.Frontier, limit int) ([]crdt.Want, error) {
	var wants []crdt.Want
	some := make(crdt.Frontier, wantsPerTx)
	look := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		defer clear(some)
		left := 0
		if limit > 0 {
			left = limit - len(wants)
		}
		return l.store.view(func(tx *readTx) error {
			more, err := crdt.Wants(l.store.ours.wanting(tx), some, left)
			wants = append(wants, more...)
			return err
		})
	}
	for a, heads := range theirs.All() {
		if !l.store.welcome(a) {
			continue // it would be refused
		}
		if some[a] = heads; len(some) == wantsPerTx {
			if err := look(); err != nil {
				return nil, fmt.Errorf("find wants: %w", err)
			}
			if limit > 0 && len(wants) == limit {
				return wants, nil
			}
		}
	}
	if err := look(); err != nil {
		return nil, fmt.Errorf("find wants: %w", err)
	}
	return wants, nil
}

// PlanSpan returns the segment that holds a span, for [Log.Read]. ok is false when what is held cannot
// tell: see [crdt.PlanSpan].
func (l *Log) PlanSpan(ctx context.Context, s crdt.Span) (seg crdt.Segment, ok bool, err error) {
	seg, ok, err = crdt.PlanSpan(l.store.held(ctx), s)
	if err != nil {
		return crdt.Segment{}, false, fmt.Errorf("plan span of %s: %w", s.Author.Short(), err)
	}
	return seg, ok, nil
}

// Plan returns the segments to send to a peer that sent want, for [Log.Read].
func (l *Log) Plan(ctx context.Context, want crdt.Want) ([]crdt.Segment, error) {
	segments, err := crdt.Plan(l.store.held(ctx), want)
	if err != nil {
		return nil, fmt.Errorf("plan for %s: %w", want.Author.Short(), err)
	}
	return segments, nil
}

// Prove returns a proof of the entry at p for somebody who has only the author's key and the log's id.
// Places and errors are those of [Log.Lookup].
func (l *Log) Prove(ctx context.Context, p crdt.Place) (crdt.EntryProof, error) {
	if err := ctx.Err(); err != nil {
		return crdt.EntryProof{}, err
	}
	op, err := l.store.opHolding(ctx, p, true)
	if err != nil {
		return crdt.EntryProof{}, err
	}
	proof, err := crdt.ProveEntry(l.store.held(ctx), op.Op, p.Seq)
	if err != nil {
		return crdt.EntryProof{}, fmt.Errorf("prove %s: %w", p, err)
	}
	return proof, nil
}
