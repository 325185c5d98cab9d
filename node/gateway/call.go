package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
)

// call is one call, as the log tells it.
type call struct {
	request string // its number
	token   string // whose it is; empty for nobody's
	began   time.Time
}

// callKey is the key of a context's call.
type callKey struct{}

// newCall returns a call with a number that no other has.
func newCall() *call {
	var b [8]byte
	_, _ = rand.Read(b[:]) // which never fails
	return &call{request: hex.EncodeToString(b[:]), began: time.Now()}
}

// end tells the log of a call that is over, and of a handler that has panicked, which it passes on to the server as
// [http.ErrAbortHandler].
func (g *Gateway) end(c *call, p *paced, r *http.Request) {
	failed := recover()
	if failed != nil && failed != http.ErrAbortHandler {
		g.logger.Error("call failed", "request", c.request, "method", r.Method, "target", api.RedactedTarget(r.URL), "panic", failed, "stack", string(debug.Stack()))
	}
	p.over()
	if g.logger.Enabled(r.Context(), slog.LevelDebug) {
		g.logger.Debug("call", "request", c.request, "method", r.Method, "target", api.RedactedTarget(r.URL), "status", p.status,
			"bytes", p.bytes, "took", time.Since(c.began), "token", c.token, "remote", r.RemoteAddr, "host", api.Redacted(r.Host))
	}
	if failed != nil {
		panic(http.ErrAbortHandler)
	}
}

// Enter lets a call in that a token allows, unless there are too many, as [server.Config.Enter] is to. Leave is called
// when it is over.
func (g *Gateway) Enter(ctx context.Context, grant *access.Grant) (leave func(), err error) {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		c.token = grant.Name
	}
	done, err := g.allowance.enter(grant.Name, time.Now())
	if err != nil {
		return nil, err
	}
	m, ok := ctx.Value(memberKey{}).(*member)
	if !ok {
		return done, nil
	}
	stay := g.crowd.enter(m)
	return func() {
		stay()
		done()
	}, nil
}
