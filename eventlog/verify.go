package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/holes"
	"github.com/quipulog/quipu/eventlog/internal/postings"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// verifyChunk bounds the bytes that one transaction of Verify reads.
const verifyChunk = 1 << 20

// VerifyOptions says what [Log.VerifyWith] does beside verifying. It may be zero.
type VerifyOptions struct {
	// Progress, unless it is nil, is told again and again how far it is: first with the pages of the file, then with the
	// entries of the feeds, then with those that the index is held against, as the unit says: "pages", "entries",
	// "indexed entries". It must not wait, nor call the log.
	Progress func(done, total uint64, unit string)
}

// Verify checks all that was durable when it began: the pages of the file; of each feed the chain, the
// signatures, the entries against the roots, and the record against these; arrivals and ops against each
// other; the index against the ops. Appends go on meanwhile; trims, compactions and indexing wait. It works on two
// processors.
//
// What is wrong stands in the report. The error is ctx's, or says that nothing could be read at all. Of a log that is open
// for reading only it is [ErrOvertaken] too, where another process forgets something meanwhile: then verify once more.
func (l *Log) Verify(ctx context.Context) (Report, error) { return l.VerifyWith(ctx, VerifyOptions{}) }

// VerifyWith is [Log.Verify] with options.
func (l *Log) VerifyWith(ctx context.Context, o VerifyOptions) (Report, error) {
	var report Report
	if err := l.store.notInside(); err != nil {
		return report, err
	}
	if o.Progress == nil {
		o.Progress = func(uint64, uint64, string) {}
	}
	// Nothing is forgotten meanwhile: what the records say would not fit what is read.
	if err := l.store.sweeping.Take(ctx); err != nil {
		return report, err
	}
	defer l.store.sweeping.Leave()
	now, err := l.store.snapshot()
	if err != nil {
		return report, err
	}
	l.store.mu.RLock()
	feeds, bound := maps.Clone(l.store.state.Feeds), l.store.state.Next
	entries, pruned := l.store.state.Entries, l.store.state.Pruned
	l.store.mu.RUnlock()
	if err := l.verifyPages(ctx, o, &report); err != nil {
		return report, err
	}
	ops := newOpsCheck(l.store, feeds, bound, &report)
	ops.told = func(done uint64) { o.Progress(done, entries, "entries") }
	if err := ops.run(ctx); err != nil {
		return report, err
	}
	if err := l.verifyArrivals(ctx, ops.matched, bound, pruned, &report); err != nil {
		return report, err
	}
	if err := l.index.verify(ctx, o, &report); err != nil {
		return report, err
	}
	if end, err := l.store.snapshot(); err != nil || end.Sweep != now.Sweep {
		return report, cmp.Or(err, l.store.locate(ErrOvertaken)) // another process has forgotten something
	}
	return report, nil
}

// maxProblems bounds the problems that a report lists; the rest is counted.
const maxProblems = 1000

// Report is what [Log.Verify] found.
type Report struct {
	Authors, Ops, Entries uint64
	Pages                 uint64 // of the file; 0 where another process writes to it too often for them to be gone through
	// Postings counts what the index has, and Stale the postings that lead to an op that is gone or has
	// lost its body: these do no harm.
	Postings, Stale uint64
	// Offences counts ops whose own signature does not verify although a later op of their author vouches
	// for them: that is the author's offence, not damage.
	Offences uint64
	// Holes are what is held of feeds and cannot be read, damaged or missing, by author: up to 1,000.
	Holes []crdt.Span
	// Problems lists what is wrong with the file, up to 1,000; More counts the others.
	Problems []Problem
	More     uint64
}

// OK reports whether nothing is wrong with the file.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// String returns the report in a line.
func (r *Report) String() string {
	s := fmt.Sprintf("%d authors, %d ops, %d entries, %d pages", r.Authors, r.Ops, r.Entries, r.Pages)
	if r.Offences > 0 {
		s += fmt.Sprintf(", %d ops with a bad signature that their author vouches for", r.Offences)
	}
	if r.OK() {
		return s + ": no problems"
	}
	return s + fmt.Sprintf(": %d problems", uint64(len(r.Problems))+r.More)
}

// Problem is one thing that is wrong with the file.
type Problem struct {
	Author   crdt.Author // whose feed it concerns; zero for no feed
	Follower string      // whose record or parked entries, and nothing else, it concerns; "" for none
	Err      error

	op *crdt.Place // that is damaged or missing, where it is no more than that
}

// String returns the problem in a line.
func (p Problem) String() string {
	if p.Author.IsZero() {
		return p.Err.Error()
	}
	return fmt.Sprintf("feed %s: %v", p.Author, p.Err)
}

// problem adds one, which is that an op cannot be read where err says no more.
func (r *Report) problem(a crdt.Author, err error) {
	p := Problem{Author: a, Err: err}
	if damaged, ok := asDamaged(err); ok {
		p.op = damaged.op
	}
	r.add(p)
}

func (r *Report) add(p Problem) {
	if len(r.Problems) == maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, p)
}

// verifyPages walks the pages of the file, every bucket's, and checks that each is used once and none is called free.
func (l *Log) verifyPages(ctx context.Context, o VerifyOptions, report *Report) error {
	err := disk.Undisturbed(disk.LongTries, func() error {
		return l.store.viewOnce(func(tx *readTx) (err error) {
			report.Pages, err = tx.CheckPages(ctx, func(done, total uint64) { o.Progress(done, total, "pages") })
			schema.Look(tx.Tx)
			report.Problems, report.More = nil, 0 // of an earlier try
			tx.damagedFollowers(report, l.store.locate)
			return err
		})
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if damaged, ok := asDamaged(err); ok {
		report.problem(crdt.Author{}, damaged)
		return nil
	}
	if errors.Is(err, ErrOvertaken) {
		report.Pages = 0
		return nil
	}
	return err
}

// damagedFollowers reports what is wrong with the records of followers, and with what those have parked.
func (tx *readTx) damagedFollowers(r *Report, locate func(error) error) {
	c := tx.Tree(bucketFollowers).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		_, err := decodeFollower(string(k), v)
		_, parked := tx.someParked(string(k), 0, maxParked)
		if err = cmp.Or(err, parked); err != nil {
			r.add(Problem{Follower: string(k), Err: locate(err)})
		}
	}
}

// verifyArrivals checks that the arrivals are contiguous, but for as many offsets as entries were pruned, and that
// each names an op that is held. As many ops as are matched are what their arrivals name: where there are no more arrivals
// than that, these are they; else each op is looked for.
func (l *Log) verifyArrivals(ctx context.Context, matched, bound, pruned uint64, report *Report) error {
	c := arrivalCheck{bound: bound}
	err := l.store.views(ctx, c.chunk)
	if _, damaged := asDamaged(err); damaged || err == nil && c.count != matched {
		c = arrivalCheck{bound: bound, marks: &l.store.holes}
		err = l.store.views(ctx, c.chunk)
	}
	if damaged, ok := asDamaged(err); ok {
		report.problem(crdt.Author{}, damaged)
		return nil
	}
	if err != nil {
		return fmt.Errorf("verify arrivals: %w", err)
	}
	if c.holes != pruned && !c.lacks {
		report.problem(crdt.Author{}, fmt.Errorf("%d offsets have no arrival where the feeds say that %d entries were pruned", c.holes, pruned))
	}
	return nil
}

// arrivalCheck checks the arrivals below an offset.
type arrivalCheck struct {
	bound uint64
	next  uint64 // where the next arrival is to be, at least
	holes uint64 // offsets without one
	count uint64 // of arrivals
	// marks are the holes of the feeds, where each op is looked for; nil where none is.
	marks *holes.Marks
	lacks bool // an op that arrived is in a hole of its feed, which is told of there
}

// chunk checks arrivals from c.next on.
func (c *arrivalCheck) chunk(tx *readTx) (more bool, err error) {
	cursor, left := tx.arrivalCursor(), verifyChunk/record.ArrivalSize
	for a := range cursor.from(c.next, false) {
		if c.next >= c.bound {
			break
		}
		if left--; left == 0 {
			return true, nil
		}
		if a.Offset < c.next {
			return false, damagedArrival(c.next, fmt.Errorf("one is at offset %d, with %d entries", a.Offset, a.Count))
		}
		c.holes += a.Offset - c.next
		c.next = a.Offset
		if c.marks != nil {
			if err := c.op(tx, a); err != nil {
				return false, err
			}
		}
		c.count++
		c.next += a.Count
	}
	if cursor.err == nil && c.next != c.bound {
		return false, damagedArrival(c.next, fmt.Errorf("the arrivals end here, where the log ends at %d", c.bound))
	}
	return false, cursor.err
}

// op looks for the op that an arrival names.
func (c *arrivalCheck) op(tx *readTx, a record.Arrival) error {
	v := tx.value(a.Author, a.Key)
	op, err := signedAt(a.Author, a.Key, v)
	if c.marks.Covers(a.Author, a.Key.First) && err != nil && tx.Err() == nil {
		c.lacks = true
		return nil
	}
	switch {
	case err == nil && v.Offset() != a.Offset:
		err = damagedArrival(a.Offset, fmt.Errorf("op %s/%d has arrived twice: it has the offset %d", a.Author.Short(), a.Key.First, v.Offset()))
	case v == nil && tx.Err() == nil || err == nil && op.Count != a.Count:
		err = damagedArrival(a.Offset, fmt.Errorf("op %s/%d with %d entries is not held", a.Author.Short(), a.Key.First, a.Count))
	}
	return err
}

// verify checks each layer of the index against the ops of its offsets. Nobody writes to the index
// meanwhile. A layer that is not what the ops say is a problem; a posting whose op is gone, or has no
// body any more, is counted. It needs a bit of memory for each offset of a layer.
func (x *indexer) verify(ctx context.Context, o VerifyOptions, report *Report) error {
	if err := x.slot.Take(ctx); err != nil {
		return err
	}
	defer x.slot.Leave()
	layers, err := x.postings.Layers()
	for i := 0; err == nil && i < len(layers); i++ {
		err = x.verifyLayer(ctx, o, layers, i, report)
	}
	if _, damaged := asDamaged(err); damaged || errors.Is(err, postings.ErrDamaged) {
		report.problem(crdt.Author{}, err)
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("verify index: %w", err)
	}
	return nil
}

// verifyLayer compares what the ops of a layer's offsets say with what the layer says of them.
func (x *indexer) verifyLayer(ctx context.Context, o VerifyOptions, layers postings.Layers, i int, report *Report) error {
	next := layers[i].From
	stored, stale, err := x.postings.Compare(ctx, layers[i], func(offset uint64) {
		if offset >= next {
			next = offset + indexLeast
			o.Progress(offset, layers.Reached(), "indexed entries")
		}
	})
	report.Postings += stored
	report.Stale += stale
	return err
}
