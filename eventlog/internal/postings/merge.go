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
	heads := heap.Heap[*layerReader]{Less: func(a, b *layerReader) bool { return a.block.last.compare(b.block.last) < 0 }}
	// push reads on in a layer, and puts it among those whose last posting waits to be written.
	push := func(r *layerReader) error {
		_, more, err := r.next()
		if more {
			heads.Push(r)
		}
		return err
	}
	for _, layer := range last {
		merged.sweep = max(merged.sweep, layer.sweep)
		if err := push(x.reader(layer)); err != nil {
			return err
		}
	}
	w := newBlockWriter(merged)
	for heads.Len() > 0 {
		r := heads.Pop()
		w.add(r.block.last)
		if err := push(r); err != nil {
			return err
		}
		if len(w.blocks) < blocksPerTx {
			continue
		}
		if err := x.Write(ctx, w.put); err != nil {
			return err
		}
	}
	return x.end(ctx, before, w)
}

// layerReader reads the postings of a layer in order. It holds a copy of one block, and no transaction.
type layerReader struct {
	index *Index
	block block
}

func (x *Index) reader(layer Layer) *layerReader { return &layerReader{x, block{layer: layer}} }

// next returns the next posting, and false after the last one.
func (r *layerReader) next() (p posting, more bool, err error) {
	for {
		p, more, err = r.block.read()
		if more || err != nil || r.block.next == endOfLayer {
			return p, more, err
		}
		err = r.index.View(func(t *disk.Tree) (err error) {
			r.block, err = blockAt(t, r.block.layer, r.block.next)
			r.block.rest = bytes.Clone(r.block.rest)
			return err
		})
		if err != nil {
			return posting{}, false, err
		}
	}
}
