package eventlog

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/quipulog/quipu/crdt"
)

// queue lines up those who want to write. Appends that wait join one batch; whoever fills the one slot
// leads: it commits the batch at the front in one transaction, its own or not, while the next batch
// gathers behind it. There is no goroutine and no timer.
//
//	waiting:   [append append append]  [update]  [append append]
//	              one transaction        its own    one transaction
//
// Updates and stored runs are batches of their own. Only their owner can run them: a leader that finds
// one at the front hands it the lead.
type queue struct {
	slot  chan struct{} // full while somebody leads
	grown atomic.Uint64 // counts what has joined

	mu      sync.Mutex // guards what follows
	waiting []*batch
	err     error // set once nothing is taken any more
	// stored says that what was taken last was a peer's runs: appends go next.
	stored bool
}

// batch is what shares a transaction.
type batch struct {
	kind     batchKind
	requests []*request // of appends
	bytes    int
	done     chan struct{} // closed when the outcome of every request is known
	turn     chan struct{} // closed when the owner of an update or of runs leads
	err      error         // read after done; why an owner will never lead
	taken    bool          // guarded by queue.mu
}

type batchKind uint8

const (
	appends batchKind = iota
	updates
	runs
)

// request is one caller's events on their way to become entries.
type request struct {
	drafts []crdt.Draft
	bytes  int
	places []crdt.Place // set before done
	err    error        // set before done
}

func newQueue() queue { return queue{slot: make(chan struct{}, 1)} }

// lead waits until nobody else leads.
func (q *queue) lead() { q.slot <- struct{}{} }

// leave lets the next one lead.
func (q *queue) leave() { <-q.slot }

// join puts a request into the last batch, or into a new one when that is full or no plain batch.
func (q *queue) join(r *request) (*batch, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return nil, q.err
	}
	var b *batch
	if n := len(q.waiting); n > 0 && q.waiting[n-1].kind == appends && q.waiting[n-1].bytes+r.bytes <= maxGroup {
		b = q.waiting[n-1]
	} else {
		b = &batch{kind: appends, done: make(chan struct{})}
		q.waiting = append(q.waiting, b)
	}
	b.requests = append(b.requests, r)
	b.bytes += r.bytes
	q.grown.Add(1)
	return b, nil
}

// joinExclusive puts a batch into the queue that its caller runs.
func (q *queue) joinExclusive(kind batchKind) (*batch, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return nil, q.err
	}
	b := &batch{kind: kind, done: make(chan struct{}), turn: make(chan struct{})}
	q.waiting = append(q.waiting, b)
	return b, nil
}

// withdraw takes a request back out of b, or b itself when r is nil. It reports false when b was taken.
func (q *queue) withdraw(b *batch, r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if b.taken {
		return false
	}
	if r != nil {
		b.requests = slices.DeleteFunc(b.requests, func(o *request) bool { return o == r })
		b.bytes -= r.bytes
	}
	if len(b.requests) == 0 {
		q.waiting = slices.DeleteFunc(q.waiting, func(o *batch) bool { return o == b })
	}
	return true
}

// take removes the batch that goes next; nil when nothing waits. Only the leader calls it.
func (q *queue) take() *batch {
	q.gather()
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil
	}
	at := 0
	if q.stored {
		// Peers' runs wait for one append commit each, so that they never hold up those who write here.
		at = max(0, slices.IndexFunc(q.waiting, func(b *batch) bool { return b.kind != runs }))
	}
	b := q.waiting[at]
	q.waiting = slices.Delete(q.waiting, at, at+1)
	q.stored = b.kind == runs
	b.taken = true
	return b
}

// gather yields until nothing has joined for a while: the writers that the last commit has just woken
// are on their way, and what they bring goes into the same transaction.
func (q *queue) gather() {
	grown := q.grown.Load()
	for quiet := 0; quiet < gatherYields; quiet++ {
		runtime.Gosched()
		if now := q.grown.Load(); now != grown {
			grown, quiet = now, -1
		}
	}
}

// fail gives err to all that waits and to all that comes later. Only the leader calls it.
func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
	for _, b := range q.waiting {
		b.taken, b.err = true, err
		for _, r := range b.requests {
			r.err = err
		}
		close(b.done)
	}
	q.waiting = nil
}

// serve takes what goes next and commits it, or hands its owner the lead. The caller leads, and does
// not any more when serve returns.
func (s *store) serve() {
	b := s.queue.take()
	if b != nil && b.turn != nil {
		close(b.turn) // the slot stays full: the owner leads now
		return
	}
	if b != nil {
		s.commitAppends(b)
		close(b.done)
	}
	s.leave()
}

// await waits for the outcome of r, which is in b, and leads where nobody else does. ctx counts until
// the batch is taken.
func (s *store) await(ctx context.Context, b *batch, r *request) error {
	done := ctx.Done()
	for {
		select {
		case <-b.done: // before leading for others
			return r.err
		default:
		}
		select {
		case <-b.done:
			return r.err
		case s.queue.slot <- struct{}{}:
			s.serve()
		case <-done:
			if s.queue.withdraw(b, r) {
				return context.Cause(ctx)
			}
			done = nil
		}
	}
}

// exclusively waits in the queue and runs fn, which leads. ctx counts until then.
func (s *store) exclusively(ctx context.Context, kind batchKind, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	b, err := s.queue.joinExclusive(kind)
	if err != nil {
		return err
	}
	done := ctx.Done()
	for {
		select {
		case <-b.turn:
			defer s.leave()
			return fn()
		case <-b.done:
			return b.err
		case s.queue.slot <- struct{}{}:
			s.serve()
		case <-done:
			if s.queue.withdraw(b, nil) {
				return context.Cause(ctx)
			}
			done = nil
		}
	}
}
