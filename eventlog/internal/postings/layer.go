package postings

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/quipulog/quipu/eventlog/internal/disk"
)

const (
	// fan is how many layers of a level are merged into one of the next.
	fan = 16
	// levels is how many levels there are. The layers of the last one, of four million offsets and more, are
	// not merged: ten million are in at most 50 layers, each of which costs a search about 10 µs.
	levels = 4
)

// Layer is a stretch of offsets, From ≤ offset < To, that are indexed together.
type Layer struct {
	From, To uint64
	Postings uint64 // that it has
	Bytes    uint64 // of its blocks
	level    uint8
	sweep    uint64 // see Layers.Since
}

// Layers lie one after the other from offset 0 on, those of high levels first.
type Layers []Layer

// The value of "layers" is, integers big-endian:
//
//	crc32c (4)         of all that follows
//	form (1)           layersForm
//	incarnation (16)   that the offsets belong to
//	and for each layer:
//	    level (1)  from (8)  to (8)  postings (8)  bytes (8)  sweep (8)
const (
	layersForm = 1
	layersHead = 4 + 1 + 16
	layerSize  = 1 + 5*8
)

var layersKey = []byte("layers")

// Read returns the layers of the index that is in a tree. The error wraps [ErrDamaged] where they cannot be read, or
// are of another form or of another incarnation.
func Read(t *disk.Tree, incarnation [16]byte) (Layers, error) {
	return decodeLayers(incarnation, t.Get(layersKey))
}

func (l Layers) encode(incarnation [16]byte) []byte {
	b := make([]byte, 4, layersHead+layerSize*len(l))
	b = append(append(b, layersForm), incarnation[:]...)
	for _, r := range l {
		b = append(b, r.level)
		for _, n := range []uint64{r.From, r.To, r.Postings, r.Bytes, r.sweep} {
			b = binary.BigEndian.AppendUint64(b, n)
		}
	}
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b
}

func decodeLayers(incarnation [16]byte, b []byte) (Layers, error) {
	if b == nil {
		return nil, nil
	}
	if len(b) < layersHead || crc32.Checksum(b[4:], castagnoli) != binary.BigEndian.Uint32(b) {
		return nil, fmt.Errorf("%w: the checksum of its layers is another", ErrDamaged)
	}
	if b[4] != layersForm || [16]byte(b[5:]) != incarnation {
		return nil, fmt.Errorf("%w: it is of form %d and of incarnation %x, not of form %d and of %x", ErrDamaged, b[4], b[5:layersHead], layersForm, incarnation)
	}
	var layers Layers
	end := uint64(0)
	for b = b[layersHead:]; len(b) >= layerSize; b = b[layerSize:] {
		number := func(i int) uint64 { return binary.BigEndian.Uint64(b[1+8*i:]) }
		r := Layer{level: b[0], From: number(0), To: number(1), Postings: number(2), Bytes: number(3), sweep: number(4)}
		if r.level >= levels || r.From != end || r.To <= r.From {
			return nil, fmt.Errorf("%w: a layer of level %d has the offsets %d to %d after %d", ErrDamaged, r.level, r.From, r.To, end)
		}
		layers, end = append(layers, r), r.To
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%w: there are %d bytes after its layers", ErrDamaged, len(b))
	}
	return layers, nil
}

// Reached returns the offset below which everything is indexed.
func (l Layers) Reached() uint64 {
	if len(l) == 0 {
		return 0
	}
	return l[len(l)-1].To
}

// Since returns the layers before the first that was made after a later sweep than the given one: only
// these still name what such a sweep took.
func (l Layers) Since(sweep uint64) Layers {
	n := slices.IndexFunc(l, func(r Layer) bool { return r.sweep > sweep })
	if n < 0 {
		return l
	}
	return l[:n]
}

// due returns the layers that are to be merged: the last fan, when they are of one level, which is not the highest.
// It returns none when nothing is to be merged.
func (l Layers) due() Layers {
	if len(l) < fan {
		return nil
	}
	last := l[len(l)-fan:]
	if last[0].level != last[fan-1].level || last[0].level == levels-1 {
		return nil
	}
	return last
}
