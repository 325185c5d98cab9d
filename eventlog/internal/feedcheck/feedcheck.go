// Package feedcheck checks the ops of one feed against each other and against the feed's record: pure.
//
// A [Check] is told of all ops in order of key, by [Check.Op], and in the end compares with the record what it has counted:
// [Check.End]. What an op is by its own bytes, and where it lies, was checked by whoever has read it, who also tells of
// those that cannot be read: [Check.Spoiled]. What follows from what ops name is found by a [Chain].
package feedcheck

import (
	"fmt"
	"maps"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Check checks one feed.
type Check struct {
	record  *record.Feed
	problem func(format string, args ...any)

	ops, entries uint64
	trimmed      uint64 // entries
	bytes        uint64 // of values
	chain        *Chain
	spoiled      bool // an op was
	// ends are the ops that none has named yet: the heads, at the end.
	ends map[crdt.OpID]crdt.Head
	// unsigned are the ops whose own signature does not verify.
	unsigned map[crdt.OpID]bool
}

// Found is what there was of a feed. Offences counts ops whose own signature does not verify although a later op of their
// author vouches for them. Holes are what is held and cannot be read.
type Found struct {
	Ops, Entries, Offences uint64
	Holes                  []crdt.Span
	Missing                []Missing // those of the holes in which an op is not even there
}

// Missing is a hole in which an op is not even there, and how that was found.
type Missing struct {
	crdt.Span
	Err error
}

// New returns a check of the feed of a record, which calls problem with each thing that is wrong.
func New(r *record.Feed, problem func(format string, args ...any)) *Check {
	return &Check{
		record: r, problem: problem, chain: NewChain(r.Feed, 0),
		ends: make(map[crdt.OpID]crdt.Head), unsigned: make(map[crdt.OpID]bool),
	}
}

// Op checks an op whose value has size bytes, and whose own signature verifies or not.
func (c *Check) Op(op crdt.Op, size int, signed bool) {
	c.follows(op.Signed)
	c.ops++
	c.entries += op.Count
	c.bytes += uint64(size)
	if op.Trimmed() {
		c.trimmed += op.Count
	}
	if !signed {
		c.unsigned[op.ID] = true
	}
}

// Spoiled takes note that the op at a key cannot be read.
func (c *Check) Spoiled(key crdt.Key) {
	c.spoiled = true
	c.chain.Spoiled(key)
}

// follows checks an op against the one that it names.
func (c *Check) follows(op crdt.Signed) {
	prev := c.chain.Op(op)
	if prev.Count > 0 && (prev.Next() != op.First || op.Clock <= prev.Clock || op.Floor < prev.Floor) {
		c.problem("op %d does not follow op %d, which it names: seq %d after %d, clock %s after %s, floor %d after %d",
			op.First, prev.First, op.First, prev.Next(), op.Clock, prev.Clock, op.Floor, prev.Floor)
	}
	delete(c.ends, op.Prev)
	c.ends[op.ID] = op.Head()
}

// End compares what was found with the feed's record, unless something cannot be read, and returns what there was.
func (c *Check) End() Found {
	c.chain.End(crdt.MaxSeq)
	if len(c.chain.Holes) == 0 && !c.spoiled {
		c.compare()
	}
	found := Found{Ops: c.ops, Entries: c.entries, Offences: uint64(len(c.unsigned)), Holes: c.chain.Holes}
	for _, h := range c.chain.Missing {
		what := fmt.Sprintf("op %d names one that is not held", h.Upto)
		if slices.ContainsFunc(c.record.Feed.Branches, func(b crdt.Branch) bool { return b.Head == h.Head }) {
			what = fmt.Sprintf("it ends at %d where its record says %d", h.From, h.Upto)
		}
		found.Missing = append(found.Missing, Missing{h, fmt.Errorf("%s: entries %d to %d are missing", what, h.From, h.Upto-1)})
	}
	return found
}

// compare compares what was found with the feed's record.
func (c *Check) compare() {
	ends := slices.SortedFunc(maps.Values(c.ends), crdt.Head.Compare)
	var recorded []crdt.Head
	for _, b := range c.record.Feed.Branches {
		recorded = append(recorded, b.Head)
	}
	slices.SortFunc(recorded, crdt.Head.Compare)
	if !slices.Equal(ends, recorded) {
		c.problem("it ends at %s where its record says %s", seqs(ends), seqs(recorded))
	}
	for _, h := range ends {
		if c.unsigned[h.ID] {
			delete(c.unsigned, h.ID)
			c.problem("head %d: its signature does not verify", h.Next)
		}
	}
	if c.ops != c.record.Ops || c.entries != c.record.Entries {
		c.problem("it has %d ops with %d entries where its record says %d with %d", c.ops, c.entries, c.record.Ops, c.record.Entries)
	}
	if c.bytes != c.record.Bytes {
		c.problem("its ops have %d bytes where its record says %d", c.bytes, c.record.Bytes)
	}
	if c.trimmed != c.record.Trimmed {
		c.problem("it has %d entries without bodies where its record says %d", c.trimmed, c.record.Trimmed)
	}
}

// seqs returns the ends of branches as text.
func seqs(heads []crdt.Head) string {
	var s []string
	for _, h := range heads {
		s = append(s, fmt.Sprintf("%d@%s", h.Next, h.ID.Branch()))
	}
	return fmt.Sprint(s)
}
