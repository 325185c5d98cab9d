package bridge

import (
	"context"
	"errors"
	"fmt"
)

// Subscribe publishes what comes out of a channel, until the channel is closed: then it returns nil.
//
// A value is taken from the channel only once there is room for it, so that the sender waits, also where
// [Config].Overflow is Refuse. Where Overflow is Drop every value is taken, and a gap names the values that
// find no room. Each Subscribe of several at a time may put one value above the bounds of the queue.
//
// When ctx ends Subscribe returns why, and every value that it has taken is queued. Any other error wraps
// one of those of [Bridge.Publish]: the value that was taken last is not recorded, or the bridge takes
// nothing any more.
//
// What a sender drops because the channel is full never comes here. Only numbers show it: see
// [Config].Number.
func (b *Bridge[T]) Subscribe(ctx context.Context, values <-chan T) error {
	if err := b.made(); err != nil {
		return err
	}
	for {
		if err := b.room(ctx); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		select {
		case v, open := <-values:
			if !open {
				return nil
			}
			it, err := b.item(v)
			if err == nil {
				_, err = b.queue.offer(it, b.cfg.Overflow != Drop)
			}
			if _, dropped := errors.AsType[*DroppedError](err); err != nil && !dropped {
				return fmt.Errorf("subscribe: %w", err)
			}
		case <-b.queue.stopped:
		case <-ctx.Done():
		}
	}
}

// room waits until the queue has room or drops, or says why it never will.
func (b *Bridge[T]) room(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		changed, err := b.queue.room()
		if changed == nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// room returns the channel that is closed when there may be room, nil when there is, or why nothing
// is taken any more.
func (q *queue) room() (changed <-chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil || q.overflow == Drop || q.held.events < q.most.events && q.held.bytes < q.most.bytes {
		return nil, q.err
	}
	return q.changed, nil
}
