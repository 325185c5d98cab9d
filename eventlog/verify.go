package eventlog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/feedcheck"
	"github.com/quipulog/quipu/eventlog/internal/holes"
	"github.com/quipulog/quipu/eventlog/internal/postings"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// verifyChunk bounds the bytes that one transaction of Verify reads.
const verifyChunk = 1 << 20

// Verify checks all that was durable when it began: the pages of the file; of each feed the chain, the
// signatures, the entries against the roots, and the record against these; arrivals and ops against each
// other; the index against the ops. Appends go on meanwhile; trims, compactions and indexing wait.
//
// What is wrong stands in the report. The error is ctx's, or says that nothing could be read at all.
func (l *Log) Verify(ctx context.Context) (Report, error) {
	var report Report
	if err := l.store.notInside(); err != nil {
		return report, err
	}
	// Nothing is forgotten meanwhile: what the records say would not fit what is read.
	if err := l.store.sweeping.Take(ctx); err != nil {
		return report, err
	}
	defer l.store.sweeping.Leave()
	l.store.mu.RLock()
	feeds, bound, pruned, closed := maps.Clone(l.store.state.Feeds), l.store.state.Next, l.store.state.Pruned, l.store.closed
	l.store.mu.RUnlock()
	if closed {
		return report, ErrClosed
	}
	if err := l.verifyPages(ctx, &report); err != nil {
		return report, err
	}
	for _, a := range slices.SortedFunc(maps.Keys(feeds), crdt.Author.Compare) {
		c := newFeedCheck(l.store, a, feeds[a], bound, &report)
		if err := c.run(ctx); err != nil {
			return report, err
		}
	}
	if err := l.verifyArrivals(ctx, bound, pruned, &report); err != nil {
		return report, err
	}
	if err := l.index.verify(ctx, &report); err != nil {
		return report, err
	}
	return report, nil
}

// maxProblems bounds the problems that a report lists; the rest is counted.
const maxProblems = 1000

// Report is what [Log.Verify] found.
type Report struct {
	Authors, Ops, Entries uint64
	Pages                 uint64 // of the file
	// Postings counts what the index has, and Stale the postings that lead to an op that is gone or has
	// lost its body: these do no harm.
	Postings, Stale uint64
	// Offences counts ops whose own signature does not verify although a later op of their author vouches
	// for them: that is the author's offence, not damage.
	Offences uint64
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
	Author crdt.Author // whose feed it concerns; zero for no feed
	Err    error
}

// String returns the problem in a line.
func (p Problem) String() string {
	if p.Author.IsZero() {
		return p.Err.Error()
	}
	return fmt.Sprintf("feed %s: %v", p.Author, p.Err)
}

func (r *Report) problem(a crdt.Author, err error) {
	if len(r.Problems) == maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, Problem{Author: a, Err: err})
}

// verifyPages walks the pages of the file, every bucket's, and checks that each is used once and none is called free.
func (l *Log) verifyPages(ctx context.Context, report *Report) error {
	err := l.store.view(func(tx *readTx) (err error) {
		report.Pages, err = tx.CheckPages(ctx)
		return err
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if damaged, ok := asDamaged(err); ok {
		report.problem(crdt.Author{}, damaged)
		return nil
	}
	return err
}

// feedCheck reads one feed and has it checked.
type feedCheck struct {
	store  *store
	author crdt.Author
	bound  uint64
	report *Report
	from   crdt.Key // where the next chunk begins
	check  *feedcheck.Check
}

func newFeedCheck(s *store, a crdt.Author, state *record.Feed, bound uint64, report *Report) *feedCheck {
	c := &feedCheck{store: s, author: a, bound: bound, report: report}
	c.check = feedcheck.New(state, c.problem)
	return c
}

func (c *feedCheck) problem(format string, args ...any) {
	c.report.problem(c.author, fmt.Errorf(format, args...))
}

// run checks the feed chunk by chunk. Damage ends it as a problem.
func (c *feedCheck) run(ctx context.Context) error {
	err := c.store.views(ctx, c.chunk)
	if damaged, ok := asDamaged(err); ok {
		c.report.problem(c.author, damaged)
		return nil
	}
	if err != nil {
		return fmt.Errorf("verify feed %s: %w", c.author.Short(), err)
	}
	found := c.check.End()
	for _, h := range found.Holes {
		c.store.holes.Look(h.Author, holes.Stretch{From: h.From, Upto: h.Upto})
	}
	c.report.Authors += min(found.Ops, 1)
	c.report.Ops += found.Ops
	c.report.Entries += found.Entries
	c.report.Offences += found.Offences
	return nil
}

// chunk checks ops from c.from on.
func (c *feedCheck) chunk(tx *readTx) (more bool, err error) {
	if c.from == (crdt.Key{}) {
		if _, err := tx.Feed(c.author); err != nil {
			return false, err
		}
	}
	cursor, read := tx.opCursor(c.author), 0
	for key := range cursor.from(c.from) {
		if key.Compare(c.from) < 0 {
			return false, damagedOp(c.author, key, fmt.Errorf("it stands after op %d", c.from.First))
		}
		if read > verifyChunk {
			return true, nil
		}
		read += len(cursor.value)
		if err := c.spoiled(key, c.op(tx, cursor)); err != nil {
			return false, err
		}
		c.from = record.KeyAfter(key)
	}
	if key := cursor.key; cursor.err != nil && key.Compare(c.from) >= 0 && tx.Err() == nil {
		c.from = record.KeyAfter(key)
		return true, c.spoiled(key, cursor.err)
	}
	return false, cursor.err
}

// spoiled takes note that the op at a key cannot be read, if that is what err says, and returns any other error.
func (c *feedCheck) spoiled(key crdt.Key, err error) error {
	damaged, ok := asDamaged(err)
	if !ok || damaged.op == nil {
		return err
	}
	c.check.Spoiled(key)
	c.report.problem(c.author, c.store.locate(damaged))
	return nil
}

// op checks the op that the cursor is at.
func (c *feedCheck) op(tx *readTx, at *opCursor) error {
	key, v, offset := at.key, at.value, at.offset()
	if offset >= c.bound {
		if offset >= tx.most {
			c.problem("op %d has the offset %d, where the log ends at %d", key.First, offset, tx.most)
		}
		return nil
	}
	op, err := verifiedAt(c.author, key, append([]byte(nil), v...))
	if err != nil {
		return err
	}
	if op.Log != c.store.id {
		c.problem("op %d is of log %s", key.First, op.Log)
	}
	if !tx.arrivedWith(op.Signed, offset) && tx.Err() == nil {
		c.problem("op %d is not what arrived at its offset %d", key.First, offset)
	}
	c.check.Op(op, len(v))
	if sweep := v.Sweep(); sweep > tx.lastSweep {
		c.problem("the body of op %d went with sweep %d, where the last was %d", key.First, sweep, tx.lastSweep)
	}
	return nil
}

// verifyArrivals checks that the arrivals are contiguous, but for as many offsets as entries were pruned, and that
// each names an op that is held. Together with the check of each op against its arrival that makes them one to one.
func (l *Log) verifyArrivals(ctx context.Context, bound, pruned uint64, report *Report) error {
	c := arrivalCheck{bound: bound, marks: &l.store.holes}
	err := l.store.views(ctx, c.chunk)
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
		op, held, err := tx.Get(a.Author, a.Key)
		if lacks := c.marks.Covers(a.Author, a.Key.First); lacks && (!held || err != nil) && tx.Err() == nil {
			c.lacks = true
			c.next += a.Count
			continue
		}
		if err == nil && (!held || op.Count != a.Count) {
			err = damagedArrival(a.Offset, fmt.Errorf("op %s/%d with %d entries is not held", a.Author.Short(), a.Key.First, a.Count))
		}
		if err != nil {
			return false, err
		}
		c.next += a.Count
	}
	if cursor.err == nil && c.next != c.bound {
		return false, damagedArrival(c.next, fmt.Errorf("the arrivals end here, where the log ends at %d", c.bound))
	}
	return false, cursor.err
}

// verify checks each layer of the index against the ops of its offsets. Nobody writes to the index
// meanwhile. A layer that is not what the ops say is a problem; a posting whose op is gone, or has no
// body any more, is counted. It needs a bit of memory for each offset of a layer.
func (x *indexer) verify(ctx context.Context, report *Report) error {
	if err := x.slot.Take(ctx); err != nil {
		return err
	}
	defer x.slot.Leave()
	layers, err := x.postings.Layers()
	for i := 0; err == nil && i < len(layers); i++ {
		err = x.verifyLayer(ctx, layers[i], report)
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
func (x *indexer) verifyLayer(ctx context.Context, layer postings.Layer, report *Report) error {
	a := x.postings.NewAudit(layer)
	if _, err := x.eachText(ctx, stretch{layer.From, layer.To}, layer.To-layer.From, a.Add); err != nil {
		return err
	}
	stored, stale, err := a.End()
	report.Postings += stored
	report.Stale += stale
	return err
}
