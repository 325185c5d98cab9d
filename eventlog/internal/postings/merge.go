package postings

import (
	"bytes"
	"context"

	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/heap"
)

// merge merges the last layers, which come after those before them, into one of the next level. The new layer's
// blocks are written by transactions of 1 MiB, the last of which also puts it into the place of the others: a crash
// before that leaves blocks that no layer names, for removeStray.
func (x *Index) merge(ctx context.Context, before, last Layers) error {
	merged := Layer{level: last[0].level + 1, From: last[0].From, To: last.Reached()}
	for _, layer := range last {
		merged.sweep = max(merged.sweep, layer.sweep)
	}
	m, err := newLayerMerge(x, last)
	if err != nil {
		return err
	}
	w := newBlockWriter(merged)
	for m.heads.Len() > 0 {
		p, err := m.next()
		if err != nil {
			return err
		}
		w.add(p)
		if len(w.blocks) < blocksPerTx {
			continue
		}
		if err := x.write(ctx, func(t *disk.Tree) error { return putBlocks(t, w.take()) }); err != nil {
			return err
		}
	}
	return x.end(ctx, before, w)
}

// layerMerge reads several layers as one. It holds one block of each.
type layerMerge struct{ heads heap.Heap[layerHead] }

// layerHead is the least posting of a layer that was not read yet.
type layerHead struct {
	posting
	reader *layerReader
}

func newLayerMerge(x *Index, layers Layers) (*layerMerge, error) {
	m := &layerMerge{}
	m.heads.Less = func(a, b layerHead) bool { return a.posting.compare(b.posting) < 0 }
	for _, layer := range layers {
		if err := m.push(x.newReader(layer)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// next returns the least posting that is left; there is one.
func (m *layerMerge) next() (posting, error) {
	head := m.heads.Pop()
	return head.posting, m.push(head.reader)
}

// push puts the next posting of a layer among the heads, if it has one.
func (m *layerMerge) push(r *layerReader) error {
	p, more, err := r.next()
	if more {
		m.heads.Push(layerHead{p, r})
	}
	return err
}

// layerReader reads the postings of a layer in order. It holds a copy of one block, and no transaction.
type layerReader struct {
	index *Index
	block block
}

func (x *Index) newReader(layer Layer) *layerReader {
	return &layerReader{index: x, block: block{layer: layer}}
}

// next returns the next posting, and false after the last one.
func (r *layerReader) next() (p posting, more bool, err error) {
	for {
		p, more, err = r.block.read()
		if more || err != nil || r.block.next == endOfLayer {
			return p, more, err
		}
		if r.block, err = r.index.blockAt(r.block.layer, r.block.next); err != nil {
			return posting{}, false, err
		}
	}
}

// blockAt returns a copy of the block of a layer that begins with first.
func (x *Index) blockAt(layer Layer, first posting) (b block, err error) {
	key := layer.blockKey(first)
	err = x.view(func(t *disk.Tree) error {
		value := t.Get(key)
		if value == nil {
			return missing(layer)
		}
		b, err = openBlock(layer, key, bytes.Clone(value))
		return err
	})
	return b, err
}
