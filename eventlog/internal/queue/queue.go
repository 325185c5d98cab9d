// Package queue is group commit: those who want to write line up, and those who wait together are written together.
package queue

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// gatherYields is how often the leader yields without the queue growing before it commits.
const gatherYields = 8

// Queue lines up those who want to write. Requests that wait join one batch. Whoever fills the one slot
// leads: the leader commits the batch at the front in one transaction, its own or not, while the next batch
// gathers behind. There is no goroutine and no timer.
//
//	waiting:   [request request request]  [exclusive]  [request request]
//	              one transaction          its own     one transaction
//
// An exclusive writer is a batch of its own, which only it can run: a leader that finds one at the front
// hands the lead over.
type Queue[R comparable] struct {
	cfg   Config[R]
	slot  chan struct{} // full while somebody leads
	grown atomic.Uint64 // counts what has joined

	mu      sync.Mutex // guards what follows
	waiting []*batch[R]
	err     error // set once nothing is taken any more
	// patient says that what was taken last was: others go next.
	patient bool
}

// Config says what becomes of what waits.
type Config[R comparable] struct {
	// MaxBytes bounds the bytes of a batch of several requests; a request past them waits for the next batch.
	MaxBytes int
	// Commit commits a batch. Its caller leads. Commit notes in each request what came of it.
	Commit func([]R)
	// Leave is called by whoever has led. It calls [Queue.Leave], or hands that to somebody who leads on.
	Leave func()
}

// batch is what shares a transaction.
type batch[R comparable] struct {
	requests []R
	bytes    int
	done     chan struct{} // closed when the outcome of every request is known
	turn     chan struct{} // closed when the owner of an exclusive one leads; nil for requests
	patient  bool
	taken    bool  // guarded by Queue.mu
	err      error // read after done; why nobody will ever lead for it
}

// New returns a queue in which nobody waits.
func New[R comparable](cfg Config[R]) *Queue[R] {
	return &Queue[R]{cfg: cfg, slot: make(chan struct{}, 1)}
}

// Lead waits until nobody else leads.
func (q *Queue[R]) Lead() { q.slot <- struct{}{} }

// Leave lets the next one lead.
func (q *Queue[R]) Leave() { <-q.slot }

// Join waits until r, which has the given number of bytes, was committed with others. ctx counts until r's
// batch is taken. An error means that r was not committed.
func (q *Queue[R]) Join(ctx context.Context, r R, bytes int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b, err := q.join(r, bytes)
	if err != nil {
		return err
	}
	return q.await(ctx, b, r, bytes)
}

// Exclusively waits in the queue until its caller leads, and runs fn. ctx counts until then.
func (q *Queue[R]) Exclusively(ctx context.Context, fn func() error) error {
	return q.exclusively(ctx, &batch[R]{}, fn)
}

// Patiently is Exclusively for what can wait: after a patient writer one that is not patient goes first.
func (q *Queue[R]) Patiently(ctx context.Context, fn func() error) error {
	return q.exclusively(ctx, &batch[R]{patient: true}, fn)
}

func (q *Queue[R]) exclusively(ctx context.Context, b *batch[R], fn func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.done, b.turn = make(chan struct{}), make(chan struct{})
	if err := q.joinExclusive(b); err != nil {
		return err
	}
	var none R
	if err := q.await(ctx, b, none, 0); err != nil {
		return err
	}
	defer q.cfg.Leave()
	return fn()
}

// Fail gives err to all that waits and to all that comes later. Only the leader calls it.
func (q *Queue[R]) Fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
	for _, b := range q.waiting {
		b.taken, b.err = true, err
		close(b.done)
	}
	q.waiting = nil
}

// join puts a request into the last batch, or into a new one when that is full or exclusive.
func (q *Queue[R]) join(r R, bytes int) (*batch[R], error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return nil, q.err
	}
	var b *batch[R]
	if n := len(q.waiting); n > 0 && q.waiting[n-1].turn == nil && q.waiting[n-1].bytes+bytes <= q.cfg.MaxBytes {
		b = q.waiting[n-1]
	} else {
		b = &batch[R]{done: make(chan struct{})}
		q.waiting = append(q.waiting, b)
	}
	b.requests = append(b.requests, r)
	b.bytes += bytes
	q.grown.Add(1)
	return b, nil
}

// joinExclusive puts a batch into the queue that its caller runs.
func (q *Queue[R]) joinExclusive(b *batch[R]) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.waiting = append(q.waiting, b)
	}
	return q.err
}

// await waits until b, with r in it if it is one of requests, was committed, or until its owner leads. It leads
// where nobody else does. ctx counts until b is taken.
func (q *Queue[R]) await(ctx context.Context, b *batch[R], r R, bytes int) error {
	done := ctx.Done()
	for {
		select {
		case <-b.done: // before leading for others
			return b.err
		default:
		}
		select {
		case <-b.turn:
			return nil
		case <-b.done:
			return b.err
		case q.slot <- struct{}{}:
			q.serve()
		case <-done:
			if q.withdraw(b, r, bytes) {
				return context.Cause(ctx)
			}
			done = nil
		}
	}
}

// withdraw takes a request back out of b, or b itself when it is exclusive. It reports false when b was taken.
func (q *Queue[R]) withdraw(b *batch[R], r R, bytes int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if b.taken {
		return false
	}
	b.requests = slices.DeleteFunc(b.requests, func(o R) bool { return o == r })
	if b.bytes -= bytes; len(b.requests) == 0 {
		q.waiting = slices.DeleteFunc(q.waiting, func(o *batch[R]) bool { return o == b })
	}
	return true
}

// serve takes what goes next and commits it, or hands its owner the lead. The caller leads, and does
// not any more when serve returns.
func (q *Queue[R]) serve() {
	b := q.take()
	if b != nil && b.turn != nil {
		close(b.turn) // the slot stays full: the owner leads now
		return
	}
	if b != nil {
		q.cfg.Commit(b.requests)
		close(b.done)
	}
	q.cfg.Leave()
}

// take removes the batch that goes next; nil when nothing waits. Only the leader calls it.
func (q *Queue[R]) take() *batch[R] {
	q.gather()
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil
	}
	at := 0
	if q.patient {
		at = max(0, slices.IndexFunc(q.waiting, func(b *batch[R]) bool { return !b.patient }))
	}
	b := q.waiting[at]
	q.waiting = slices.Delete(q.waiting, at, at+1)
	q.patient = b.patient
	b.taken = true
	return b
}

// gather yields until nothing has joined for a while: the writers that the last commit has just woken
// are on their way, and what they bring goes into the same transaction.
func (q *Queue[R]) gather() {
	grown := q.grown.Load()
	for quiet := 0; quiet < gatherYields; quiet++ {
		runtime.Gosched()
		if now := q.grown.Load(); now != grown {
			grown, quiet = now, -1
		}
	}
}
