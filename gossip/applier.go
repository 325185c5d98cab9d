package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

const (
	// maxInFlight bounds the bytes of all runs that are read and not applied yet.
	maxInFlight = crdt.MaxBatch
	// maxTogether bounds the bytes of the runs that are applied together.
	maxTogether = 4 << 20

	// roomLow and roomHigh are the first and the longest pause while there is no room on the disk.
	roomLow  = time.Second
	roomHigh = 10 * time.Second
)

// arrival is what came on a link and waits for the log: a run, or the end of an answer, which must
// not overtake the runs before it.
type arrival struct {
	link   *link
	run    crdt.Run
	answer bool // the run was asked for
	size   int  // of the run in bytes
	done   *wire.Done
}

// applier stores what arrives, in one goroutine, many runs together. Its queue is first in, first
// out, and takes from each link only as much as its credit allows, so none keeps the others out.
type applier struct {
	log    Log
	logger *slog.Logger
	queue  chan arrival
	budget *semaphore.Weighted
	report func(arrival, crdt.Outcome)
}

func newApplier(log Log, logger *slog.Logger, report func(arrival, crdt.Outcome)) *applier {
	return &applier{
		log:    log,
		logger: logger,
		queue:  make(chan arrival, 64),
		budget: semaphore.NewWeighted(maxInFlight),
		report: report,
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
// that passes, and peers may have caused it. Meanwhile nothing more is read from them.
func (p *applier) store(ctx context.Context, runs []crdt.Run) ([]crdt.Outcome, error) {
	var pause backoff
	for {
		outcomes, err := p.log.Apply(ctx, runs)
		switch {
		case err == nil && len(outcomes) != len(runs):
			return nil, errors.New("the log returned another number of outcomes")
		case err == nil || ctx.Err() != nil || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT):
			return outcomes, err
		}
		if pause.pause == 0 {
			p.logger.Error("no room for what peers send; trying again", "err", err)
		}
		pause.fail(time.Now(), roomLow, roomHigh)
		timer := time.NewTimer(time.Until(pause.until))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// apply stores a batch and reports each of its arrivals in order.
func (p *applier) apply(ctx context.Context, batch []arrival) error {
	runs := make([]crdt.Run, 0, len(batch))
	for _, a := range batch {
		if a.done == nil {
			runs = append(runs, a.run)
		}
	}
	var outcomes []crdt.Outcome
	var err error
	if len(runs) > 0 {
		outcomes, err = p.store(ctx, runs)
	}
	for _, a := range batch {
		p.release(a)
	}
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("apply runs: %w", err)
	}
	for _, a := range batch {
		var o crdt.Outcome
		if a.done == nil {
			o, outcomes = outcomes[0], outcomes[1:]
		}
		p.report(a, o)
	}
	return nil
}
