package eventlog

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/quipulog/quipu/crdt"
)

// verify checks each layer of the index against the ops of its offsets. Nobody writes to the index
// meanwhile. A layer that is not what the ops say is a problem; a posting whose op is gone, or has no
// body any more, is counted. It needs a bit of memory for each offset of a layer.
func (x *indexer) verify(ctx context.Context, report *Report) error {
	return x.exclusively(ctx, func() error {
		layers, err := x.layers()
		for i := 0; err == nil && i < len(layers); i++ {
			err = x.verifyLayer(ctx, layers[i], report)
		}
		if _, damaged := asDamaged(err); damaged || errors.Is(err, errIndex) {
			report.problem(crdt.Author{}, err)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("verify index: %w", err)
		}
		return nil
	})
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

// verifyLayer compares what the ops of a layer's offsets say with what the layer says of them.
func (x *indexer) verifyLayer(ctx context.Context, layer indexLayer, report *Report) error {
	var want, got tally
	live := make([]uint64, (layer.to-layer.from)/64+1) // a bit for each offset: an op with a body begins there
	c := termsOf{hash: newTermHash(x.store.incarnation)}
	_, err := x.store.eachExcerpt(ctx, stretch{layer.from, layer.to}, layer.to-layer.from, func(x excerpt) error {
		at := x.op.offset - layer.from
		live[at/64] |= 1 << (at % 64)
		c.postings = c.postings[:0]
		if err := c.take(x); err != nil {
			return err
		}
		slices.SortFunc(c.postings, posting.compare)
		for _, p := range slices.Compact(c.postings) {
			want.add(p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	stored := uint64(0)
	r := &layerReader{store: x.store, block: block{layer: layer}}
	p, more, err := r.next()
	for ; more && err == nil; p, more, err = r.next() {
		stored++
		if at := p.offset - layer.from; live[at/64]&(1<<(at%64)) != 0 {
			got.add(p)
		} else {
			report.Stale++
		}
	}
	if err == nil && (got != want || stored != layer.postings) {
		err = fmt.Errorf("%w: it has %d postings of offsets %d to %d where its record says %d and the log has %d, or has others; "+
			"rebuild the index", errIndex, got.count, layer.from, layer.to, layer.postings, want.count)
	}
	report.Postings += stored
	return err
}
