package postings

import (
	"fmt"
	"math/bits"
)

// Audit compares a layer with what its offsets have now. It takes a bit of memory for each offset.
type Audit struct {
	index  *Index
	layer  Layer
	batch  *Batch // of the offset that was added last
	offset uint64
	want   tally
	live   []uint64 // a bit for each offset that has something
}

// NewAudit returns an audit of a layer, to be told all that its offsets have.
func (x *Index) NewAudit(layer Layer) *Audit {
	return &Audit{index: x, layer: layer, batch: x.NewBatch(), live: make([]uint64, (layer.To-layer.From)/64+1)}
}

// Add says that a text of a class stands at an offset of the layer. All of one offset is added in a row.
func (a *Audit) Add(class byte, text string, offset uint64) {
	if offset != a.offset {
		a.want.addAll(a.batch.take())
		a.offset = offset
	}
	at := offset - a.layer.From
	a.live[at/64] |= 1 << (at % 64)
	a.batch.Add(class, text, offset)
}

// End reads the layer and returns how many postings it has, and how many of them lead to an offset where
// nothing stands any more. The error wraps [ErrDamaged] where the layer has other postings than it should.
func (a *Audit) End() (stored, stale uint64, err error) {
	a.want.addAll(a.batch.take())
	var got tally
	r := a.index.reader(a.layer)
	p, more, err := r.next()
	for ; more && err == nil; p, more, err = r.next() {
		stored++
		if at := p.offset - a.layer.From; a.live[at/64]&(1<<(at%64)) != 0 {
			got.add(p)
		} else {
			stale++
		}
	}
	if err == nil && (got != a.want || stored != a.layer.Postings) {
		err = fmt.Errorf("%w: it has %d postings of offsets %d to %d where its record says %d and the log has %d, or has others; "+
			"rebuild the index", ErrDamaged, got.count, a.layer.From, a.layer.To, a.layer.Postings, a.want.count)
	}
	return stored, stale, err
}

// tally is what many postings come to, in whatever order they are counted: their number and the sum of a
// number for each.
type tally struct{ count, sum uint64 }

func (t *tally) add(p posting) {
	x := uint64(p.term)*0x9e3779b97f4a7c15 ^ bits.RotateLeft64(p.offset*0xd6e8feb86659fd93, 32)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9 // the finalizer of SplitMix64
	x = (x ^ x>>27) * 0x94d049bb133111eb
	t.count++
	t.sum += x ^ x>>31
}

func (t *tally) addAll(postings []posting) {
	for _, p := range postings {
		t.add(p)
	}
}
