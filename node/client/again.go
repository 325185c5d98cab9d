package client

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/quipulog/quipu/crdt/retry"
	"github.com/quipulog/quipu/node/api"
)

// The pauses before what has failed is made again.
const (
	lowPause  = 100 * time.Millisecond
	highPause = 5 * time.Second
	// maxAsked bounds the pause that a node asks for, and is kept. One that asks for more is heard by the caller.
	maxAsked = time.Minute
)

// again makes a call, and makes it again while it fails for a reason that passes, as often as the client does so. One that
// changes nothing is safe to make twice; any other is only made again where the node has never taken it.
func (c *Client) again(ctx context.Context, safe bool, call func() error) error {
	for n := 1; ; n++ {
		err := call()
		if n > c.retries || !passes(err, safe) {
			return err
		}
		if !c.rest(ctx, n, err) {
			return context.Cause(ctx)
		}
	}
}

// passes reports whether a call that has failed may be made again, and may then succeed.
func passes(err error, safe bool) bool {
	if refusal, ok := errors.AsType[*api.Error](err); ok {
		passes := refusal.RetryAfter > 0 || refusal.Code == api.Stopping || refusal.Code == api.Uncertain
		return safe && refusal.RetryAfter <= maxAsked && passes
	}
	if _, distrusted := errors.AsType[*tls.CertificateVerificationError](err); distrusted {
		return false
	}
	return untaken(err) || safe && errors.Is(err, api.ErrLeft)
}

// rest pauses after the n-th failure in a row, and no less than the node asks for. It reports whether ctx goes on.
func (c *Client) rest(ctx context.Context, n int, err error) bool {
	pause := retry.After(n, lowPause, highPause, rand.N[time.Duration])
	if refusal, ok := errors.AsType[*api.Error](err); ok {
		pause += refusal.RetryAfter
	}
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// untakenError is why no connection was made: nothing was sent, and nothing of the call's body was read.
type untakenError struct{ error }

func (e *untakenError) Unwrap() error { return e.error }

func untaken(err error) bool {
	_, is := errors.AsType[*untakenError](err)
	return is
}

// retryAfter reads how long an answer asks to wait: whole seconds. What else it may be is a date, which no node sends.
func retryAfter(head http.Header) time.Duration {
	seconds, err := strconv.ParseUint(head.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
