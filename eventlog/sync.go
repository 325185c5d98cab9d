package eventlog

import (
	"bytes"
	"context"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/holes"
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

// Damaged returns the holes that are known, by author: what the log holds of a feed and cannot read, since it is damaged
// or missing. They are those that readers have met since the log was opened, and those that [Log.Verify] has found.
// What follows a hole is held, so the frontier tells nobody of it. A hole is what to ask a peer for; [Log.Apply] puts
// back what fits, and tells of it in [crdt.Outcome.Repaired]. There may be more than 10,000: see [Log.DamagedFurther].
func (l *Log) Damaged(ctx context.Context) ([]crdt.Span, error) {
	s := l.store
	if s.cfg.ReadOnly { // who writes may have put back what was met
		s.holes.Again()
	}
	for {
		a, at, turn, found := s.holes.Next()
		if !found {
			if s.holes.Cleared() {
				if d := s.damage.Load(); d != nil && d.op != nil {
					s.damage.CompareAndSwap(d, nil)
				}
				s.logger.Info("all that could not be read can be read again", "path", s.path)
			}
			if s.holes.Overfull() {
				s.logger.Warn("more cannot be read than is known: the rest is looked for once half of that is back, or nobody has any of it", "path", s.path, "known", holes.Most)
			}
			if err := s.keepHoles(ctx); err != nil { // such as for want of room: it is tried again
				s.logger.Debug("what cannot be read is not on record", "path", s.path, "err", err)
			}
			return s.holes.All(), nil
		}
		look, sweep := (*holes.Look)(nil), uint64(0)
		err := s.views(ctx, func(tx *readTx) (more bool, err error) {
			if look == nil || sweep != tx.pruneSweep { // what another process prunes is no hole
				feed, err := s.ours.wanting(tx).Feed(a)
				if err != nil {
					return false, err
				}
				look, sweep = holes.NewLook(feed, at), tx.pruneSweep
			}
			return look.Chunk(tx.ops(a), lookPerTx)
		})
		if _, damaged := asDamaged(err); err != nil && !damaged { // pages that are damaged are not looked behind
			return nil, fmt.Errorf("look for what is damaged of feed %s: %w", a.Short(), err)
		}
		if look == nil {
			look = holes.NewLook(s.feed(a), at)
		}
		s.holes.Looked(a, at, turn, look.Holes())
	}
}

// DamagedFurther has [Log.Damaged] tell of others, where there are more holes than it tells of and it tells of those that were
// asked for; of the first of all where asked is nil. It returns how often all have been gone through. Where it tells of all,
// each call is one more time.
func (l *Log) DamagedFurther(asked []crdt.Span) (round uint64) { return l.store.holes.Further(asked) }

// keepHoles has the file say of whose feeds something cannot be read, so that it is asked for after a restart, too.
func (s *store) keepHoles(ctx context.Context) error {
	kept := s.holes.Kept()
	s.mu.RLock()
	same := bytes.Equal(kept, s.holed)
	s.mu.RUnlock()
	if same || s.writable() != nil {
		return nil
	}
	err := s.exclusively(ctx, func(tx *writeTx) error {
		if len(kept) == 0 {
			return tx.Tree(bucketMeta).Remove(metaHoles)
		}
		return tx.Tree(bucketMeta).Set(metaHoles, kept)
	})
	if err != nil {
		return fmt.Errorf("record what cannot be read: %w", err)
	}
	s.mu.Lock()
	s.holed = kept
	s.mu.Unlock()
	return nil
}

// lookPerTx bounds the bytes that one transaction of [Log.Damaged] reads.
const lookPerTx = 1 << 20

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
