// Package queue is group commit: those who want to write line up, and those who wait together are written together.
package queue

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// gatherYields is how often the leader yields without the queue growing before it commits without those who
// were expected. Measured: fewer leave a quarter of 64 writers behind, who are still encoding on the other core.
const gatherYields = 128

// waitYields is how often it does so before it waits for those who are coming: a processor on which somebody yields takes
// no work from another, where they may stand behind each other.
const waitYields = 16

// Queue lines up those who want to write. Requests that wait join one batch. Whoever comes while nobody leads
// leads: it commits its batch in one transaction, and hands the lead to one of those who wait for the next, which
// gathers meanwhile. There is no goroutine and no timer.
//
//	waiting:   [request request request]  [exclusive]  [request request]
//	              one transaction          its own     one transaction
//
// Who waits waits for one thing, the channel of its batch: a value in it is the lead, for whoever receives it, and
// its end says that the batch was committed.
//
// Invariant: while nobody leads nothing waits.
type Queue[R comparable] struct {
	cfg   Config[R]
	grown atomic.Uint64 // counts what has joined
	back  uint64        // what grown is once those whom the last commit woke are back; for the leader

	coming  atomic.Int64 // between Come and Arrive
	awaited atomic.Bool  // a leader waits for them

	mu      sync.Mutex      // guards what follows
	led     bool            // somebody leads, or was handed the lead
	ahead   []chan struct{} // of those who wait in Lead: closed when the lead is theirs
	waiting []*batch[R]
	err     error // set once nothing is taken any more
	// patient says that what was taken last was: others go next.
	patient bool
	arrived chan struct{} // of a leader who waits for those who are coming, until they are here or grown is enough
	enough  uint64
}

// Config says what becomes of what waits.
type Config[R comparable] struct {
	// MaxBytes bounds the bytes of a batch of several requests; a request past them waits for the next batch.
	MaxBytes int
	// Commit commits a batch. Its caller leads. Commit notes in each request what came of it.
	Commit func([]R)
	// Leave is called by whoever has led. It calls [Queue.Leave], or hands that to somebody who leads on.
	Leave func()
	// Gathered is told how long a batch waited for those who were coming; nil tells nobody.
	Gathered func(time.Duration)
}

// batch is what shares a transaction.
type batch[R comparable] struct {
	requests []R
	bytes    int
	// turn holds a value where the lead is there for the owner of an exclusive batch, or for one of those whose
	// requests it has; it is closed when the outcome of every request is known.
	turn      chan struct{}
	exclusive bool // only its owner can run it
	patient   bool
	taken     bool  // guarded by Queue.mu
	err       error // read after turn is closed; why nobody will ever lead for it
}

// New returns a queue in which nobody waits.
func New[R comparable](cfg Config[R]) *Queue[R] { return &Queue[R]{cfg: cfg} }

// Lead waits until nobody else leads. It goes before all that waits in the queue.
func (q *Queue[R]) Lead() {
	q.mu.Lock()
	if !q.led {
		q.led = true
		q.mu.Unlock()
		return
	}
	turn := make(chan struct{})
	q.ahead = append(q.ahead, turn)
	q.mu.Unlock()
	<-turn
}

// Leave lets the next one lead.
func (q *Queue[R]) Leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pass()
}

// pass gives the lead, which nobody has, to the next one. The caller holds mu.
func (q *Queue[R]) pass() {
	switch {
	case len(q.ahead) > 0:
		close(q.ahead[0])
		q.ahead = slices.Delete(q.ahead, 0, 1)
	case len(q.waiting) > 0:
		q.waiting[q.next()].turn <- struct{}{}
	default:
		q.led = false
	}
}

// next returns which of those that wait goes next.
func (q *Queue[R]) next() int {
	if !q.patient {
		return 0
	}
	return max(0, slices.IndexFunc(q.waiting, func(b *batch[R]) bool { return !b.patient }))
}

// Join waits until r, which has the given number of bytes, was committed with others. ctx counts until r's
// batch is taken. An error means that r was not committed.
func (q *Queue[R]) Join(ctx context.Context, r R, bytes int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b, leads, err := q.join(r, bytes)
	if err != nil {
		return err
	}
	if !leads {
		if leads, err = q.await(ctx, b, r, bytes); !leads {
			return err
		}
	}
	q.gather()
	q.take(b)
	q.cfg.Commit(b.requests)
	q.back = q.grown.Load() + uint64(len(b.requests))
	close(b.turn)
	q.cfg.Leave()
	return nil
}

// Exclusively waits in the queue until its caller leads, and runs fn. ctx counts until then.
func (q *Queue[R]) Exclusively(ctx context.Context, fn func() error) error {
	return q.exclusively(ctx, &batch[R]{exclusive: true}, fn)
}

// Patiently is Exclusively for what can wait: after a patient writer one that is not patient goes first.
func (q *Queue[R]) Patiently(ctx context.Context, fn func() error) error {
	return q.exclusively(ctx, &batch[R]{exclusive: true, patient: true}, fn)
}

func (q *Queue[R]) exclusively(ctx context.Context, b *batch[R], fn func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	leads, err := q.joinExclusive(b)
	if err != nil {
		return err
	}
	if !leads {
		var none R
		if leads, err = q.await(ctx, b, none, 0); !leads {
			return err
		}
	}
	q.take(b)
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
		close(b.turn)
	}
	q.waiting = nil
}

// join puts a request into the last batch, or into a new one when that is full or exclusive. It reports whether
// its caller leads, since nobody did.
func (q *Queue[R]) join(r R, bytes int) (b *batch[R], leads bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return nil, false, q.err
	}
	if n := len(q.waiting); n > 0 && !q.waiting[n-1].exclusive && q.waiting[n-1].bytes+bytes <= q.cfg.MaxBytes {
		b = q.waiting[n-1]
	} else {
		b = &batch[R]{}
		leads = q.wait(b)
	}
	b.requests = append(b.requests, r)
	b.bytes += bytes
	if q.grown.Add(1) >= q.enough {
		q.goOn()
	}
	return b, leads, nil
}

// joinExclusive puts a batch into the queue that its caller runs. It reports whether its caller leads, since
// nobody did.
func (q *Queue[R]) joinExclusive(b *batch[R]) (leads bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return false, q.err
	}
	return q.wait(b), nil
}

// wait puts a batch at the end of those that wait. The caller, who leads where nobody did, holds mu.
func (q *Queue[R]) wait(b *batch[R]) (leads bool) {
	b.turn = make(chan struct{}, 1)
	q.waiting = append(q.waiting, b)
	leads, q.led = !q.led, true
	return leads
}

// await waits until the caller leads for b, or until b, with r in it if it is one of requests, was committed by
// somebody else. ctx counts until b is taken.
func (q *Queue[R]) await(ctx context.Context, b *batch[R], r R, bytes int) (leads bool, err error) {
	if ctx.Done() == nil {
		_, leads = <-b.turn
		return leads, b.err
	}
	select {
	case _, leads = <-b.turn:
	case <-ctx.Done():
		if q.withdraw(b, r, bytes) {
			return false, context.Cause(ctx)
		}
		<-b.turn // of a batch that was taken: its end
	}
	return leads, b.err
}

// withdraw takes a request back out of b, or b itself when it is exclusive, and leaves where b had the lead
// and nobody else waits for it. It reports false when b was taken.
func (q *Queue[R]) withdraw(b *batch[R], r R, bytes int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if b.taken {
		return false
	}
	b.requests = slices.DeleteFunc(b.requests, func(o R) bool { return o == r })
	b.bytes -= bytes
	if len(b.requests) > 0 {
		return true
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(o *batch[R]) bool { return o == b })
	select {
	case <-b.turn:
		q.pass()
	default:
	}
	return true
}

// take removes the leader's batch from those that wait.
func (q *Queue[R]) take(b *batch[R]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(o *batch[R]) bool { return o == b })
	q.patient = b.patient
	b.taken = true
}

// Come says that its caller will join soon, as soon as it has made what it joins with: a commit that expects it waits for
// it. When that is made, or nothing came of it, the caller calls Arrive, and then joins or does not.
func (q *Queue[R]) Come() { q.coming.Add(1) }

// Arrive ends what Come has begun.
func (q *Queue[R]) Arrive() {
	if q.coming.Add(-1) > 0 || !q.awaited.Load() {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.goOn()
}

// Waiting returns how many requests wait to be committed, with those of an exclusive writer as one, and their bytes.
func (q *Queue[R]) Waiting() (requests, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, b := range q.waiting {
		requests += max(len(b.requests), 1)
		bytes += b.bytes
	}
	return requests + len(q.ahead), bytes
}

// gather yields until as many have joined as the last commit has woken, or none has for a while and none is coming: they
// are on their way, and what they bring goes into the same transaction. A writer who comes alone waits for nobody.
func (q *Queue[R]) gather() {
	if q.cfg.Gathered != nil {
		began := time.Now()
		defer func() { q.cfg.Gathered(time.Since(began)) }()
	}
	grown := q.grown.Load()
	for quiet := 0; grown < q.back && quiet < gatherYields; quiet++ {
		if quiet == waitYields && q.coming.Load() > 0 {
			q.awaitComing()
		}
		runtime.Gosched()
		if now := q.grown.Load(); now != grown {
			grown, quiet = now, -1
		}
	}
}

// awaitComing waits until nobody is coming, or until as many have joined as the last commit has woken.
func (q *Queue[R]) awaitComing() {
	arrived := make(chan struct{})
	q.mu.Lock()
	q.arrived, q.enough = arrived, q.back
	q.awaited.Store(true)
	if q.coming.Load() <= 0 || q.grown.Load() >= q.back {
		q.goOn()
	}
	q.mu.Unlock()
	<-arrived
}

// goOn ends the waiting of a leader in awaitComing. The caller holds mu.
func (q *Queue[R]) goOn() {
	if q.arrived != nil {
		close(q.arrived)
		q.arrived = nil
		q.awaited.Store(false)
	}
}
