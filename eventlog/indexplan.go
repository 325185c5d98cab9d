package eventlog

import (
	"errors"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/choice"
	"github.com/quipulog/quipu/eventlog/internal/postings"
)

// The index finds an op by the texts of these classes that its entries have.
const (
	classSubject = 1
	classKind    = 2
)

// stretch is a stretch of offsets: from ≤ offset < to.
type stretch struct{ from, to uint64 }

// indexWalk returns a walk over what the index finds for a query, or nil where a scan is as good or better: the query
// names neither subjects nor kinds, or asks for what is gone, of which the index knows nothing; too much is found, or
// there is no index. One that is damaged is not used either, so a query never depends on it.
func (r *reading) indexWalk() walk {
	s, q := r.store, &r.query
	if s.cfg.NoIndex || q.Gone != SkipGone || len(q.Kinds)+len(q.Subjects) == 0 {
		return nil
	}
	scan := newArrivalWalk(&r.filter, q.Reverse, nil, r.chunk.bound)
	if q.Order == Arrival {
		scan = newArrivalWalk(&r.filter, q.Reverse, r.after, r.chunk.bound)
	}
	in := stretch{scan.from, scan.to}
	var found *plan
	err := s.view(func(tx *readTx) (err error) {
		found, err = r.planIndex(tx, in)
		return err
	})
	if err != nil {
		if _, damaged := asDamaged(err); damaged || errors.Is(err, postings.ErrDamaged) {
			s.logger.Warn("index is not used", "path", s.path, "err", err)
		}
		return nil // whatever else is wrong, the scan meets it
	}
	if found == nil {
		return nil
	}
	if q.Order == Arrival {
		return newFoundWalk(scan, *found)
	}
	return newSortedWalk(q, scan, r.after, *found)
}

// planIndex asks the index for a reading that has begun after the given sweep; nil says that a scan is
// better. Layers that were made later are scanned too: where a body was gone by then they would hide that.
func (r *reading) planIndex(tx *readTx, in stretch) (*plan, error) {
	s, t := r.store, tx.Tree(bucketIndex)
	layers, err := postings.Read(t, s.origin)
	layers = layers.Since(r.chunk.horizon.sweep)
	end := layers.Reached()
	if err != nil || end <= in.from {
		return nil, err
	}
	behind := in.to - min(in.to, max(end, in.from))
	s.mu.RLock()
	perOp := s.state.PerOp()
	s.mu.RUnlock()
	few := min(maxFound, max(leastFound, (in.to-in.from)/perOp/foundShare))
	if behind > maxFound || behind/perOp >= few {
		return nil, nil
	}
	few -= behind / perOp
	look := &postings.Search{Tree: t, Layers: layers, From: in.from, To: in.to, Span: crdt.MaxOpEntries, Most: int(few)}
	offsets, found, err := look.Find(termsOf(&r.query, s.origin)...)
	if err != nil || !found {
		return nil, err
	}
	return &plan{offsets: offsets, reached: end}, nil
}

// termsOf returns the terms of a query's subjects and of its kinds. There are none where the index cannot tell.
func termsOf(q *Query, origin [16]byte) (terms [][]postings.Term) {
	if !slices.Contains(q.Subjects, "") {
		terms = append(terms, postings.Terms(origin, classSubject, q.Subjects))
	}
	if !slices.ContainsFunc(q.Kinds, choice.IsPrefix) {
		terms = append(terms, postings.Terms(origin, classKind, q.Kinds))
	}
	return terms
}
