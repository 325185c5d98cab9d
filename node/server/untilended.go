package server

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
)

// The end of a call whose grant has ended: how long it may go on reading, and how long after that it may still write, so
// that the end of an answer that says why gets out.
const (
	endReading = 2 * time.Second
	endWriting = time.Second
)

// errEnded is why a call ends whose token does.
var errEnded = &api.Error{Code: api.Unauthorized, Message: "the token or ticket of this call has expired or was revoked meanwhile"}

// untilEnded returns a context for the call that w answers which ends, with errEnded as its cause, when grant does. A
// handler that waits for its client then, one that neither reads nor sends, is freed after 3 s. The caller calls
// over when the call is over.
func untilEnded(ctx context.Context, w http.ResponseWriter, grant *access.Grant) (_ context.Context, over func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	c := &ending{cancel: cancel, control: http.NewResponseController(w)}
	unhook := grant.OnEnd(c.end)
	return ctx, func() {
		unhook()
		c.over()
		cancel(nil)
	}
}

// ending is the end of one call.
type ending struct {
	cancel  context.CancelCauseFunc
	control *http.ResponseController

	mu    sync.Mutex  // guards what follows, and that no deadline is set once the call is over
	timer *time.Timer // nil while the grant is good
	done  bool        // the call is over
}

func (c *ending) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return
	}
	c.cancel(errEnded)
	c.timer = time.AfterFunc(endReading, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.done {
			_ = c.control.SetReadDeadline(time.Now()) // where there are none, neither waits
			_ = c.control.SetWriteDeadline(time.Now().Add(endWriting))
		}
	})
}

func (c *ending) over() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
	if c.timer != nil {
		c.timer.Stop()
	}
}
