package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/client"
)

const (
	// every is how often what was measured is gathered.
	every = time.Second
	// grace is how long the calls that are under way have to end once the context has: what they append is counted then.
	grace = 2 * time.Second
	// mostWorkers bounds the workers: each has a connection of its own.
	mostWorkers = 1000
	// mostPerCall bounds the entries of a call, mostBody the bytes of their payloads: each worker has them in memory.
	mostPerCall = 100_000
	mostBody    = 16 << 20
)

// ErrNothing is returned by [Run] when it is to read a log without entries.
var ErrNothing = errors.New("the log has no entries to read")

// Config says what is measured. Workers, PerCall and one of Length and Entries are required.
type Config struct {
	// Read says that entries are read, from random places in order of arrival, and not appended.
	Read bool
	// Workers make calls at once; each call is about PerCall entries.
	Workers, PerCall int
	// Stream has each worker keep one call open, send what it has in it, and wait for that before it sends more: what a
	// call costs by itself is left out. Only appending has it.
	Stream bool
	// Kind and Size are those of the entries that are appended; the payload, a JSON text that does not compress, has so many
	// bytes.
	Kind string
	Size int
	// Length is how long calls are begun, Entries after how many entries no more are; 0 leaves that side open.
	Length  time.Duration
	Entries uint64
	// Each hears what was measured in each second, in one goroutine. It may be nil.
	Each func(*Span)
}

// Check says what of it cannot be used.
func (c *Config) Check() error {
	switch {
	case c.Workers < 1 || c.Workers > mostWorkers:
		return fmt.Errorf("%d writers: expected 1 to %d", c.Workers, mostWorkers)
	case c.PerCall < 1 || c.PerCall > mostPerCall:
		return fmt.Errorf("%d entries a call: expected 1 to %d", c.PerCall, mostPerCall)
	case c.Length <= 0 && c.Entries == 0:
		return errors.New("neither a duration nor a number of entries: expected one, or both")
	case c.Read && c.Stream:
		return errors.New("a stream is appended to: reading has none")
	case !c.Read && (c.Size < 2 || c.Size > crdt.MaxPayload):
		return fmt.Errorf("a payload of %d bytes: expected 2 to %d", c.Size, crdt.MaxPayload)
	case !c.Read && c.PerCall*c.Size > mostBody:
		return fmt.Errorf("%d payloads of %d bytes in a call: expected %d bytes together at most", c.PerCall, c.Size, mostBody)
	}
	return nil
}

// run is one run of a bench.
type run struct {
	Config
	client *client.Client
	begun  time.Time
	stop   <-chan struct{} // no call is begun once it is closed
	next   uint64          // the offset behind the log's end, of one that is read
	left   atomic.Int64    // how many entries may still be asked for, where they are bounded
}

// Run measures the node that c asks, until cfg says that it is enough or ctx ends. It returns what was measured in either
// case, and an error when the node refuses a call or goes away. Entries whose ack did not come within 2 s of the end of
// ctx may be in the log all the same.
func Run(ctx context.Context, c *client.Client, cfg Config) (total Span, err error) {
	if err := cfg.Check(); err != nil {
		return total, err
	}
	r := &run{Config: cfg, client: c, stop: ctx.Done()}
	r.left.Store(int64(cfg.Entries))
	if cfg.Read {
		status, err := c.Status(ctx)
		if err == nil && status.Entries == 0 {
			err = ErrNothing
		}
		if err != nil {
			return total, err
		}
		r.next = status.Next
	}
	if cfg.Length > 0 {
		end, cancel := context.WithTimeout(ctx, cfg.Length)
		defer cancel()
		r.stop = end.Done()
	}
	calling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	over := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel()
		case <-over:
		}
	})
	defer unhook()
	r.begun = time.Now()
	workers := make([]*worker, cfg.Workers)
	calls, callCtx := errgroup.WithContext(calling)
	for i := range workers {
		workers[i] = newWorker(r)
		calls.Go(func() error { return workers[i].work(callCtx) })
	}
	go func() {
		defer close(over)
		err = calls.Wait()
	}()
	total = r.gather(workers, over)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // they were cut off
	}
	return total, err
}

// gather tells what each second has brought until all is over, and returns the whole.
func (r *run) gather(workers []*worker, over <-chan struct{}) (total Span) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-tick.C:
		case <-over:
			done = true
		}
		span := Span{From: total.To, To: time.Since(r.begun)}
		for _, w := range workers {
			w.give(&span)
		}
		if r.Each != nil && span.Calls > 0 {
			r.Each(&span)
		}
		to := span.To
		total.take(&span)
		total.To = to
	}
	return total
}

// claim returns of how many entries the next call is: 0 for none any more.
func (r *run) claim(ctx context.Context) int {
	select {
	case <-r.stop:
		return 0
	case <-ctx.Done():
		return 0
	default:
	}
	if r.Entries == 0 {
		return r.PerCall
	}
	left := r.left.Add(-int64(r.PerCall)) + int64(r.PerCall)
	return int(max(0, min(left, int64(r.PerCall))))
}
