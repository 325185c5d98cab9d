package server

import (
	"context"
	"sync"
)

// The bounds of what one client may have waiting to be appended, and so of one batch.
const (
	maxWaiting      = 1024    // items
	maxWaitingBytes = 4 << 20 // bytes of memory that they take
)

// waiting is what one goroutine has read and another has not stored yet. The one that stores takes all
// of it at once: the longer storing takes, the more the next batch holds.
type waiting[T any] struct {
	more chan struct{} // has a token when there may be something to take
	room chan struct{} // has a token when there may be room

	maxItems, maxBytes int // of what waits; one item is always let in

	mu     sync.Mutex // guards what follows
	items  []T
	bytes  int
	ended  bool
	reason error // why nothing more comes, nil at the end of the input
}

func newWaiting[T any]() *waiting[T] {
	return &waiting[T]{more: make(chan struct{}, 1), room: make(chan struct{}, 1), maxItems: maxWaiting, maxBytes: maxWaitingBytes}
}

// put adds an item that takes size bytes of memory, once there is room.
func (q *waiting[T]) put(ctx context.Context, item T, size int) error {
	for !q.tryPut(item, size) {
		select {
		case <-q.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	wake(q.more)
	return nil
}

func (q *waiting[T]) tryPut(item T, size int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) > 0 && (len(q.items) >= q.maxItems || q.bytes+size > q.maxBytes) {
		return false
	}
	q.items = append(q.items, item)
	q.bytes += size
	return true
}

// end says that nothing more comes, and why.
func (q *waiting[T]) end(reason error) {
	q.mu.Lock()
	q.ended, q.reason = true, reason
	q.mu.Unlock()
	wake(q.more)
}

// take waits for something and returns all there is. After the last it returns none, and why it was the
// last.
func (q *waiting[T]) take(ctx context.Context) ([]T, error) {
	for {
		q.mu.Lock()
		items, ended, reason := q.items, q.ended, q.reason
		q.items, q.bytes = nil, 0
		q.mu.Unlock()
		wake(q.room)
		if len(items) > 0 {
			return items, nil
		}
		if ended {
			return nil, reason
		}
		select {
		case <-q.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// wake leaves a token unless there is one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
