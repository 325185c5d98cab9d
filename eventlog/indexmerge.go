package eventlog

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"github.com/quipulog/quipu/eventlog/internal/heap"
)

// merge merges the last layers into one of the next level. The new layer's blocks are written by
// transactions of 1 MiB, the last of which also puts it into the place of the others: a crash before
// that leaves blocks that no layer names, for removeStray.
func (x *indexer) merge(ctx context.Context, layers, last []indexLayer) error {
	merged := indexLayer{level: last[0].level + 1, from: last[0].from, to: reached(last)}
	for _, layer := range last {
		merged.sweep = max(merged.sweep, layer.sweep)
	}
	m, err := newLayerMerge(x.store, last)
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
		if len(w.blocks) < indexBlocksPerTx {
			continue
		}
		if err := x.write(ctx, func(tx *writeTx) error { return tx.putBlocks(w.take()) }); err != nil {
			return err
		}
	}
	w.end(endOfLayer)
	return x.write(ctx, func(tx *writeTx) error {
		if err := tx.putBlocks(w.take()); err != nil {
			return err
		}
		return tx.putLayers(append(slices.Clone(layers[:len(layers)-len(last)]), w.layer))
	})
}

// layerMerge reads several layers as one. It holds one block of each.
type layerMerge struct{ heads heap.Heap[layerHead] }

// layerHead is the least posting of a layer that was not read yet.
type layerHead struct {
	posting
	reader *layerReader
}

func newLayerMerge(s *store, layers []indexLayer) (*layerMerge, error) {
	m := &layerMerge{}
	m.heads.Less = func(a, b layerHead) bool { return a.posting.compare(b.posting) < 0 }
	for _, layer := range layers {
		if err := m.push(&layerReader{store: s, block: block{layer: layer}}); err != nil {
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
	store *store
	block block
}

// next returns the next posting, and false after the last one.
func (r *layerReader) next() (p posting, more bool, err error) {
	for {
		p, more, err = r.block.read()
		if more || err != nil || r.block.next == endOfLayer {
			return p, more, err
		}
		err = r.store.view(func(tx *readTx) (err error) {
			r.block, err = tx.blockAt(r.block.layer, r.block.next)
			r.block.rest = bytes.Clone(r.block.rest)
			return err
		})
		if err != nil {
			return posting{}, false, err
		}
	}
}

// removeStray removes the blocks that no layer names: those of layers that were merged, of an index that was
// dropped, and of what a crash has interrupted. A transaction removes at most indexBlocksPerTx.
func (x *indexer) removeStray(ctx context.Context, layers []indexLayer) error {
	for {
		var stray [][]byte
		err := x.store.view(func(tx *readTx) error {
			stray = strayBlocks(tx, layers)
			return nil
		})
		if err != nil || len(stray) == 0 {
			return err
		}
		err = x.write(ctx, func(tx *writeTx) error {
			t := tx.Tree(bucketIndex)
			for _, key := range stray {
				if err := t.Remove(key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// strayBlocks returns copies of the first keys of blocks that belong to none of the layers. It steps over
// the blocks of each layer at once.
func strayBlocks(tx *readTx, layers []indexLayer) (keys [][]byte) {
	c := tx.Tree(bucketIndex).Cursor()
	for k, _ := c.First(); k != nil && len(keys) < indexBlocksPerTx; {
		switch known := slices.IndexFunc(layers, func(r indexLayer) bool { return r.owns(k) }); {
		case known >= 0:
			after := layers[known].blockKey(endOfLayer)
			k, _ = c.Seek(after)
			continue
		case !bytes.Equal(k, indexLayersKey):
			keys = append(keys, bytes.Clone(k))
		}
		k, _ = c.Next()
	}
	return keys
}

// owns reports whether the block with the given key is one of the layer's.
func (r indexLayer) owns(key []byte) bool {
	return len(key) == indexKeySize && key[0] == r.level && binary.BigEndian.Uint64(key[1:]) == r.from
}
