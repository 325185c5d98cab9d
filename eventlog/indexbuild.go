package eventlog

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// extend adds a layer for what the layers do not hold, for indexBatch entries at most, if that is
// least entries or more. It reports whether it has. The caller indexes.
func (x *indexer) extend(ctx context.Context, layers []indexLayer, least uint64) (extended bool, err error) {
	now, err := x.store.snapshot()
	bound, from := now.bound, reached(layers)
	if err == nil && from > bound {
		err = fmt.Errorf("%w: it ends at offset %d, the log at %d", errIndex, from, bound)
	}
	if err != nil || bound-from < least {
		return false, err
	}
	postings, to, err := x.store.postingsOf(ctx, stretch{from, bound})
	if err != nil {
		return false, err
	}
	// Asked for only now: whatever was gone from an op that was read, this sweep or one before took it.
	if now, err = x.store.snapshot(); err != nil {
		return false, err
	}
	layer := indexLayer{from: from, to: to, sweep: now.sweep}
	// A level is never above the one before it, so that layers of one level lie side by side.
	if to-from >= indexBatch && (len(layers) == 0 || layers[len(layers)-1].level > 0) {
		layer.level = 1
	}
	w := newBlockWriter(layer)
	for _, p := range postings {
		w.add(p)
	}
	w.end(endOfLayer)
	return true, x.write(ctx, func(tx *writeTx) error {
		if err := tx.putBlocks(w.take()); err != nil {
			return err
		}
		return tx.putLayers(append(slices.Clip(layers), w.layer))
	})
}

// postingsOf returns the postings, in order, of the ops from in.from on, until indexBatch entries or all
// of in have been read, and the offset after the last of them. Ops without a body have none.
func (s *store) postingsOf(ctx context.Context, in stretch) (postings []posting, to uint64, err error) {
	c := termsOf{hash: newTermHash(s.incarnation)}
	to, err = s.eachExcerpt(ctx, in, indexBatch, c.take)
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(c.postings, posting.compare)
	return slices.Compact(c.postings), to, nil
}

// eachExcerpt calls fn with what arrived in a stretch that begins with an op, op by op, until most entries
// or all have been read, and returns the offset after the last of them. It holds no transaction while fn
// runs.
func (s *store) eachExcerpt(ctx context.Context, in stretch, most uint64, fn func(excerpt) error) (to uint64, err error) {
	w := newArrivalWalk(&filter{}, false, nil, in.to)
	w.from = in.from
	k := chunk{bound: in.to, room: bufferSize, gone: gonePolicy{sweep: math.MaxUint64}}
	for more := true; more && w.from-in.from < most; {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		k.reset()
		err := s.view(func(tx *readTx) (err error) {
			more, err = w.fill(tx, &k)
			return err
		})
		if err != nil {
			return 0, err
		}
		for _, x := range k.excerpts {
			if err := fn(x); err != nil {
				return 0, s.locate(err)
			}
		}
		if !more {
			return in.to, nil
		}
	}
	return w.from, nil
}

// write runs fn in a write transaction of its own, in the order of the queue.
func (x *indexer) write(ctx context.Context, fn func(tx *writeTx) error) error {
	return x.store.exclusively(ctx, updates, func() error { return x.store.write(fn) })
}

// putLayers sets which layers there are. What it does not name is no part of the index from then on,
// whatever blocks are left.
func (tx *writeTx) putLayers(layers []indexLayer) error {
	return tx.Tree(bucketIndex).Put(indexLayersKey, encodeLayers(tx.store.incarnation, layers))
}

// putBlocks writes blocks, whose keys come in order.
func (tx *writeTx) putBlocks(blocks []blockPair) error {
	t := tx.Tree(bucketIndex).Packed()
	for _, b := range blocks {
		if err := t.Put(b.key, b.value); err != nil {
			return err
		}
	}
	return nil
}
