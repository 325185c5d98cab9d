package eventlog

import (
	"errors"
	"fmt"
	"sync"
)

// ErrFollowing is returned by [Log.Follow] and [Log.Deliver] while a follower of that name runs in this
// process, and by [Log.RemoveFollower].
var ErrFollowing = errors.New("a follower of that name runs")

// claims are the followers that run. A log is open in one process, so nobody else has one.
type claims struct {
	mu     sync.Mutex // guards byName
	byName map[string]*claim
}

// claim is a follower that runs.
type claim struct {
	// moved is sent to when somebody else has moved the cursor.
	moved chan struct{}
}

func (c *claims) take(name string) (*claim, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName[name] != nil {
		return nil, fmt.Errorf("follower %q: %w", name, ErrFollowing)
	}
	if c.byName == nil {
		c.byName = make(map[string]*claim)
	}
	mine := &claim{moved: make(chan struct{}, 1)}
	c.byName[name] = mine
	return mine, nil
}

func (c *claims) release(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byName, name)
}

func (c *claims) has(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byName[name] != nil
}

// wake tells the follower called name, if it runs, that its cursor was moved.
func (c *claims) wake(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.byName[name]; f != nil {
		select {
		case f.moved <- struct{}{}:
		default: // it has not looked yet
		}
	}
}
