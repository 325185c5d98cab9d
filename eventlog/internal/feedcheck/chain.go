package feedcheck

import "github.com/quipulog/quipu/crdt"

// Chain follows what the ops of a feed name, and finds the holes. It is told of what stands in the file in order of key,
// by [Chain.Op] and [Chain.Spoiled], from the beginning or from an op on that can be read, and then by [Chain.End] how
// far that was. It keeps the ops that one still to come may name: of an undisputed feed the last, of the disputed part all.
type Chain struct {
	// Holes are those that were found, and Missing those of them in which an op is not even there.
	Holes, Missing []crdt.Span

	feed     crdt.Feed
	disputed uint64
	named    map[crdt.OpID]crdt.Signed
	spoiled  map[crdt.OpID]uint64    // where spoiled ops begin that one still to come may name
	heads    map[crdt.OpID]crdt.Head // of branches, that did not come yet
	seen     map[crdt.Head]bool      // that end holes
	next     uint64                  // behind the last op of the undisputed part
	since    crdt.Key                // the first spoiled op since then, and
	last     crdt.OpID               // the last
	begun    bool
}

// NewChain returns a chain of feed f, of which what begins below from is not told.
func NewChain(f crdt.Feed, from uint64) *Chain {
	c := &Chain{
		feed: f, disputed: crdt.MaxSeq, next: max(from, min(f.First(), f.Floor())), begun: from == 0,
		named: make(map[crdt.OpID]crdt.Signed), spoiled: make(map[crdt.OpID]uint64),
		heads: make(map[crdt.OpID]crdt.Head), seen: make(map[crdt.Head]bool),
	}
	if from, forked := f.Disputed(); forked {
		c.disputed = from
	}
	for _, b := range f.Branches {
		if b.Head.Next > from {
			c.heads[b.Head.ID] = b.Head
		}
	}
	return c
}

// Op tells of an op that can be read, and returns the one that it names, one of no entries where that is before the
// beginning, where it is not told, and where it ends a hole.
func (c *Chain) Op(op crdt.Signed) (prev crdt.Signed) {
	prev, found := c.named[op.Prev]
	if !found && c.begun && !c.begins(op) {
		c.hole(crdt.Head{Next: op.First, ID: op.Prev})
	}
	c.begun = true
	delete(c.heads, op.ID)
	if op.Next() <= c.disputed {
		clear(c.named)
		clear(c.spoiled)
		c.next, c.since, c.last = op.Next(), crdt.Key{}, crdt.OpID{}
	}
	c.named[op.ID] = op
	return prev
}

// begins reports whether nothing that is held comes before op.
func (c *Chain) begins(op crdt.Signed) bool {
	b, begins := c.feed.BranchFrom(op.Key())
	return op.First == 0 || begins && !b.Rooted && op.First <= c.feed.Floor()
}

// Spoiled tells of an op that cannot be read.
func (c *Chain) Spoiled(key crdt.Key) {
	if c.begun = true; key.First >= c.disputed {
		c.spoiled[key.ID] = key.First
		return
	}
	if c.last.IsZero() {
		c.since = key
	}
	c.last = key.ID
}

// End says that no op below seq is still to come: heads that did not come end holes.
func (c *Chain) End(seq uint64) {
	for _, b := range c.feed.Branches {
		if _, missing := c.heads[b.Head.ID]; missing && b.Head.Next <= seq {
			delete(c.heads, b.Head.ID)
			c.hole(b.Head)
		}
	}
}

// hole takes note of the hole that ends with an op that cannot be read.
func (c *Chain) hole(end crdt.Head) {
	if c.seen[end] {
		return
	}
	c.seen[end] = true
	from, spoiled := c.spoiled[end.ID]
	if !spoiled {
		from = min(c.next, c.disputed)
	}
	for _, b := range c.feed.Branches {
		if !b.Rooted && from < b.Start.First && b.Start.First < end.Next {
			from = b.Start.First // what lies before it was never held
		}
	}
	h := crdt.Span{Author: c.feed.Author, Head: end, From: min(from, end.Next-1), Upto: end.Next}
	c.Holes = append(c.Holes, h)
	if !spoiled && (end.ID != c.last || c.since.First > from) {
		c.Missing = append(c.Missing, h)
	}
}
