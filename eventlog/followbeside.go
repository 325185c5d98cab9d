package eventlog

import "context"

// keptBeside keeps the cursor in the log's file for a handler without a transaction: it moves in one of
// its own, once the handler has returned nil.
type keptBeside struct {
	*keptHere
	handler func(ctx context.Context, d Delivery) error
}

func (k *keptBeside) handle(ctx context.Context, b *portion) error {
	d := Delivery{Entries: b.entries, After: k.log.CursorAt(b.to)}
	if err := k.handler(ctx, d); err != nil {
		return k.blame(ctx, b, err, err)
	}
	// A crash here makes the handler see the batch again.
	return k.step(ctx, b, func(_ *Tx, r *followerRecord) error {
		r.handled(len(b.entries))
		return nil
	})
}
