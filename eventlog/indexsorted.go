package eventlog

import (
	"errors"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/eventlog/internal/choice"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// sortedWalk reads in author or causal order what the index has found and what it has not reached: it first finds out
// where each of the ops stands, sorts them, and then opens one after the other. It holds at most maxFound of them.
//
//	offsets found      17  40  93          and all from 4096 on
//	stand at           bob/3…4  ann/7  bob/2 …
//	opened             ann/7  bob/2  bob/3…4 …
type sortedWalk struct {
	filter  *choice.Filter
	order   Order
	reverse bool
	after   *pageEnd
	plan    plan
	scan    *arrivalWalk // of what the index has not reached; nil once all is found
	ops     []excerpt.Stand
	sorted  bool
	merger  excerpt.Merger
	last    excerpt.Stand // the one that was opened last, for its group
}

// newSortedWalk makes a walk, in the query's order, of what scan would read all of.
func newSortedWalk(q *Query, scan *arrivalWalk, after *pageEnd, p plan) *sortedWalk {
	rest := arrivalWalk{from: p.reached, to: scan.to}
	return &sortedWalk{
		filter: scan.filter, order: q.Order, reverse: q.Reverse, after: after, plan: p, scan: &rest, merger: excerpt.NewMerger(q.Reverse),
	}
}

func (w *sortedWalk) fill(tx *readTx, k *chunk) (more bool, err error) {
	feeds := make(openFeeds)
	if !w.sorted {
		return true, w.find(tx, k, feeds)
	}
	for len(w.ops) > 0 {
		if k.full() {
			return true, nil
		}
		op := w.ops[0]
		w.mergeBefore(&op, k)
		w.ops = w.ops[1:]
		if err := w.open(tx, k, feeds, op); err != nil {
			return false, err
		}
	}
	k.excerpts = w.merger.MergeAll(k.excerpts)
	return false, nil
}

// find finds where the next ops stand, and sorts them once it knows all.
func (w *sortedWalk) find(tx *readTx, k *chunk, feeds openFeeds) error {
	c := tx.arrivalCursor()
	for ; len(w.plan.offsets) > 0 && !k.full(); w.plan.offsets = w.plan.offsets[1:] {
		k.bytes += opOverhead
		if offset := w.plan.offsets[0]; !c.get(offset) {
			if c.err != nil {
				return c.err
			}
			k.lost(excerpt.PrunedOffsets(offset, offset+1), tx.pruneSweep)
			continue
		}
		if err := w.note(tx, k, feeds, c.arrival); err != nil {
			return err
		}
	}
	for a := range w.scan.arrivals(c) {
		if k.full() || w.scan.from >= w.scan.to {
			break
		}
		k.bytes += opOverhead
		if err := w.scan.upTo(tx, k, a); err != nil {
			return err
		}
		if a.Offset < w.scan.to {
			if err := w.note(tx, k, feeds, a); err != nil {
				return err
			}
		}
		w.scan.from = a.Offset + a.Count
	}
	if c.err != nil || k.full() {
		return c.err
	}
	w.sorted = true
	slices.SortFunc(w.ops, func(a, b excerpt.Stand) int {
		if w.reverse {
			return b.CompareLast(&a)
		}
		return a.Compare(&b)
	})
	return nil
}

// note keeps an op unless its entries are not asked for or were on pages before this one.
func (w *sortedWalk) note(tx *readTx, k *chunk, feeds openFeeds, a record.Arrival) error {
	op := excerpt.Stand{Author: a.Author, Key: a.Key, Count: a.Count, Offset: a.Offset}
	if !w.filter.TakesAuthor(a.Author) {
		return nil
	}
	if from := w.filter.From; from != nil {
		if c := a.Author.Compare(from.Author); c < 0 || c == 0 && a.Key.First+a.Count <= from.Seq {
			return nil
		}
	}
	if w.order == Causal {
		f, err := w.seek(tx, k, feeds, &op)
		if err != nil || f == nil {
			return err
		}
		signed, err := f.c.signed()
		if err != nil {
			return err
		}
		op.Clock = signed.Clock
	}
	if !w.passed(&op) {
		w.ops = append(w.ops, op)
	}
	return nil
}

// passed reports whether all entries of the op were on pages before this one.
func (w *sortedWalk) passed(op *excerpt.Stand) bool {
	if w.after == nil {
		return false
	}
	at := excerpt.Stand{Author: w.after.Author}
	if w.order == Causal {
		at.Clock = w.after.Clock
	}
	c := op.Group(&at)
	if w.reverse {
		return c > 0 || c == 0 && op.Key.First > w.after.Seq
	}
	return c < 0 || c == 0 && op.Key.First+op.Count <= w.after.Seq
}

// seek moves the cursor of the op's feed to it. There is none when the op was pruned and the reading goes on.
func (w *sortedWalk) seek(tx *readTx, k *chunk, feeds openFeeds, op *excerpt.Stand) (*openFeed, error) {
	f, err := feeds.open(tx, k, op.Author)
	if err != nil {
		return nil, err
	}
	if !f.c.get(op.Key) {
		if lost, err := f.lost(tx, k, op.Key.First); lost || err != nil {
			return nil, err
		}
		return nil, damagedArrival(op.Offset, errors.New("the op that arrived is not held"))
	}
	if f.c.offset() != op.Offset {
		return nil, damagedArrival(op.Offset, fmt.Errorf("its op has the offset %d", f.c.offset()))
	}
	return f, nil
}

// mergeBefore merges what stands before op and all that come after it.
func (w *sortedWalk) mergeBefore(op *excerpt.Stand, k *chunk) {
	switch {
	case op.Group(&w.last) != 0:
		k.excerpts = w.merger.MergeAll(k.excerpts)
	case w.reverse:
		k.excerpts = w.merger.MergeAbove(op.Key.First+op.Count, k.excerpts)
	default:
		k.excerpts = w.merger.MergeBelow(op.Key.First, k.excerpts)
	}
}

// open opens an op.
func (w *sortedWalk) open(tx *readTx, k *chunk, feeds openFeeds, op excerpt.Stand) error {
	w.last = op
	f, err := w.seek(tx, k, feeds, &op)
	if err != nil || f == nil {
		return err
	}
	opened, _, err := f.read(k, f.c)
	if opened != nil {
		w.merger.Add(opened)
	}
	return err
}
