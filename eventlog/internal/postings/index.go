package postings

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/quipulog/quipu/eventlog/internal/disk"
)

// ErrDamaged is wrapped by every error that says that the index cannot be used: it is to be made anew.
var ErrDamaged = errors.New("index is damaged")

// blocksPerTx bounds the blocks that one transaction writes or removes: about 1 MiB.
const blocksPerTx = 256

// Index is an index for whoever keeps it, one goroutine at a time. Its methods return the errors of the
// transactions, and those that wrap [ErrDamaged] where the index cannot be read.
type Index struct {
	// Incarnation names the arrivals whose offsets are indexed: an index of another incarnation means nothing.
	Incarnation [16]byte
	// View runs a function in a transaction that sees the tree of the index.
	View func(fn func(t *disk.Tree) error) error
	// Write runs a function in a transaction of its own that changes the tree.
	Write func(ctx context.Context, fn func(t *disk.Tree) error) error
	// Held returns up to which offset there is something to be indexed, and the last sweep; Texts are what stands there.
	Held  func() (bound, sweep uint64, err error)
	Texts Texts
	// Anew is told why an index that cannot be used is dropped.
	Anew func(why error)
	// tidy says that no block is left that no layer names. The process before this one may have been killed.
	tidy bool
}

// Layers returns the layers of the index.
func (x *Index) Layers() (layers Layers, err error) {
	err = x.View(func(t *disk.Tree) error {
		layers, err = Read(t, x.Incarnation)
		return err
	})
	return layers, err
}

// Extend adds a layer behind the others, for all offsets below to, of which the batch has everything. sweep
// is the last sweep when the batch was made: see [Layers.Since].
func (x *Index) Extend(ctx context.Context, layers Layers, to, sweep uint64, b *Batch) error {
	layer := Layer{From: layers.Reached(), To: to, sweep: sweep}
	// A level is never above the one before it, so that layers of one level lie side by side.
	if to-layer.From >= MaxBatch && (len(layers) == 0 || layers[len(layers)-1].level > 0) {
		layer.level = 1
	}
	w := newBlockWriter(layer)
	for _, p := range b.take() {
		w.add(p)
	}
	return x.end(ctx, layers, w)
}

// end writes the last blocks of a layer, and puts it behind those before it.
func (x *Index) end(ctx context.Context, before Layers, w *blockWriter) error {
	w.end(endOfLayer)
	return x.Write(ctx, func(t *disk.Tree) error {
		if err := w.put(t); err != nil {
			return err
		}
		return t.Put(layersKey, append(slices.Clip(before), w.layer).encode(x.Incarnation))
	})
}

// Drop makes the index an empty one. The blocks are removed by the next Tidy.
func (x *Index) Drop(ctx context.Context) error {
	x.tidy = false
	return x.Write(ctx, func(t *disk.Tree) error { return t.Put(layersKey, Layers(nil).encode(x.Incarnation)) })
}

// Tidy removes blocks that no layer names, and merges the last layers if that is due. It reports whether it
// has merged: then the layers have changed.
func (x *Index) Tidy(ctx context.Context, layers Layers) (merged bool, err error) {
	if !x.tidy {
		if err := x.removeStray(ctx, layers); err != nil {
			return false, err
		}
		x.tidy = true
	}
	last := layers.due()
	if last == nil {
		return false, nil
	}
	x.tidy = false // for the blocks of the old layers, or of a merge that fails
	return true, x.merge(ctx, layers[:len(layers)-len(last)], last)
}

// removeStray removes the blocks that no layer names: those of layers that were merged, of an index that was
// dropped, and of what a crash has interrupted. A transaction removes at most blocksPerTx.
func (x *Index) removeStray(ctx context.Context, layers Layers) error {
	for {
		var stray [][]byte
		err := x.View(func(t *disk.Tree) error {
			stray = strayBlocks(t, layers)
			return nil
		})
		if err != nil || len(stray) == 0 {
			return err
		}
		if err := x.Write(ctx, func(t *disk.Tree) error { return removeAll(t, stray) }); err != nil {
			return err
		}
	}
}

func removeAll(t *disk.Tree, keys [][]byte) error {
	for _, key := range keys {
		if err := t.Remove(key); err != nil {
			return err
		}
	}
	return nil
}

// strayBlocks returns copies of the first keys of blocks that belong to none of the layers. It steps over
// the blocks of each layer at once.
func strayBlocks(t *disk.Tree, layers Layers) (keys [][]byte) {
	c := t.Cursor()
	for k, _ := c.First(); k != nil && len(keys) < blocksPerTx; {
		switch known := slices.IndexFunc(layers, func(r Layer) bool { return r.owns(k) }); {
		case known >= 0:
			k, _ = c.Seek(layers[known].blockKey(endOfLayer))
			continue
		case !bytes.Equal(k, layersKey):
			keys = append(keys, bytes.Clone(k))
		}
		k, _ = c.Next()
	}
	return keys
}
