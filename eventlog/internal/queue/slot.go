package queue

import "context"

// Slot is a lock that one can stop waiting for. It is made by [NewSlot].
type Slot chan struct{} // full while somebody has it

// NewSlot returns a slot that nobody has.
func NewSlot() Slot { return make(Slot, 1) }

// Take waits until nobody has the slot, or ctx ends. Whoever has it then leaves it.
func (s Slot) Take(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Leave lets the next one have it.
func (s Slot) Leave() { <-s }
