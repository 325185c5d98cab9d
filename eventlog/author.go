package eventlog

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/choice"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
	"github.com/quipulog/quipu/eventlog/internal/feedcheck"
	"github.com/quipulog/quipu/eventlog/internal/heap"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// authorWalk reads in author order: one feed after the other, each from its beginning, or with
// reverse from its heads. Between two chunks it holds one author and what is open of that feed.
type authorWalk struct {
	filter  *choice.Filter
	reverse bool
	after   *pageEnd    // where the page before ended, until the walk has come to that feed
	author  crdt.Author // whose feed is walked, or where to look for the next
	ended   bool        // there is no next
	feed    feedWalk    // of author; nil before one has begun
}

// feedWalk reads one feed.
type feedWalk interface {
	// fill takes the next ops of f, the feed as it is now, into the chunk until it is full, and reports whether
	// it is at its end.
	fill(tx *readTx, k *chunk, f *openFeed) (done bool, err error)
}

func newAuthorWalk(f *choice.Filter, reverse bool, after *pageEnd) *authorWalk {
	w := &authorWalk{filter: f, reverse: reverse, after: after}
	switch {
	case after != nil:
		w.author = after.Author
	case reverse:
		record.Count(w.author[:], true) // the last of all
	case f.From != nil:
		w.author = f.From.Author
	}
	return w
}

func (w *authorWalk) fill(tx *readTx, k *chunk) (more bool, err error) {
	for !k.full() {
		if w.feed == nil {
			found, err := w.advance(tx)
			if err != nil || !found {
				return false, err
			}
		}
		f, err := tx.openFeed(k, w.author)
		if err != nil {
			return false, err
		}
		if w.feed == nil {
			if w.feed, err = w.begin(tx, k, f); err != nil {
				return false, err
			}
		}
		done, err := w.feed.fill(tx, k, f)
		if err != nil {
			return false, err
		}
		if done {
			w.feed, w.ended = nil, !record.Count(w.author[:], w.reverse)
		}
	}
	return true, nil
}

// advance moves to the next author whose entries the query may take, and reports whether there is one.
func (w *authorWalk) advance(tx *readTx) (found bool, err error) {
	if w.ended {
		return false, nil
	}
	a, found, err := tx.nextAuthor(w.author, w.reverse, w.filter.Authors)
	if err != nil || !found || w.reverse && w.filter.From != nil && a.Compare(w.filter.From.Author) < 0 {
		return false, err
	}
	w.author = a
	return true, nil
}

// begin starts the walk of f, the feed of w.author.
func (w *authorWalk) begin(tx *readTx, k *chunk, f *openFeed) (feedWalk, error) {
	after, low := w.after, f.lowest(k)
	w.after = nil
	if after != nil && after.Author != w.author {
		after = nil
	}
	if from := w.filter.From; from != nil && from.Author == w.author {
		low = max(low, from.Seq)
	}
	if w.reverse {
		d := &descent{Merger: excerpt.NewMerger(true), low: low}
		return d, d.begin(tx, k, f, after)
	}
	if after != nil {
		low = max(low, after.Seq)
	}
	next := f.c.firstCovering(f.feed, low)
	return &ascent{Merger: excerpt.NewMerger(false), end: f.feed.Next(), next: next, read: feedcheck.NewReading(f.feed, low, f.shown(k))}, f.c.err
}

// ascent walks a feed from low seqs to high ones. Its ops lie in the file by first seq: what was
// opened can be merged up to where the next op begins, so at most one op of each branch is open.
type ascent struct {
	excerpt.Merger
	end  uint64   // the feed's height when the walk began
	next crdt.Key // where the walk goes on
	read *feedcheck.Reading
}

func (a *ascent) fill(tx *readTx, k *chunk, f *openFeed) (done bool, err error) {
	if _, err := f.lost(tx, k, a.read.Reached); err != nil {
		return false, err
	}
	a.read.Reached = max(a.read.Reached, f.feed.First())
	for key := range f.c.from(a.next) {
		if key.First >= a.end {
			break
		}
		k.excerpts = a.MergeBelow(key.First, k.excerpts)
		if k.full() {
			a.next = key
			return false, nil
		}
		op, signed, err := f.read(k, f.c)
		if err != nil {
			return false, err
		}
		if f.c.offset() >= k.bound && f.ordered && !f.forked() {
			a.end = 0
			break
		}
		if seq, lacks := a.read.Next(f.feed, signed); lacks && f.c.offset() < k.bound { // else both came later
			return false, damagedOp(f.c.author, crdt.Key{First: seq}, errMissing)
		}
		if op != nil {
			a.Add(op)
		}
	}
	k.excerpts = a.MergeAll(k.excerpts)
	head, lacks := a.read.End(f.feed, func(crdt.Branch) bool { return false })
	if !f.forked() && a.read.Reached < a.end {
		head, lacks = crdt.Head{Next: a.read.Reached + 1}, true
	}
	if f.c.err == nil && lacks {
		return false, damagedOp(f.c.author, crdt.Key{First: head.Next - 1}, errMissing)
	}
	return true, f.c.err
}

// descent walks a feed from its heads down, along what each op names. awaited are the ends of the
// chains that were not read yet; what was opened can be merged down to the highest of them, so at
// most one op of each branch is open. Where branches part, both await one op.
//
//	branch 0:  a ─ b ─ c ─ d      open d, y; awaited c, x
//	branch 1:      └ x ─ y        later open c; awaited b (from x), b (from c)
type descent struct {
	excerpt.Merger
	awaited heap.Heap[crdt.Head]
	low     uint64 // ops that begin at or below it are followed no further
}

// begin finds the chains that reach the seq where the page before ended, or else all heads.
func (d *descent) begin(tx *readTx, k *chunk, f *openFeed, after *pageEnd) error {
	d.awaited.Less = func(a, b crdt.Head) bool { return a.Compare(b) > 0 }
	for _, b := range f.feed.Branches {
		if after == nil || b.Head.Next <= after.Seq {
			d.awaited.Push(b.Head)
		}
	}
	if after == nil {
		return nil
	}
	if after.Seq > d.low && after.Seq < f.feed.First() {
		_, err := f.lost(tx, k, d.low) // with the op that the page before ended in
		return err
	}
	return f.c.covering(f.feed, after.Seq, func(s crdt.Signed) { d.awaited.Push(s.Head()) })
}

func (d *descent) fill(tx *readTx, k *chunk, f *openFeed) (done bool, err error) {
	for d.awaited.Len() > 0 {
		k.excerpts = d.MergeAbove(d.awaited.Top().Next, k.excerpts)
		if k.full() {
			return false, nil
		}
		head := d.awaited.Pop()
		for d.awaited.Len() > 0 && d.awaited.Top() == head {
			d.awaited.Pop()
		}
		if err := d.take(tx, k, f, head); err != nil {
			return false, err
		}
	}
	k.excerpts = d.MergeAll(k.excerpts)
	return true, nil
}

// take opens the op that ends with head and awaits the one that it names.
func (d *descent) take(tx *readTx, k *chunk, f *openFeed, head crdt.Head) error {
	if !f.c.find(head) {
		return f.notFound(tx, k, head, d.low)
	}
	op, signed, err := f.read(k, f.c)
	if err != nil {
		return err
	}
	if op != nil {
		d.Add(op)
	}
	if signed.First > d.low {
		d.awaited.Push(crdt.Head{Next: signed.First, ID: signed.Prev})
	}
	return nil
}
