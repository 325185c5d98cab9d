package postings

import (
	"context"
	"errors"
	"fmt"
)

// Texts calls add with the texts that stand at the offsets from on, one offset after the other, until most offsets or all
// below bound have been read, and returns the offset after the last of them. No transaction is open while add runs.
type Texts func(ctx context.Context, from, bound, most uint64, add func(class byte, text string, offset uint64)) (to uint64, err error)

// Step does what is to be done next, and reports whether there was something: it tidies up, or adds a layer for what is not
// indexed, if that is least offsets or more. An index that cannot be used is dropped.
func (x *Index) Step(ctx context.Context, least uint64) (more bool, err error) {
	layers, err := x.Layers()
	if err == nil {
		more, err = x.Tidy(ctx, layers)
	}
	if err == nil && !more {
		more, err = x.extend(ctx, layers, least)
	}
	if errors.Is(err, ErrDamaged) {
		x.Anew(err)
		return true, x.Drop(ctx)
	}
	return more, err
}

// extend adds a layer for what the layers do not hold, for [MaxBatch] offsets at most, if that is least offsets or more. It
// reports whether it has.
func (x *Index) extend(ctx context.Context, layers Layers, least uint64) (extended bool, err error) {
	bound, _, err := x.Held()
	from := layers.Reached()
	if err == nil && from > bound {
		err = fmt.Errorf("%w: it ends at offset %d, the log at %d", ErrDamaged, from, bound)
	}
	if err != nil || bound-from < least {
		return false, err
	}
	b := x.NewBatch()
	to, err := x.Texts(ctx, from, bound, MaxBatch, b.Add)
	if err != nil {
		return false, err
	}
	// Asked for only now: whatever was gone from a thing that was read, this sweep or one before took it.
	_, sweep, err := x.Held()
	if err != nil {
		return false, err
	}
	return true, x.Extend(ctx, layers, to, sweep, b)
}

// Compare compares what stands at a layer's offsets with what the layer says of them: see [Audit]. told is called with the
// offsets that are come to.
func (x *Index) Compare(ctx context.Context, layer Layer, told func(offset uint64)) (stored, stale uint64, err error) {
	a := x.NewAudit(layer)
	_, err = x.Texts(ctx, layer.From, layer.To, layer.To-layer.From, func(class byte, text string, offset uint64) {
		told(offset)
		a.Add(class, text, offset)
	})
	if err != nil {
		return 0, 0, err
	}
	return a.End()
}
