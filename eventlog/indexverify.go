package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/postings"
)

// verify checks each layer of the index against the ops of its offsets. Nobody writes to the index
// meanwhile. A layer that is not what the ops say is a problem; a posting whose op is gone, or has no
// body any more, is counted. It needs a bit of memory for each offset of a layer.
func (x *indexer) verify(ctx context.Context, report *Report) error {
	if err := x.slot.Take(ctx); err != nil {
		return err
	}
	defer x.slot.Leave()
	layers, err := x.postings.Layers()
	for i := 0; err == nil && i < len(layers); i++ {
		err = x.verifyLayer(ctx, layers[i], report)
	}
	if _, damaged := asDamaged(err); damaged || errors.Is(err, postings.ErrDamaged) {
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
}

// verifyLayer compares what the ops of a layer's offsets say with what the layer says of them.
func (x *indexer) verifyLayer(ctx context.Context, layer postings.Layer, report *Report) error {
	a := x.postings.NewAudit(layer)
	if _, err := x.eachText(ctx, stretch{layer.From, layer.To}, layer.To-layer.From, a.Add); err != nil {
		return err
	}
	stored, stale, err := a.End()
	report.Postings += stored
	report.Stale += stale
	return err
}
