package client

import (
	"context"
	"errors"
	"time"

	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
)

// Fetch returns the next batch of a follower, which the caller has until its lease runs out: with [Client.Ack] it is done,
// with [Client.Nack] it comes again, and [Client.Extend] makes the lease longer. Where there is none in time the batch
// has no lease. It is refused with [api.Leased] while another consumer has a batch of the follower.
func (c *Client) Fetch(ctx context.Context, r api.FetchRequest) (api.Fetched, error) {
	return post[api.Fetched](ctx, c, "fetch", followerPath("fetch", r.Name, nil), r)
}

// Ack says that the batch of a lease was handled: the follower's place is behind it, durably, when Ack returns. It
// returns how many entries that were. It is refused with [api.LeaseLost] when the batch comes again, or was settled
// before.
func (c *Client) Ack(ctx context.Context, name, lease string) (uint64, error) {
	done, err := post[api.Counted](ctx, c, "ack", followerPath("ack", name, nil), api.AckRequest{Lease: lease})
	return done.Entries, err
}

// Nack says that the batch of a lease was not handled: see [api.NackRequest]. It returns how many entries that were. It
// is refused as [Client.Ack] is.
func (c *Client) Nack(ctx context.Context, name string, r api.NackRequest) (uint64, error) {
	done, err := post[api.Counted](ctx, c, "nack", followerPath("nack", name, nil), r)
	return done.Entries, err
}

// Extend puts off the end of a lease. It is refused as [Client.Ack] is.
func (c *Client) Extend(ctx context.Context, name string, r api.ExtendRequest) (api.Extended, error) {
	return post[api.Extended](ctx, c, "extend", followerPath("extend", name, nil), r)
}

const (
	// consumeWait is how long one fetch of [Client.Consume] waits.
	consumeWait = 30 * time.Second
	// lastWord is how long a consumer that ends tries to say what became of its last batch.
	lastWord = 5 * time.Second
)

// Consume gives the handler batch after batch of a follower, one at a time, until ctx ends, which is an error. Several
// consumers, in several processes, may have the same follower: each batch is given to one of them.
//
// Consume extends the lease while the handler works. Once that has returned nil the batch is acked; an error of it is
// a nack, which moves nothing: the batch comes again, here or to another consumer, after a pause. Where the lease is lost
// all the same the handler's context ends, with an [api.Error] of code [api.LeaseLost] as its cause. So each entry is
// handled at least once. When ctx ends while the handler works, a batch that it has not handled is given back as if
// nobody had had it.
//
// Consume waits, with growing pauses, while another consumer has the batch, a follower of the name runs otherwise, or the
// node stops or is away. A refusal that will not pass by itself ends it, and so does a node that is away when Consume
// begins. The Wait of the request is 30 s unless it is set, and no end: each fetch waits so long.
func (c *Client) Consume(ctx context.Context, r api.FetchRequest, handler func(ctx context.Context, b api.Fetched) error) error {
	if r.Wait == 0 {
		r.Wait = age.Age(consumeWait)
	}
	if r.Lease == 0 {
		r.Lease = age.Age(api.DefaultLease)
	}
	begun := false
	for failures := 0; ; {
		b, err := c.Fetch(ctx, r)
		if err == nil {
			begun = true
			if b.Lease != "" {
				err = c.handle(ctx, r, b, handler)
			}
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil:
			failures = 0
			continue
		case !outlasted(err, begun):
			return err
		}
		failures++
		if !c.rest(ctx, failures, err) {
			return context.Cause(ctx)
		}
	}
}

// outlasted reports whether a consumer waits where a call that has ended with err; begun says that the node was there.
func outlasted(err error, begun bool) bool {
	if refusal, ok := errors.AsType[*api.Error](err); ok {
		switch refusal.Code {
		case api.Leased, api.LeaseLost, api.Busy, api.Stopping, api.Uncertain, api.NoRoom:
			return true
		}
		return false
	}
	return begun && errors.Is(err, api.ErrLeft)
}

// sleep waits, or returns why ctx has ended.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// handle gives the handler a batch, extends its lease meanwhile, and tells the node what became of it.
func (c *Client) handle(ctx context.Context, r api.FetchRequest, b api.Fetched, handler func(context.Context, api.Fetched) error) error {
	working, end := context.WithCancelCause(ctx)
	extending := make(chan struct{})
	go func() {
		defer close(extending)
		c.keep(working, r, b.Lease, end)
	}()
	defer func() {
		end(nil) // also where the handler panics
		<-extending
	}()
	failed := handler(working, b)
	if lost, ok := errors.AsType[*api.Error](context.Cause(working)); ok && ctx.Err() == nil {
		return lost
	}
	say, done := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer done()
	var err error
	switch {
	case failed == nil:
		_, err = c.Ack(say, r.Name, b.Lease)
	case ctx.Err() != nil:
		_, err = c.Nack(say, r.Name, api.NackRequest{Lease: b.Lease, Untouched: true})
	default:
		_, err = c.Nack(say, r.Name, api.NackRequest{Lease: b.Lease, Error: reasonOf(failed)})
	}
	return err
}

// keep extends a lease until ctx ends. Once the lease is lost, or is over since the node was not heard of, it calls end.
func (c *Client) keep(ctx context.Context, r api.FetchRequest, lease string, end context.CancelCauseFunc) {
	lasts := time.Duration(r.Lease)
	over := time.Now().Add(lasts)
	for sleep(ctx, lasts/3) == nil {
		asked := time.Now()
		call, done := context.WithDeadline(ctx, over)
		_, err := c.Extend(call, r.Name, api.ExtendRequest{Lease: lease, By: r.Lease})
		done()
		refusal, refused := errors.AsType[*api.Error](err)
		switch {
		case err == nil:
			over = asked.Add(lasts)
		case refused && refusal.Code == api.LeaseLost:
			end(refusal)
			return
		case !time.Now().Before(over):
			end(&api.Error{Code: api.LeaseLost, Message: "the lease could not be extended in time: " + err.Error()})
			return
		}
	}
}
