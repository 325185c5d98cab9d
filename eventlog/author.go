package eventlog

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/heap"
)

// authorWalk reads in author order: one feed after the other, each from its beginning, or with
// reverse from its heads. Between two chunks it holds one author and what is open of that feed.
type authorWalk struct {
	filter  *filter
	reverse bool
	after   *pageEnd // where the page before ended, until the walk has come to that feed
	author  crdt.Author
	begun   bool // author was walked, or is being walked
	feed    feedWalk
}

// feedWalk reads one feed.
type feedWalk interface {
	// fill takes the next ops into the chunk until it is full, and reports whether the feed is at its
	// end.
	fill(tx *readTx, k *chunk) (done bool, err error)
}

func newAuthorWalk(f *filter, reverse bool, after *pageEnd) *authorWalk {
	return &authorWalk{filter: f, reverse: reverse, after: after}
}

func (w *authorWalk) fill(tx *readTx, k *chunk) (more bool, err error) {
	for !k.full() {
		if w.feed == nil {
			found, err := w.advance(tx)
			if err != nil || !found {
				return false, err
			}
			if w.feed, err = w.begin(tx, k); err != nil {
				return false, err
			}
		}
		done, err := w.feed.fill(tx, k)
		if err != nil {
			return false, err
		}
		if done {
			w.feed = nil
		}
	}
	return true, nil
}

// advance moves to the next author whose entries the query may take, and reports whether there is one.
func (w *authorWalk) advance(tx *readTx) (found bool, err error) {
	var from *crdt.Author
	inclusive := !w.begun
	switch {
	case w.begun:
		from = &w.author
	case w.after != nil:
		from = &w.after.author
	case w.filter.from != nil && !w.reverse:
		from = &w.filter.from.Author
	}
	a, found, err := tx.nextAuthor(from, inclusive, w.reverse, w.filter.authors)
	if err != nil || !found || w.reverse && w.filter.from != nil && a.Compare(w.filter.from.Author) < 0 {
		return false, err
	}
	w.author, w.begun = a, true
	return true, nil
}

// begin starts the walk of the feed of w.author.
func (w *authorWalk) begin(tx *readTx, k *chunk) (feedWalk, error) {
	k.bytes += opOverhead // finding a feed takes time too
	f, err := tx.Feed(w.author)
	if err != nil {
		return nil, err
	}
	view, err := newFeedView(tx, f, k.bound)
	if err != nil {
		return nil, err
	}
	after := w.after
	w.after = nil
	if after != nil && after.author != w.author {
		after = nil
	}
	if w.reverse {
		d := &descent{feedView: view, merger: newMerger(true), low: view.lowest(k)}
		if from := w.filter.from; from != nil && from.Author == w.author {
			d.low = max(d.low, from.Seq)
		}
		if after == nil || after.seq > d.low {
			if err := tx.pruneOvertakes(k, f, d.low); err != nil {
				return nil, err
			}
		}
		return d, d.begin(tx, after)
	}
	a := &ascent{feedView: view, merger: newMerger(false), end: f.Next()}
	switch from := w.filter.from; {
	case after != nil:
		a.begin = after.seq
	case from != nil && from.Author == w.author:
		a.begin = from.Seq
	}
	a.begin = max(a.begin, view.lowest(k))
	a.reached = max(a.begin, f.First())
	return a, tx.pruneOvertakes(k, f, a.begin)
}

// ascent walks a feed from low seqs to high ones. Its ops lie in the file by first seq: what was
// opened can be merged up to where the next op begins, so at most one op of each branch is open.
type ascent struct {
	feedView
	merger
	begin   uint64   // the lowest seq that is looked for
	end     uint64   // the feed's height when the walk began
	next    crdt.Key // where the walk goes on
	begun   bool
	reached uint64 // where the next op must begin, unless the feed is forked
}

func (a *ascent) fill(tx *readTx, k *chunk) (done bool, err error) {
	c := tx.opCursor(a.feed.Author)
	if !a.begun {
		a.next, a.begun = c.firstCovering(a.feed, a.begin), true
	}
	for key := range c.from(a.next) {
		if key.First >= a.end {
			break
		}
		k.excerpts = a.mergeBelow(key.First, k.excerpts)
		if k.full() {
			a.next = key
			return false, nil
		}
		if c.offset() >= k.bound && a.ordered && !a.forked() {
			a.end = 0
			break
		}
		if err := a.take(tx, k, c); err != nil {
			return false, err
		}
	}
	if c.err == nil && !a.forked() && a.reached < a.end {
		if err := a.missing(tx, k); err != nil {
			return false, err
		}
	}
	k.excerpts = a.mergeAll(k.excerpts)
	return true, c.err
}

// missing returns what it means that no op begins where the next must: damage, unless all that stood
// there was pruned.
func (a *ascent) missing(tx *readTx, k *chunk) error {
	if pruned, err := a.pruned(tx, k, a.reached); err != nil || pruned {
		return err
	}
	return damagedOp(a.feed.Author, crdt.Key{First: a.reached}, errMissing)
}

// take opens the op that the cursor is at.
func (a *ascent) take(tx *readTx, k *chunk, c *opCursor) error {
	op, signed, err := a.read(k, c)
	if err != nil {
		return err
	}
	if signed.First > a.reached && !a.forked() {
		if err := a.missing(tx, k); err != nil {
			return err
		}
	}
	if a.reached = signed.Next(); op != nil {
		a.add(op)
	}
	return nil
}

// descent walks a feed from its heads down, along what each op names. awaited are the ends of the
// chains that were not read yet; what was opened can be merged down to the highest of them, so at
// most one op of each branch is open. Where branches part, both await one op.
//
//	branch 0:  a ─ b ─ c ─ d      open d, y; awaited c, x
//	branch 1:      └ x ─ y        later open c; awaited b (from x), b (from c)
type descent struct {
	feedView
	merger
	awaited heap.Heap[crdt.Head]
	low     uint64 // ops that begin at or below it are followed no further
}

// begin finds the chains that reach the seq where the page before ended, or else all heads.
func (d *descent) begin(tx *readTx, after *pageEnd) error {
	d.awaited.Less = func(a, b crdt.Head) bool { return a.Compare(b) > 0 }
	for _, b := range d.feed.Branches {
		if after == nil || b.Head.Next <= after.seq {
			d.awaited.Push(b.Head)
		}
	}
	if after == nil {
		return nil
	}
	return tx.opCursor(d.feed.Author).covering(d.feed, after.seq, func(s crdt.Signed) { d.awaited.Push(s.Head()) })
}

func (d *descent) fill(tx *readTx, k *chunk) (done bool, err error) {
	c := tx.opCursor(d.feed.Author)
	for d.awaited.Len() > 0 {
		k.excerpts = d.mergeAbove(d.awaited.Top().Next, k.excerpts)
		if k.full() {
			return false, nil
		}
		head := d.awaited.Pop()
		for d.awaited.Len() > 0 && d.awaited.Top() == head {
			d.awaited.Pop()
		}
		if err := d.take(tx, k, c, head); err != nil {
			return false, err
		}
	}
	k.excerpts = d.mergeAll(k.excerpts)
	return true, nil
}

// take opens the op that ends with head and awaits the one that it names.
func (d *descent) take(tx *readTx, k *chunk, c *opCursor, head crdt.Head) error {
	if !c.find(head) {
		if pruned, err := d.pruned(tx, k, d.low); err != nil || pruned {
			return err
		}
		return d.notFound(c, head) // else the branch begins above it
	}
	op, signed, err := d.read(k, c)
	if err != nil {
		return err
	}
	if op != nil {
		d.add(op)
	}
	if signed.First > d.low {
		d.awaited.Push(crdt.Head{Next: signed.First, ID: signed.Prev})
	}
	return nil
}
