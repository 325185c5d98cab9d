package gateway

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// allowance is how many calls may be made: in all, by one token, and by one token in a second.
type allowance struct {
	rate int // calls a second

	mu      sync.Mutex // guards what follows
	all     int        // calls under way
	byToken map[string]*use
}

// use is what one token has of the allowance.
type use struct {
	calls int // under way
	// paid is up to when its calls are paid for, each with a second's part: a token that has not called for a second may
	// make a second's calls at once (the generic cell rate algorithm, ITU-T I.371).
	paid time.Time
}

// enter lets a call of a token in, which is over when leave is called.
func (a *allowance) enter(token string, now time.Time) (leave func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all >= maxCalls {
		return nil, &api.Error{Code: api.Busy, Message: fmt.Sprintf("%d calls are under way, as many as may be", a.all)}
	}
	u := a.use(token, now)
	if u.calls >= maxTokenCalls {
		return nil, &api.Error{Code: api.TooMany, Message: fmt.Sprintf("token %s has %d calls under way, as many as one may", token, u.calls)}
	}
	if u.paid.Before(now) {
		u.paid = now
	}
	paid := u.paid.Add(time.Second / time.Duration(a.rate))
	if paid.Sub(now) > time.Second {
		return nil, &api.Error{Code: api.TooMany, Message: fmt.Sprintf("token %s makes more than %d calls a second", token, a.rate)}
	}
	u.paid = paid
	u.calls++
	a.all++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		u.calls--
		a.all--
	}, nil
}

// use returns what a token has. Of those that have nothing no more are kept than there can be calls.
func (a *allowance) use(token string, now time.Time) *use {
	u := a.byToken[token]
	if u != nil {
		return u
	}
	if len(a.byToken) > maxCalls {
		maps.DeleteFunc(a.byToken, func(_ string, u *use) bool { return u.calls == 0 && !u.paid.After(now) })
	}
	u = new(use)
	a.byToken[token] = u
	return u
}
