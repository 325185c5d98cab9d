package eventlog

import (
	"errors"
	"slices"
)

// plan is what the index has found for a query: where to look instead of everywhere.
type plan struct {
	// offsets are those of the ops that may hold what is asked for, in order.
	offsets []uint64
	// reached is where the index ends. From there on all is looked at.
	reached uint64
}

// indexWalk returns a walk over what the index finds for a query, or nil where a scan is as good or
// better: the query names neither subjects nor kinds, or asks for what is gone, of which the index knows
// nothing; too much is found, or there is no index. One that is damaged is not used either, so a query
// never depends on it.
func (s *store) indexWalk(q *Query, r *reading) walk {
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
		found, err = s.planIndex(tx, q, r.chunk.gone.sweep, in)
		return err
	})
	if err != nil {
		if _, damaged := asDamaged(err); damaged || errors.Is(err, errIndex) {
			s.logger.Error("index is not used", "path", s.path, "err", err)
		}
		return nil // whatever else is wrong, the scan meets it
	}
	if found == nil {
		return nil
	}
	if q.Order == Arrival {
		return newFoundWalk(scan, *found)
	}
	return newSortedWalk(q.Order, r, *found)
}

// planIndex asks the index for a reading that has begun after the given sweep; nil says that a scan is
// better. Layers that were made later are scanned too: where a body was gone by then they would hide that.
func (s *store) planIndex(tx *readTx, q *Query, sweep uint64, in stretch) (*plan, error) {
	layers, err := tx.indexLayers(s.incarnation)
	layers = since(layers, sweep)
	end := reached(layers)
	if err != nil || end <= in.from {
		return nil, err
	}
	behind := in.to - min(in.to, max(end, in.from))
	perOp := s.entriesPerOp()
	few := min(maxFound, max(leastFound, (in.to-in.from)/perOp/foundShare))
	if behind > maxFound || behind/perOp >= few {
		return nil, nil
	}
	few -= behind / perOp
	look := &search{tx: tx, layers: layers, in: in, most: int(few)}
	var best []uint64
	any := false
	for _, terms := range s.terms(q) {
		if len(terms) == 0 || len(terms)*len(layers) > maxProbes {
			continue
		}
		offsets, few, err := look.ops(terms)
		switch {
		case err != nil:
			return nil, err
		case few && any:
			best = intersect(best, offsets)
		case few:
			best, any = offsets, true
		}
	}
	if !any {
		return nil, nil
	}
	return &plan{offsets: best, reached: end}, nil
}

// entriesPerOp returns how many entries an op of the log has on average, at least 1.
func (s *store) entriesPerOp() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return max(1, s.state.entries/max(1, s.state.ops))
}

// terms returns the terms of the query's subjects and of its kinds. There are none where the index
// cannot tell.
func (s *store) terms(q *Query) [2][]term {
	hash := newTermHash(s.incarnation)
	all := func(class byte, texts []string) (terms []term) {
		for _, text := range texts {
			terms = append(terms, hash.of(class, text))
		}
		slices.Sort(terms)
		return slices.Compact(terms)
	}
	var terms [2][]term
	if !slices.ContainsFunc(q.Kinds, isPrefix) {
		terms[1] = all(classKind, q.Kinds)
	}
	if !slices.Contains(q.Subjects, "") {
		terms[0] = all(classSubject, q.Subjects)
	}
	return terms
}

// intersect returns what is in both of two sorted lists, in the memory of a.
func intersect(a, b []uint64) []uint64 {
	both := a[:0]
	for _, offset := range a {
		at, found := slices.BinarySearch(b, offset)
		if b = b[at:]; found {
			both = append(both, offset)
		}
	}
	return both
}
