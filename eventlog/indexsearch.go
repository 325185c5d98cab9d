package eventlog

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
)

// stretch is a stretch of offsets: from ≤ offset < to.
type stretch struct{ from, to uint64 }

// search finds postings, inside one read transaction.
type search struct {
	tx     *readTx
	layers []indexLayer
	// in bounds the entries that are looked for.
	in stretch
	// most is how many postings are found at most.
	most int
}

// ops returns the offsets of the ops that have one of the terms and may hold an entry of the stretch, in
// order and each once. They are not few when there are more than most; then none is returned.
func (s *search) ops(terms []term) (offsets []uint64, few bool, err error) {
	c := s.tx.Tree(bucketIndex).Cursor()
	for _, layer := range s.layers {
		if layer.to <= s.in.from || layer.from >= s.in.to {
			continue
		}
		for _, t := range terms {
			if offsets, err = s.layer(c, layer, t, offsets); err != nil {
				return nil, false, err
			}
			if len(offsets) > s.most {
				return nil, false, nil
			}
		}
	}
	if len(terms) > 1 {
		slices.Sort(offsets)
		offsets = slices.Compact(offsets)
	}
	return offsets, true, nil
}

// layer appends what one layer has of a term. It ends once there are more than most.
func (s *search) layer(c *disk.Cursor, layer indexLayer, t term, offsets []uint64) ([]uint64, error) {
	// An op that holds an entry of the stretch may begin before it.
	from := posting{term: t, offset: s.in.from - min(s.in.from, crdt.MaxOpEntries-1)}
	b, err := findBlock(c, layer, from)
	for err == nil && len(offsets) <= s.most {
		p, more, wrong := b.read()
		switch {
		case wrong != nil:
			return offsets, wrong
		case !more && b.next.term != t:
			return offsets, nil
		case !more:
			b, err = nextBlock(c, b)
		case p.term > t || p.term == t && p.offset >= s.in.to:
			return offsets, nil
		case p.term == t && p.offset >= from.offset:
			offsets = append(offsets, p.offset)
		}
	}
	return offsets, err
}

// findBlock moves to the block of a layer in which p stands, if it stands in the layer at all.
func findBlock(c *disk.Cursor, layer indexLayer, p posting) (block, error) {
	key := layer.blockKey(p)
	k, v := c.Seek(key)
	if !bytes.Equal(k, key) {
		if k == nil {
			k, v = c.Last()
		} else {
			k, v = c.Prev()
		}
	}
	if len(k) != indexKeySize || !bytes.Equal(k[:9], key[:9]) {
		return block{}, fmt.Errorf("%w: the first block of offsets %d to %d is missing", errIndex, layer.from, layer.to)
	}
	b, err := openBlock(layer, k, v)
	if err == nil && b.next.compare(p) <= 0 {
		err = fmt.Errorf("%w: a block of offsets %d to %d is missing", errIndex, layer.from, layer.to)
	}
	return b, err
}

// nextBlock moves from b, which the cursor is at, to the block after it.
func nextBlock(c *disk.Cursor, b block) (block, error) {
	k, v := c.Next()
	if !bytes.Equal(k, b.layer.blockKey(b.next)) {
		return block{}, fmt.Errorf("%w: a block of offsets %d to %d is missing", errIndex, b.layer.from, b.layer.to)
	}
	return openBlock(b.layer, k, v)
}
