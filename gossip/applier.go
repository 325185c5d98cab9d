package gossip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
	"github.com/quipulog/quipu/gossip/pending"
	"github.com/quipulog/quipu/gossip/wire"
)

const (
	// maxInFlight bounds the bytes of all runs that are read and not applied yet.
	maxInFlight = crdt.MaxBatch
	// maxTogether bounds the bytes of the runs that are applied together.
	maxTogether = 8 << 20

	// roomLow and roomHigh are the first and the longest pause while there is no room on the disk.
	roomLow  = time.Second
	roomHigh = 10 * time.Second
)

// arrival is what came on a link and waits for the log: a run, or the end of an answer, which must
// not overtake the runs before it.
type arrival struct {
	link *link
	run  crdt.Run
	ask  uint32 // what the run answers; 0 when it was pushed
	hops uint16 // links it has passed
	size int    // memory that the run keeps alive, in bytes: the frame that it came in and what is known of its ops
	done *wire.Done

	waited bool // it was pending
}

// Came is what there is to know of an arrival that has to wait.
func (a arrival) Came() (run crdt.Run, on *link, memory int) { return a.run, a.link, a.size }

// applier stores what arrives, in one goroutine, many runs together. Its queue is first in, first
// out, and takes from each link only as much as its credit allows, so none keeps the others out. Runs
// that came before what they name are pending, and stored when that is there.
type applier struct {
	log       Log
	newcomers *newcomers
	queue     chan arrival
	budget    *semaphore.Weighted
	report    func(arrival, fate)
	full      atomic.Pointer[Full]
	halted    func(bool)        // told when there is no room any more, and when there is
	lost      func(crdt.Author) // told whose runs were thrown away before they could be placed
	taken     takeCounts
	// unapplied is the bytes of what was read and is not applied yet, waiting and waitingBytes the runs that are pending.
	unapplied, waiting, waitingBytes atomic.Int64
	// The fields below belong to the goroutine of run.

	pending pending.Runs[arrival, *link]
	held    []arrival // of the batch under way, those that take up credit and budget
}

// Full says that there has been no room for what peers send.
type Full struct {
	Since time.Time
	Err   error
}

// fate is what became of an arrival.
type fate struct {
	crdt.Outcome
	Kept bool // it waits for the ops before it; what becomes of it in the end is reported again
}

func newApplier(log Log, newcomers *newcomers) *applier {
	return &applier{
		log:       log,
		newcomers: newcomers,
		queue:     make(chan arrival, 64),
		budget:    semaphore.NewWeighted(maxInFlight),
	}
}

// put queues what arrived on a link, and waits for room. Its error is why ctx ended.
func (p *applier) put(ctx context.Context, a arrival) error {
	select {
	case a.link.credit <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := p.budget.Acquire(ctx, int64(a.size)); err != nil {
		<-a.link.credit
		return context.Cause(ctx)
	}
	p.unapplied.Add(int64(a.size))
	select {
	case p.queue <- a:
		return nil
	case <-ctx.Done():
		p.release(a)
		return context.Cause(ctx)
	}
}

// release gives back what an arrival took up.
func (p *applier) release(a arrival) {
	<-a.link.credit
	p.budget.Release(int64(a.size))
	p.unapplied.Add(-int64(a.size))
}

// run applies what is queued until ctx ends. Its error is the log's own fault.
func (p *applier) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-p.queue:
			if err := p.apply(ctx, p.gather(first)); err != nil {
				return err
			}
		}
	}
}

// gather returns first and what is queued behind it.
func (p *applier) gather(first arrival) []arrival {
	batch, size := []arrival{first}, first.size
	for size < maxTogether {
		select {
		case a := <-p.queue:
			batch = append(batch, a)
			size += a.size
		default:
			return batch
		}
	}
	return batch
}

// store has the log apply runs. While there is no room on the disk it tries again, with growing pauses:
// that passes, and peers may have caused it. Meanwhile what they send is read and dropped, so that what they
// hold, and what they say, is known; comparisons ask for it again. After another failure that the log itself
// gets over it tries again too.
func (p *applier) store(ctx context.Context, runs []crdt.Run) ([]crdt.Outcome, error) {
	var pause backoff.Pause
	for {
		outcomes, err := p.log.Apply(ctx, runs)
		if err == nil && p.full.Swap(nil) != nil {
			p.halted(false)
		}
		switch {
		case err == nil && len(outcomes) != len(runs):
			return nil, errors.New("the log returned another number of outcomes")
		case err == nil || ctx.Err() != nil || !noRoom(err) && !passes(err):
			return outcomes, err
		}
		if !noRoom(err) {
			if err := sleep(ctx, roomLow); err != nil {
				return nil, err
			}
			continue
		}
		if p.full.Load() == nil {
			p.full.Store(&Full{Since: time.Now(), Err: err})
			p.halted(true)
			p.letGo()
		}
		pause.Fail(time.Now(), roomLow, roomHigh)
		if err := p.dropUntil(ctx, pause.End()); err != nil {
			return nil, err
		}
	}
}

// letGo gives back what the batch under way takes up, so that its links are read on.
func (p *applier) letGo() {
	for _, a := range p.held {
		p.release(a)
	}
	p.held = nil
}

// dropUntil drops what arrives until a moment. Its error is why ctx ended.
func (p *applier) dropUntil(ctx context.Context, until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	for {
		select {
		case a := <-p.queue:
			p.release(a)
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// apply stores a batch and what it makes room for, and reports each arrival in order.
func (p *applier) apply(ctx context.Context, batch []arrival) error {
	now := time.Now()
	p.pending.Expire(now)
	p.held = batch
	for len(batch) > 0 {
		fates, err := p.applyOnce(ctx, batch, now)
		p.letGo()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("apply runs: %w", err)
		}
		grown := make(map[crdt.Author]bool)
		for i, a := range batch {
			p.taken.count(a.run, fates[i])
			p.report(a, fates[i])
			grown[fates[i].Author] = grown[fates[i].Author] || fates[i].Ops > 0
		}
		batch = nil
		for a, grew := range grown {
			if !grew {
				continue
			}
			for _, ready := range p.pending.Placeable(p.log.Feed(a)) {
				ready.waited = true
				batch = append(batch, ready)
			}
		}
	}
	for a := range p.pending.TakeLost() {
		p.lost(a)
	}
	runs, bytes := p.pending.Len()
	p.waiting.Store(int64(runs))
	p.waitingBytes.Store(int64(bytes))
	return nil
}

// applyOnce keeps the runs of a batch that must wait and stores the others.
func (p *applier) applyOnce(ctx context.Context, batch []arrival, now time.Time) ([]fate, error) {
	fates := make([]fate, len(batch))
	ends := make(map[crdt.Author]uint64) // of the feeds, with the runs before
	var runs []crdt.Run
	var places []int
	for i, a := range batch {
		if a.done != nil {
			continue
		}
		author := a.run.Author()
		fates[i].Author = author
		feed := p.log.Feed(author)
		if _, brought := ends[author]; !brought && p.brings(a.link.peer, feed) && !p.newcomers.takes(a.link.peer, now) {
			fates[i].Err = errNewAuthors
			continue
		}
		last := a.run.Ops[len(a.run.Ops)-1]
		if pending.MustWait(feed, a.run) && a.run.Ops[0].First > ends[author] {
			p.pending.Keep(a, now)
			fates[i].Kept, fates[i].Decision = true, crdt.Pending
			continue
		}
		ends[author] = max(ends[author], last.Next())
		runs, places = append(runs, a.run), append(places, i)
	}
	if len(runs) == 0 {
		return fates, nil
	}
	outcomes, err := p.store(ctx, runs)
	if err != nil {
		return nil, err
	}
	for i, o := range outcomes {
		o.Err = blame(runs[i], o.Err)
		at := places[i]
		fates[at].Outcome = o
		if o.Err == nil && o.Decision == crdt.Pending && pending.MustWait(p.log.Feed(o.Author), runs[i]) {
			p.pending.Keep(batch[at], now) // The run before it, which it was to follow, was refused.
			fates[at].Kept = true
		}
	}
	return fates, nil
}

// passes reports whether the log goes on by itself after a failure.
func passes(err error) bool {
	p, ok := errors.AsType[interface {
		error
		Passes() bool
	}](err)
	return ok && p.Passes()
}

// brings reports whether a peer brings in an author of whom nothing is held. Neither its own feed nor ours counts.
func (p *applier) brings(peer crdt.Author, feed crdt.Feed) bool {
	return feed.IsZero() && feed.Author != peer && feed.Author != p.log.Author()
}

// noRoom reports whether the log failed for want of room on the disk: that passes.
func noRoom(err error) bool {
	return slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}, func(full error) bool { return errors.Is(err, full) })
}

// takeCounts is what has become of runs.
type takeCounts struct {
	payload, ops, entries atomic.Uint64 // that were new; payload in bytes
	duplicates            atomic.Uint64 // ops
	pending, kept, forks  atomic.Uint64 // runs
}

// count counts what became of a run; of one without ops, nothing.
func (c *takeCounts) count(run crdt.Run, f fate) {
	for _, op := range run.Ops[min(f.Duplicates, len(run.Ops)):min(f.Duplicates+f.Ops, len(run.Ops))] {
		c.payload.Add(uint64(op.Size()))
	}
	c.ops.Add(uint64(f.Ops))
	c.entries.Add(uint64(f.Entries))
	c.duplicates.Add(uint64(f.Duplicates))
	if f.Decision == crdt.Pending && f.Err == nil {
		c.pending.Add(1)
	}
	if f.Kept {
		c.kept.Add(1)
	}
	if f.Forked {
		c.forks.Add(1)
	}
}
