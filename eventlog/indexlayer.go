package eventlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// indexLayer is a stretch of offsets, from ≤ offset < to, whose ops are indexed together. Layers lie one
// after the other from offset 0 on, those of high levels first.
//
//	offsets   0                                  4.2 M        4.5 M   4.52 M    4.6 M
//	          ├ level 3 ─────────────────────────┤ level 2 ───┤ 1 ┤ 1 ┤0┤0┤0┤0┤ not indexed: scanned
type indexLayer struct {
	level    uint8
	from, to uint64
	postings uint64 // that it has
	bytes    uint64 // of its blocks
	// sweep is the last one when the layer was made: of bodies that went with it or before, the layer may
	// know nothing.
	sweep uint64
}

// The value of "layers" is, integers big-endian:
//
//	crc32c (4)         of all that follows
//	form (1)           indexForm
//	incarnation (16)   that the offsets belong to
//	and for each layer:
//	    level (1)  from (8)  to (8)  postings (8)  bytes (8)  sweep (8)
const (
	indexForm      = 1
	layersHead     = 4 + 1 + 16
	indexLayerSize = 1 + 5*8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var indexLayersKey = []byte("layers")

func encodeLayers(incarnation [16]byte, layers []indexLayer) []byte {
	b := make([]byte, 4, layersHead+indexLayerSize*len(layers))
	b = append(append(b, indexForm), incarnation[:]...)
	for _, r := range layers {
		b = append(b, r.level)
		for _, n := range []uint64{r.from, r.to, r.postings, r.bytes, r.sweep} {
			b = binary.BigEndian.AppendUint64(b, n)
		}
	}
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b
}

// decodeLayers returns an error that wraps errIndex for layers that are damaged, of another form or of
// other arrivals.
func decodeLayers(incarnation [16]byte, b []byte) ([]indexLayer, error) {
	if b == nil {
		return nil, nil
	}
	if len(b) < layersHead || crc32.Checksum(b[4:], castagnoli) != binary.BigEndian.Uint32(b) {
		return nil, fmt.Errorf("%w: the checksum of its layers is another", errIndex)
	}
	if b[4] != indexForm || [16]byte(b[5:]) != incarnation {
		return nil, fmt.Errorf("%w: it is of form %d and of incarnation %x, not of form %d and of %x", errIndex, b[4], b[5:layersHead], indexForm, incarnation)
	}
	var layers []indexLayer
	end := uint64(0)
	for b = b[layersHead:]; len(b) >= indexLayerSize; b = b[indexLayerSize:] {
		number := func(i int) uint64 { return binary.BigEndian.Uint64(b[1+8*i:]) }
		r := indexLayer{level: b[0], from: number(0), to: number(1), postings: number(2), bytes: number(3), sweep: number(4)}
		if r.level >= indexLevels || r.from != end || r.to <= r.from {
			return nil, fmt.Errorf("%w: a layer of level %d has the offsets %d to %d after %d", errIndex, r.level, r.from, r.to, end)
		}
		layers, end = append(layers, r), r.to
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%w: there are %d bytes after its layers", errIndex, len(b))
	}
	return layers, nil
}

// reached returns the offset below which everything is indexed.
func reached(layers []indexLayer) uint64 {
	if len(layers) == 0 {
		return 0
	}
	return layers[len(layers)-1].to
}

// since returns the first layers, as far as they know all that was held when a reading began, after the
// given sweep.
func since(layers []indexLayer, sweep uint64) []indexLayer {
	n := slices.IndexFunc(layers, func(r indexLayer) bool { return r.sweep > sweep })
	if n < 0 {
		return layers
	}
	return layers[:n]
}

// due returns the layers that are to be merged: the last indexFan, when they are of one level, which is
// not the highest. It returns none when nothing is to be merged.
func due(layers []indexLayer) []indexLayer {
	if len(layers) < indexFan {
		return nil
	}
	last := layers[len(layers)-indexFan:]
	if last[0].level != last[indexFan-1].level || last[0].level == indexLevels-1 {
		return nil
	}
	return last
}

// indexLayers returns the layers of the index.
func (tx *readTx) indexLayers(incarnation [16]byte) ([]indexLayer, error) {
	return decodeLayers(incarnation, tx.Tree(bucketIndex).Get(indexLayersKey))
}

// blockAt returns the block of a layer that begins with first.
func (tx *readTx) blockAt(layer indexLayer, first posting) (block, error) {
	key := layer.blockKey(first)
	value := tx.Tree(bucketIndex).Get(key)
	if value == nil {
		return block{}, fmt.Errorf("%w: a block of offsets %d to %d is missing", errIndex, layer.from, layer.to)
	}
	return openBlock(layer, key, value)
}
