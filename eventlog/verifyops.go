package eventlog

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/arrivals"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/feedcheck"
	"github.com/quipulog/quipu/eventlog/internal/helped"
	"github.com/quipulog/quipu/eventlog/internal/holes"
	"github.com/quipulog/quipu/eventlog/internal/ids"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// opsCheck has the ops of all feeds checked, in order of author and key. While two processors verify those of one chunk,
// the next chunk is read.
//
//	owner    read 0 │ read 1  verify 0 │ read 2  verify 1 │ …
//	helper          │ verify 0         │ verify 1         │ …
type opsCheck struct {
	store  *store
	bound  uint64 // what has an offset from here on came later
	report *Report
	told   func(entries uint64)
	done   uint64 // entries
	// matched counts the ops that are what has arrived at their offset.
	matched uint64
	feeds   []*feedCheck
	at      int // which feed is read next
	ids     *ids.Check
	ahead   *disk.ReadAhead
}

// feedCheck checks one feed.
type feedCheck struct {
	author crdt.Author
	record *record.Feed
	check  *feedcheck.Check // nil before ops of the feed are read, and once all are checked: of many feeds few are under way
	from   crdt.Key         // where the next chunk begins
}

// opChunk is what is read at a time, of one feed or several.
type opChunk struct {
	ops   []readOp
	bytes int
	sweep uint64 // the last one
}

// readOp is an op as it stands in the file, and what has arrived at its offset; or what is damaged in its place.
type readOp struct {
	feed    *feedCheck
	key     crdt.Key
	value   record.Op
	arrival record.Arrival
	damage  error
	beyond  uint64 // the offset at which the log ends before that of the op
	last    bool   // it is no op: the feed ends here, or what is read of it
}

// verifiedOp is what came of an op.
type verifiedOp struct {
	op     crdt.Op
	signed bool // by its own signature
	err    error
}

func newOpsCheck(s *store, feeds map[crdt.Author]*record.Feed, bound uint64, report *Report) *opsCheck {
	c := &opsCheck{store: s, bound: bound, report: report, ahead: s.file.ReadAhead()}
	for _, a := range slices.SortedFunc(maps.Keys(feeds), crdt.Author.Compare) {
		c.feeds = append(c.feeds, &feedCheck{author: a, record: feeds[a]})
	}
	return c
}

// run checks chunk after chunk. An op that cannot be read is a problem; damage that keeps the rest of a feed from being
// read ends its check.
func (c *opsCheck) run(ctx context.Context) error {
	defer c.ahead.Close()
	var err error
	view := func(fn func(tx *disk.Tx) error) error {
		return c.store.view(func(tx *readTx) error { return fn(tx.Tx) })
	}
	if c.ids, err = ids.NewCheck(ctx, c.store.authors, view, c.report.problem); err != nil {
		return err
	}
	k, err := c.read(ctx)
	for err == nil && len(k.ops) > 0 {
		k, err = c.verify(ctx, k)
		c.told(c.done)
	}
	return err
}

// verify verifies the ops of a chunk, and returns the next one.
func (c *opsCheck) verify(ctx context.Context, k opChunk) (next opChunk, err error) {
	work := helped.Begin(len(k.ops), func(i int) (v verifiedOp) {
		if o := &k.ops[i]; o.value != nil && o.beyond == 0 {
			v.op, v.err = verifiedAt(o.feed.author, o.key, o.value)
			v.signed = v.err == nil && v.op.Verify() == nil
		}
		return v
	})
	defer work.End()
	if next, err = c.read(ctx); err != nil {
		return next, err
	}
	for i, v := work.Next(); i >= 0; i, v = work.Next() {
		c.take(&k, &k.ops[i], v)
	}
	return next, nil
}

// take checks an op that is verified against its arrival and the others of its feed.
func (c *opsCheck) take(k *opChunk, o *readOp, v verifiedOp) {
	f := o.feed
	problem := f.problems(c.report)
	if o.last {
		defer func() { f.check = nil }()
	}
	switch err := cmp.Or(o.damage, v.err); {
	case err != nil:
		c.report.problem(f.author, c.store.locate(err))
		if !o.last {
			f.check.Spoiled(o.key)
		}
	case o.last:
		c.end(f.author, f.check.End())
	case o.beyond > 0:
		problem("op %d has the offset %d, where the log ends at %d", o.key.First, o.value.Offset(), o.beyond)
	default:
		c.done += v.op.Count
		if v.op.Log != c.store.id {
			problem("op %d is of log %s", o.key.First, v.op.Log)
		}
		if o.arrival == (record.Arrival{Offset: o.value.Offset(), Author: f.author, Key: o.key, Count: v.op.Count}) {
			c.matched++
		} else {
			problem("op %d is not what arrived at its offset %d", o.key.First, o.value.Offset())
		}
		f.check.Op(v.op, len(o.value), v.signed)
		c.ids.Op(&v.op, c.store.feed)
		if sweep := o.value.Sweep(); sweep > k.sweep {
			problem("the body of op %d went with sweep %d, where the last was %d", o.key.First, sweep, k.sweep)
		}
	}
}

// end counts what there was of a feed.
func (c *opsCheck) end(a crdt.Author, found feedcheck.Found) {
	c.report.Authors += min(found.Ops, 1)
	c.report.Ops += found.Ops
	c.report.Entries += found.Entries
	c.report.Offences += found.Offences
	for _, m := range found.Missing {
		c.report.add(Problem{Author: a, Err: m.Err, op: &crdt.Place{Author: a, Seq: m.From}})
	}
	for _, h := range found.Holes {
		c.store.holes.Look(h.Author, holes.Stretch{From: h.From, Upto: h.Upto})
		if len(c.report.Holes) < maxProblems {
			c.report.Holes = append(c.report.Holes, h)
		}
	}
}

// read reads the next chunk; one without ops behind the last. Damage stands in it.
func (c *opsCheck) read(ctx context.Context) (k opChunk, err error) {
	for c.at < len(c.feeds) && k.bytes < verifyChunk {
		if ctx.Err() != nil {
			return k, context.Cause(ctx)
		}
		err := c.store.view(func(tx *readTx) error { return c.fill(tx, &k) })
		if _, damaged := asDamaged(err); damaged {
			k.ops = append(k.ops, readOp{feed: c.feeds[c.at], damage: err, last: true})
			c.at++
		} else if err != nil {
			return k, fmt.Errorf("verify feed %s: %w", c.feeds[c.at].author.Short(), err)
		}
	}
	c.ahead.Observe(k.bytes)
	return k, nil
}

// fill reads on until the chunk is full or there is no feed any more.
func (c *opsCheck) fill(tx *readTx, k *opChunk) error {
	k.sweep = tx.lastSweep
	for ; c.at < len(c.feeds); c.at++ {
		f := c.feeds[c.at]
		if f.check == nil {
			f.check = feedcheck.New(f.record, f.problems(c.report))
		}
		if err := f.read(tx, c.bound, k); err != nil || k.bytes >= verifyChunk {
			return err
		}
		k.ops = append(k.ops, readOp{feed: f, last: true})
	}
	return nil
}

// problems returns what reports what is wrong with the feed.
func (f *feedCheck) problems(r *Report) func(format string, args ...any) {
	return func(format string, args ...any) { r.problem(f.author, fmt.Errorf(format, args...)) }
}

// read reads ops from f.from on until the chunk is full.
func (f *feedCheck) read(tx *readTx, bound uint64, k *opChunk) error {
	if f.from == (crdt.Key{}) {
		if _, err := tx.Feed(f.author); err != nil {
			return err
		}
	}
	k.bytes += opOverhead // finding a feed takes time too
	c := tx.opCursor(f.author)
	for key := range c.from(f.from) {
		if key.Compare(f.from) < 0 {
			return damagedOp(f.author, key, fmt.Errorf("it stands after op %d", f.from.First))
		}
		if k.bytes >= verifyChunk {
			return nil
		}
		f.from = record.KeyAfter(key)
		o := readOp{feed: f, key: key, value: tx.Keep(c.value)}
		switch k.bytes += len(c.value); {
		case c.offset() < bound:
			if o.arrival = arrivals.Of(tx.Tx).At(c.offset()); tx.Err() != nil {
				f.from = key // where another process overtakes this, it goes on here
				return tx.Err()
			}
		case c.offset() >= tx.most:
			o.beyond = tx.most
		default:
			continue // it came later
		}
		k.ops = append(k.ops, o)
	}
	if c.err != nil && tx.Err() == nil && c.key.Compare(f.from) >= 0 { // the value of an op is none
		k.ops = append(k.ops, readOp{feed: f, key: c.key, damage: c.err})
		f.from = record.KeyAfter(c.key)
		return f.read(tx, bound, k)
	}
	return c.err
}
