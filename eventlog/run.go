package eventlog

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
)

// runPerTx bounds the bytes that one transaction of [Log.Read] copies.
const runPerTx = 256 << 10

// Read returns the next run of a segment, of at most maxBytes but at least one op, and moves seg.After to the run's
// end. A run ends at an op whose signature was checked, and every body in it matches its header, so that no receiver
// can hold anything against this node. Bodies that are gone are missing from the run. Where the author signed so few
// ops validly that none is found among the last [crdt.MaxAnchorSearch], the run goes on to the next such op, past
// maxBytes if need be. A run ends at the segment's bound, too, if there is an anchor before it. The run's leave is
// set when the run begins at a floor or bodies are missing.
//
// Before the first run of our own feed it is made durable that others may hold what was written here: the error may
// be that of a commit.
//
// An empty run means that the segment is done, or that its branch is not there any more: branches join when
// what lies between them arrives, and a new plan shows how. An op that cannot be read limits what is
// served: a run ends before it, and a segment that begins with it gives a [*DamagedError].
func (l *Log) Read(ctx context.Context, seg *crdt.Segment, maxBytes int) (crdt.Run, error) {
	r := runReader{seg: *seg, most: maxBytes, least: 1}
	if err := r.read(ctx, l.store); err != nil {
		return crdt.Run{}, fmt.Errorf("read run of %s: %w", seg.Author.Short(), l.store.locate(err))
	}
	if n := len(r.run.Ops); n > 0 {
		if err := l.store.ours.tellOf(ctx, seg.Author); err != nil {
			return crdt.Run{}, fmt.Errorf("read run of %s: %w", seg.Author.Short(), err)
		}
		seg.After = r.run.Ops[n-1].Head()
	}
	return r.run, nil
}

// runReader reads one run.
type runReader struct {
	seg   crdt.Segment // After moves with the ops that are read
	most  int          // bytes
	least int          // ops, even if they are more than most bytes
	run   crdt.Run
	bytes int
	full  bool  // the next op would pass most
	ended bool  // there is no next op
	err   error // what is wrong with the next op
}

// read fills r.run and cuts it at an anchor.
func (r *runReader) read(ctx context.Context, s *store) error {
	if err := r.fill(ctx, s); err != nil {
		return err
	}
	from := len(r.run.Ops) - min(len(r.run.Ops), crdt.MaxAnchorSearch)
	if r.cut(from, slices.Backward(r.run.Ops[from:])) {
		return r.witness(s)
	}
	r.seg.Upto = 0 // past it for an anchor
	for !r.ended && r.bytes < crdt.MaxBatch {
		looked := len(r.run.Ops)
		r.most, r.least, r.full = r.bytes+chunkSize, looked+1, false
		if err := r.fill(ctx, s); err != nil {
			return err
		}
		if r.cut(looked, slices.All(r.run.Ops[looked:])) {
			return r.witness(s)
		}
	}
	if len(r.run.Ops) == 0 || r.err != nil {
		return r.err
	}
	last := r.run.Ops[len(r.run.Ops)-1]
	return fmt.Errorf("op %s/%d: %w, nor that of an op near it", last.Author.Short(), last.First, crdt.ErrSignature)
}

// witness sets the leave of a run with ops that have no bodies: the header of the branch's head, which
// shows how far the feed goes on above them. The head's floor is the highest on the branch.
func (r *runReader) witness(s *store) error {
	if !slices.ContainsFunc(r.run.Ops, crdt.Op.Trimmed) {
		return nil
	}
	return s.view(func(tx *readTx) error {
		head, found, err := tx.Find(r.seg.Author, r.seg.To)
		if found && head.Floor >= r.run.Leave.Floor {
			r.run.Leave = head
		}
		return err
	})
}

// cut cuts the run behind the first of some ops whose signature verifies, and reports whether there is one. The ops
// are those of the run from an index on, in any order.
func (r *runReader) cut(from int, ops iter.Seq2[int, crdt.Op]) bool {
	for i, op := range ops {
		if op.Verify() == nil {
			r.run.Ops = r.run.Ops[:from+i+1]
			return true
		}
	}
	return false
}

// fill reads ops, in transactions none of which is long, until the run is full or at its end.
func (r *runReader) fill(ctx context.Context, s *store) error {
	err := s.views(ctx, r.fillFrom)
	if _, damaged := asDamaged(err); damaged {
		r.ended, r.err = true, err // the run ends before the damage
		return nil
	}
	return err
}

// fillFrom reads the ops that follow on the branch, in one transaction, and reports whether there are more to
// read. The ops of a branch lie in the file in order, those of other branches between them.
func (r *runReader) fillFrom(tx *readTx) (more bool, err error) {
	f, err := tx.Feed(r.seg.Author)
	if err != nil {
		return false, err
	}
	b, found := f.BranchFrom(r.seg.Start)
	c := tx.opCursor(r.seg.Author)
	k := chunk{bound: tx.next, size: chunkSize, memory: excerpt.Memory{Room: bufferSize}, horizon: showsGone(), verified: true}
	r.ended, r.err = true, nil // unless the walk stops before it comes to an end
	if !found || r.done() {
		return false, nil
	}
	for key := range c.from(crdt.Key{First: r.seg.After.Next}) {
		if key.First > r.seg.After.Next {
			break
		}
		if k.bytes >= runPerTx {
			r.ended = false
			return true, nil
		}
		op, err := r.take(&k, c, f, b)
		switch {
		case err != nil:
			r.err = err
			return false, nil
		case r.full:
			r.ended = false
			return false, nil
		case op != nil && r.done():
			return false, nil
		case op != nil && r.seg.Passed(r.seg.After):
			r.full, r.ended = true, false
			return false, nil
		}
	}
	r.err = c.err
	return false, nil
}

// done reports whether the segment ends here: at its end, or at its bound with an anchor before it.
func (r *runReader) done() bool {
	return r.seg.After == r.seg.To || len(r.run.Ops) == 0 && r.seg.Passed(r.seg.After)
}

// take adds the op that the cursor is at to the run, if it is the next on branch b.
func (r *runReader) take(k *chunk, c *opCursor, f crdt.Feed, b crdt.Branch) (*excerpt.Op, error) {
	k.bytes += opOverhead
	if c.key.First < r.seg.After.Next {
		return nil, nil
	}
	s, err := c.signed()
	if err != nil || !f.Continues(b, r.seg.After, s) {
		return nil, err
	}
	size := c.value.Size()
	if len(r.run.Ops) >= r.least && r.bytes+size > r.most {
		r.full = true
		return nil, nil
	}
	op, _, err := k.read(c)
	if err != nil || op == nil {
		return nil, err
	}
	if !b.Rooted && s.Key() == b.Start {
		r.run.Leave = f.Leave
	}
	r.run.Ops = append(r.run.Ops, op.Op)
	r.bytes += size
	r.seg.After = s.Head()
	return op, nil
}
