// Package feedcheck checks the ops of one feed against each other and against the feed's record: pure.
//
// A [Check] is told of all ops in order of key, by [Check.Op], and in the end compares with the record what it has counted:
// [Check.End]. It keeps the ops that one still to come may name: of an undisputed feed the last, of the disputed part all.
// What an op is by its own bytes, and where it lies, was checked by whoever has read it.
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
	disputed     uint64
	// named are the ops that one still to come may name: of an undisputed feed the last one, of the
	// disputed part all.
	named map[crdt.OpID]crdt.Signed
	// ends are the ops that none has named yet: the heads, at the end.
	ends map[crdt.OpID]crdt.Head
	// unsigned are the ops whose own signature does not verify.
	unsigned map[crdt.OpID]bool
}

// Found is what there was of a feed. Offences counts ops whose own signature does not verify although a later op of their
// author vouches for them.
type Found struct{ Ops, Entries, Offences uint64 }

// New returns a check of the feed of a record, which calls problem with each thing that is wrong.
func New(r *record.Feed, problem func(format string, args ...any)) *Check {
	c := &Check{
		record: r, problem: problem, disputed: crdt.MaxSeq,
		named: make(map[crdt.OpID]crdt.Signed), ends: make(map[crdt.OpID]crdt.Head), unsigned: make(map[crdt.OpID]bool),
	}
	if from, forked := r.Feed.Disputed(); forked {
		c.disputed = from
	}
	return c
}

// Op checks an op whose value has size bytes.
func (c *Check) Op(op crdt.Op, size int) {
	c.chain(op.Signed)
	c.ops++
	c.entries += op.Count
	c.bytes += uint64(size)
	if op.Trimmed() {
		c.trimmed += op.Count
	}
	if op.Verify() != nil {
		c.unsigned[op.ID] = true
	}
}

// chain checks an op against the one that it names.
func (c *Check) chain(op crdt.Signed) {
	prev, found := c.named[op.Prev]
	switch {
	case op.First == 0:
	case !found:
		if b, begins := c.record.Feed.BranchFrom(op.Key()); !begins || b.Rooted || op.First > c.record.Feed.Floor() {
			c.problem("op %d names one that is not held", op.First)
		}
	case prev.Next() != op.First || op.Clock <= prev.Clock || op.Floor < prev.Floor:
		c.problem("op %d does not follow op %d, which it names: seq %d after %d, clock %s after %s, floor %d after %d",
			op.First, prev.First, op.First, prev.Next(), op.Clock, prev.Clock, op.Floor, prev.Floor)
	}
	delete(c.ends, op.Prev)
	c.ends[op.ID] = op.Head()
	if op.Next() <= c.disputed {
		clear(c.named)
	}
	c.named[op.ID] = op
}

// End compares what was found with the feed's record, and returns what there was.
func (c *Check) End() Found {
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
	return Found{Ops: c.ops, Entries: c.entries, Offences: uint64(len(c.unsigned))}
}

// seqs returns the ends of branches as text.
func seqs(heads []crdt.Head) string {
	var s []string
	for _, h := range heads {
		s = append(s, fmt.Sprintf("%d@%s", h.Next, h.ID.Branch()))
	}
	return fmt.Sprint(s)
}
