package crdt

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// ErrShut is wrapped by the error of an [Outcome] when the author is shut: no more of its ops are
// taken. What is held of them stays.
var ErrShut = errors.New("author is shut")

// Set is the state of a log in memory: the grow-only set of authorised, placed ops that the laws
// speak of, and nothing else. Ops may be applied in any order, any number of times, and cut into any
// runs: two sets that were given the same ops have the same frontier and the same entries.
//
// A Set is made by [NewSet]. It must not be used by several goroutines while one of them applies
// runs.
type Set struct {
	// MaxBranches is how many branches of one feed are taken before its author is shut; no limit when
	// 0. It is local policy: raising it takes up where it stopped.
	MaxBranches int
	// MayBeStripped says whether an op of a feed that reaches next is taken without its body; nil means
	// that any is. It is local policy too.
	MayBeStripped func(op Header, next uint64) bool

	log     LogID
	feeds   map[Author]*setFeed
	digest  Digest
	pending int // ops in all feeds
}

// setFeed is a feed with its ops.
type setFeed struct {
	Feed
	keys    []Key // of ops, sorted
	ops     map[OpID]Op
	pending map[OpID]Op // authorised, not placed
	// shutAt is the limit that a branch was refused for; 0 if none was.
	shutAt int
}

var _ Held = (*Set)(nil)

// NewSet returns the empty state of a log.
func NewSet(log LogID) *Set {
	return &Set{log: log, feeds: make(map[Author]*setFeed)}
}

// Log returns the id of the log.
func (s *Set) Log() LogID { return s.log }

// Apply takes what is authorised of a run. Ops that cannot be placed yet are kept until they can, up
// to [MaxPending] of them, so that a run may come before the one that it follows. What is wrong with
// a run is in its outcome; the error is for other faults, of which a Set has none.
func (s *Set) Apply(run Run) (Outcome, error) {
	out := Outcome{Author: run.Author()}
	n, err := run.Verify(s.log)
	out.Err = err
	if n == 0 {
		return out, nil
	}
	f := s.feeds[out.Author]
	if f == nil {
		f = &setFeed{Feed: Feed{Author: out.Author}, ops: make(map[OpID]Op), pending: make(map[OpID]Op)}
		s.feeds[out.Author] = f
	}
	if s.isShut(f) {
		out.Err = fmt.Errorf("%w: %s has %d branches", ErrShut, out.Author.Short(), s.MaxBranches)
		return out, nil
	}
	if err := f.TakeLeave(run.Leave); err != nil {
		out.Err = err
		return out, nil
	}
	if s.MayBeStripped != nil {
		if n, err = run.Unstripped(n, f.Next(), s.MayBeStripped); err != nil {
			out.Err = err
		}
	}
	s.drain(f, &out) // the leave may place some
	for _, op := range run.Ops[:n] {
		if out.Decision, err = s.offer(f, op, &out); err != nil {
			out.Err = err
			break
		}
	}
	s.drain(f, &out)
	s.digest = s.digest.With(out.Author, f.Heads())
	if f.IsZero() && len(f.pending) == 0 {
		delete(s.feeds, out.Author)
	}
	return out, nil
}

// offer decides on op and carries it out.
func (s *Set) offer(f *setFeed, op Op, out *Outcome) (Decision, error) {
	v, err := Decide(s, f.Feed, op.Signed)
	if err != nil {
		return v.Decision, err
	}
	switch v.Decision {
	case Duplicate:
		out.Duplicates++
	case Pending:
		if _, known := f.pending[op.ID]; !known && s.pending < MaxPending {
			f.pending[op.ID] = op
			s.pending++
		}
	case Accepted, Forked:
		if v.branch < 0 && s.MaxBranches > 0 && len(f.Heads()) >= s.MaxBranches {
			f.shutAt = s.MaxBranches
			return v.Decision, fmt.Errorf("%w: %s has %d branches", ErrShut, f.Author.Short(), s.MaxBranches)
		}
		f.Add(v)
		f.ops[op.ID] = op
		at, _ := slices.BinarySearchFunc(f.keys, op.Key(), Key.Compare)
		f.keys = slices.Insert(f.keys, at, op.Key())
		out.Ops++
		out.Entries += int(op.Count)
		out.Forked = out.Forked || v.Decision == Forked
	}
	return v.Decision, nil
}

// drain offers what is pending again until nothing more can be placed.
func (s *Set) drain(f *setFeed, out *Outcome) {
	for again := true; again; {
		again = false
		byKey := func(a, b Op) int { return a.Key().Compare(b.Key()) }
		for _, op := range slices.SortedFunc(maps.Values(f.pending), byKey) {
			decision, err := s.offer(f, op, out)
			if decision == Pending && err == nil {
				continue
			}
			delete(f.pending, op.ID)
			s.pending--
			again = true
		}
	}
}

// Shut returns the authors of whom no more is taken, in order.
func (s *Set) Shut() []Author {
	var shut []Author
	for a, f := range s.feeds {
		if s.isShut(f) {
			shut = append(shut, a)
		}
	}
	slices.SortFunc(shut, Author.Compare)
	return shut
}

func (s *Set) isShut(f *setFeed) bool {
	return f.shutAt > 0 && s.MaxBranches > 0 && s.MaxBranches <= f.shutAt
}

// Frontier returns exactly what is held.
func (s *Set) Frontier() Frontier {
	frontier := make(Frontier, len(s.feeds))
	for a, f := range s.feeds {
		if !f.IsZero() {
			frontier[a] = f.Heads()
		}
	}
	return frontier
}

// Digest returns the digest of the frontier as it is now.
func (s *Set) Digest() Digest { return s.digest }

// Entries yields the log: the entries of all ops by (author, seq, op id).
func (s *Set) Entries() iter.Seq2[Entry, error] { return s.sorted(CompareEntries) }

// Causal yields the entries in causal order: see [CompareCausal].
func (s *Set) Causal() iter.Seq2[Entry, error] { return s.sorted(CompareCausal) }

func (s *Set) sorted(compare func(a, b Entry) int) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var entries []Entry
		for _, f := range s.feeds {
			for _, op := range f.ops {
				disputed := f.Disputes(op.Header)
				for e, err := range op.Entries() {
					if err != nil {
						yield(Entry{}, err)
						return
					}
					e.Disputed = disputed
					entries = append(entries, e)
				}
			}
		}
		slices.SortFunc(entries, compare)
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Read returns the next run of a segment, of at most maxBytes unless one op or the way to the next
// anchor has more, and moves seg.After to its end. An empty run means that the segment is done.
func (s *Set) Read(seg *Segment, maxBytes int) Run {
	f := s.feed(seg.Author)
	b, found := f.BranchFrom(seg.Start)
	var run Run
	anchored, size := 0, 0 // anchored: up to the last anchor
	for tail := seg.After; found && tail != seg.To; {
		if seg.Passed(tail) && (anchored > 0 || len(run.Ops) == 0) {
			break
		}
		op, more := f.after(b, tail)
		if !more || anchored > 0 && size+op.Size() > maxBytes {
			break
		}
		run.Ops = append(run.Ops, op)
		size += op.Size()
		tail = op.Head()
		if op.verify() == nil {
			anchored = len(run.Ops)
		}
	}
	run.Ops = run.Ops[:anchored]
	if anchored > 0 {
		if !b.Rooted && run.Ops[0].Key() == b.Start {
			run.Leave = f.Leave
		}
		seg.After = run.Ops[anchored-1].Head()
	}
	return run
}

// after returns the op after tail on branch b.
func (f *setFeed) after(b Branch, tail Head) (Op, bool) {
	at, _ := slices.BinarySearchFunc(f.keys, Key{First: tail.Next}, Key.Compare)
	for _, key := range f.keys[at:] {
		if op := f.ops[key.ID]; op.First != tail.Next {
			break
		} else if f.Continues(b, tail, op.Signed) {
			return op, true
		}
	}
	return Op{}, false
}

// feed returns what is held of a, for reading.
func (s *Set) feed(a Author) *setFeed {
	if f := s.feeds[a]; f != nil {
		return f
	}
	return &setFeed{Feed: Feed{Author: a}}
}

// Feed implements [Held].
func (s *Set) Feed(a Author) (Feed, error) { return s.feed(a).Feed, nil }

// Get implements [Held].
func (s *Set) Get(a Author, key Key) (Signed, bool, error) {
	op, held := s.feed(a).ops[key.ID]
	if !held || op.First != key.First {
		return Signed{}, false, nil
	}
	return op.Signed, true, nil
}

// Find implements [Held].
func (s *Set) Find(a Author, head Head) (Signed, bool, error) {
	op, held := s.feed(a).ops[head.ID]
	if !held || op.Next() != head.Next {
		return Signed{}, false, nil
	}
	return op.Signed, true, nil
}

// Ops implements [Held].
func (s *Set) Ops(a Author, first uint64) iter.Seq2[Signed, error] {
	return func(yield func(Signed, error) bool) {
		f := s.feed(a)
		at, _ := slices.BinarySearchFunc(f.keys, Key{First: first}, Key.Compare)
		for _, key := range f.keys[at:] {
			if !yield(f.ops[key.ID].Signed, nil) {
				return
			}
		}
	}
}
