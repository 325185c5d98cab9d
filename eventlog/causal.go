package eventlog

import (
	"cmp"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/choice"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
	"github.com/quipulog/quipu/eventlog/internal/feedcheck"
	"github.com/quipulog/quipu/eventlog/internal/heap"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// causalWalk reads in causal order: a heap of tips, which are the ops that the branches go on with. The least is opened and
// replaced by what comes after it. Along a chain clocks only grow, so nothing can come before the least tip. Two ops of one clock and
// author lie on two branches: their entries are merged by (seq, op id) as everywhere.
//
//	clock      1   2   3   4   5   6
//	ann        a ───── b ───────── c       tips: a x, then b x, then b y, then c y
//	bob            x ───── y ┬ z           y is opened: both that name it become tips
//	                         └──── w
type causalWalk struct {
	filter  *choice.Filter
	reverse bool
	after   *pageEnd // where the page before ended
	tips    heap.Heap[excerpt.Stand]
	author  crdt.Author // where to look for the next one whose tips are to be found
	ready   bool        // all tips were found
	merger  excerpt.Merger
	feeds   openFeeds
	forked  map[crdt.Author]*feedcheck.Reading // of the feeds that are read from their roots on
}

// tipsPerFill bounds the feeds whose tips one transaction looks for.
const tipsPerFill = 512

func newCausalWalk(f *choice.Filter, reverse bool, after *pageEnd) *causalWalk {
	w := &causalWalk{filter: f, reverse: reverse, after: after, merger: excerpt.NewMerger(reverse), feeds: make(openFeeds), forked: make(map[crdt.Author]*feedcheck.Reading)}
	w.tips.Less = func(a, b excerpt.Stand) bool { return a.Compare(&b) < 0 }
	if reverse {
		w.tips.Less = func(a, b excerpt.Stand) bool { return a.Compare(&b) > 0 }
	}
	return w
}

func (w *causalWalk) fill(tx *readTx, k *chunk) (more bool, err error) {
	clear(w.feeds)
	if !w.ready {
		return true, w.findTips(tx, k)
	}
	for w.tips.Len() > 0 && !k.full() {
		if err := w.takeLeast(tx, k); err != nil {
			return false, err
		}
	}
	if w.tips.Len() > 0 {
		return true, nil
	}
	return false, w.end(tx, k)
}

// end looks for a branch to whose head a walk has not come, since an op on the way is missing.
func (w *causalWalk) end(tx *readTx, k *chunk) error {
	for a, r := range w.forked {
		f, err := w.feeds.open(tx, k, a)
		if err != nil {
			return err
		}
		head, lacks := r.End(f.feed, func(b crdt.Branch) bool {
			return w.passed(b.Clock) || f.ordered && f.c.find(b.Head) && f.c.offset() >= k.bound
		})
		for lacks && f.c.find(head) { // the walk has not come so far
			s, err := f.c.signed()
			if err != nil {
				return err
			}
			head = crdt.Head{Next: s.First, ID: s.Prev}
		}
		if lacks || f.c.err != nil {
			return cmp.Or(f.c.err, damagedOp(a, crdt.Key{First: head.Next - min(1, head.Next)}, errMissing))
		}
	}
	return nil
}

// takeLeast reads the op of the least tip, and those of the same author and clock.
func (w *causalWalk) takeLeast(tx *readTx, k *chunk) error {
	least := w.tips.Top()
	f, err := w.feeds.open(tx, k, least.Author)
	if err != nil {
		return err
	}
	var last excerpt.Stand
	for w.tips.Len() > 0 && w.tips.Top().Clock == least.Clock && w.tips.Top().Author == least.Author {
		t := w.tips.Pop()
		if t == last {
			continue // two branches part from it
		}
		last = t
		if err := w.take(tx, k, f, t); err != nil {
			return err
		}
	}
	k.excerpts = w.merger.MergeAll(k.excerpts)
	return nil
}

// take opens the op of a tip and puts what comes after it among the tips.
func (w *causalWalk) take(tx *readTx, k *chunk, f *openFeed, t excerpt.Stand) error {
	if !f.c.get(t.Key) {
		return w.goneTip(tx, k, f, t)
	}
	var op *excerpt.Op
	var signed *crdt.Signed
	var err error
	if w.passed(t.Clock) {
		k.bytes += opOverhead
		var s crdt.Signed
		s, err = f.c.signed()
		signed = &s
	} else {
		op, signed, err = f.read(k, f.c)
	}
	if err != nil {
		return err
	}
	if op != nil {
		w.merger.Add(op)
	}
	if w.reverse {
		return w.pushParent(tx, k, f, signed)
	}
	if r := w.forked[t.Author]; r != nil {
		r.Met(signed)
	}
	if came, err := f.c.came(k.bound); err != nil || !came && f.ordered {
		return err
	}
	tips := w.tips.Len()
	if err := f.c.children(signed, !f.forked(), w.push); err != nil {
		return err
	}
	ends := func(b crdt.Branch) bool { return b.Head == signed.Head() }
	if w.tips.Len() == tips && signed.Next() < f.shown(k) && !slices.ContainsFunc(f.feed.Branches, ends) {
		return damagedOp(t.Author, crdt.Key{First: signed.Next()}, errMissing)
	}
	return nil
}

// passed reports whether all ops with the clock are on pages before this one.
func (w *causalWalk) passed(clock crdt.Clock) bool {
	if w.after == nil {
		return false
	}
	if w.reverse {
		return clock > w.after.Clock
	}
	return clock < w.after.Clock
}

func (w *causalWalk) push(s crdt.Signed) {
	w.tips.Push(excerpt.Stand{Clock: s.Clock, Author: s.Author, Key: s.Key()})
}

// goneTip deals with a tip whose op is not there: the feed was pruned since the walk has found it, or it
// is damaged. Where the reading goes on, it does so with what the feed begins with now.
func (w *causalWalk) goneTip(tx *readTx, k *chunk, f *openFeed, t excerpt.Stand) error {
	if lost, err := f.lost(tx, k, t.Key.First); err != nil || !lost {
		return cmp.Or(err, damagedOp(t.Author, t.Key, errMissing))
	}
	if w.reverse {
		return nil
	}
	return w.findRoots(k, f)
}

// findRoots makes tips of what the branches of a feed begin with, where that is no child of an op that is held.
func (w *causalWalk) findRoots(k *chunk, f *openFeed) error {
	for _, b := range f.feed.Branches {
		if b.Rooted && b.Start.First > 0 {
			continue
		}
		if !f.c.get(b.Start) {
			if f.c.err == nil && b.Start.First >= f.shown(k) {
				continue // what is hidden may be missing
			}
			return cmp.Or(f.c.err, damagedOp(f.feed.Author, b.Start, errMissing))
		}
		s, err := f.c.signed()
		if err != nil {
			return err
		}
		w.push(s)
	}
	return nil
}

func (w *causalWalk) pushParent(tx *readTx, k *chunk, f *openFeed, s *crdt.Signed) error {
	head := crdt.Head{Next: s.First, ID: s.Prev}
	if s.First == 0 {
		return nil
	}
	if !f.c.find(head) {
		return f.notFound(tx, k, head, 0)
	}
	parent, err := f.c.signed()
	if err == nil {
		w.push(parent)
	}
	return err
}

// findTips finds the tips of the next feeds.
func (w *causalWalk) findTips(tx *readTx, k *chunk) error {
	for n := 0; n < tipsPerFill && !w.ready; n++ {
		a, found, err := tx.nextAuthor(w.author, false, w.filter.Authors)
		if err != nil || !found {
			w.ready = true
			return err
		}
		f, err := w.feeds.open(tx, k, a)
		if err != nil {
			return err
		}
		if err := w.findTipsOf(tx, k, f); err != nil {
			return err
		}
		w.author = a
		w.ready = !record.Count(w.author[:], false)
	}
	return nil
}

// findTipsOf finds where the walk of one feed begins: at its roots, or with reverse at its heads, or
// where the page before ended, as far as the feed is one chain there.
func (w *causalWalk) findTipsOf(tx *readTx, k *chunk, f *openFeed) error {
	if !w.reverse && f.forked() {
		w.forked[f.feed.Author] = feedcheck.NewReading(f.feed, 0, f.shown(k))
	}
	if w.after != nil {
		done, err := w.findTipAfter(tx, k, f)
		if done || err != nil {
			return err
		}
	} else if !w.reverse {
		if _, err := f.lost(tx, k, 0); err != nil {
			return err
		}
	}
	if !w.reverse {
		return w.findRoots(k, f)
	}
	for _, b := range f.feed.Branches {
		if !f.c.find(b.Head) {
			return cmp.Or(f.c.err, damagedOp(f.feed.Author, crdt.Key{First: b.Head.Next - 1}, errMissing))
		}
		w.tips.Push(excerpt.Stand{Clock: b.Clock, Author: f.feed.Author, Key: f.c.key})
	}
	return nil
}

// findTipAfter finds the last op whose clock does not pass that of the page before, where the feed is one
// chain: all that comes before it has been read. It reports whether that is where to begin.
func (w *causalWalk) findTipAfter(tx *readTx, k *chunk, f *openFeed) (done bool, err error) {
	if !w.reverse && !slices.ContainsFunc(f.feed.Branches, func(b crdt.Branch) bool { return b.Clock >= w.after.Clock }) {
		return true, nil // all of it has been read
	}
	fork, forked := f.feed.Disputed()
	from, end := f.feed.First(), f.feed.Next()
	if forked {
		end = fork
	}
	if from >= end {
		return false, nil // several roots: nothing is one chain
	}
	var found crdt.Signed
	for from < end {
		mid := from + (end-from)/2
		if !f.c.before(mid + 1) {
			return false, f.c.err
		}
		s, err := f.c.signed()
		if err != nil {
			return false, err
		}
		if s.Clock <= w.after.Clock {
			found, from = s, max(s.Next(), mid+1)
		} else {
			end = s.First
		}
	}
	if found.ID.IsZero() {
		// The page ended before the feed: all of it is to be read, or with reverse nothing. Where it was
		// pruned, something may have stood between.
		_, err := f.lost(tx, k, 0)
		return w.reverse, err
	}
	if w.reverse && forked && found.Next() >= fork {
		return false, nil // the branches may go on below that too
	}
	w.push(found)
	return true, nil
}
