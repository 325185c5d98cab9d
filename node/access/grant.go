package access

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// Grant is what a client may do that has shown a token, or a ticket. It does not change.
type Grant struct {
	// Name is that of the token.
	Name string
	// Scopes, Kinds and Subjects are what it allows: see [api.Token].
	Scopes          []api.Scope
	Kinds, Subjects []string
	// Session says that it is that of somebody who has signed in with a code: it reads, and moves no reader's place.
	Session bool
	// Expires is from when on it is no good any more; the zero time is never.
	Expires time.Time
	// Done is closed when the token has expired or was revoked; a ticket's own end is Expires.
	Done <-chan struct{}

	hash hash
	// life ends with Done: it is that of the token, not of a call.
	life context.Context
}

// OnEnd calls end once, in a goroutine of its own, when the grant has ended: its token was revoked, or it has expired.
// Stop calls that off.
func (g *Grant) OnEnd(end func()) (stop func()) {
	end = sync.OnceFunc(end)
	unhook := context.AfterFunc(g.life, end)
	if g.Expires.IsZero() {
		return func() { unhook() }
	}
	timer := time.AfterFunc(time.Until(g.Expires), end)
	return func() {
		unhook()
		timer.Stop()
	}
}

// Allows reports whether the grant has a scope, or one that includes it.
func (g *Grant) Allows(scope api.Scope) bool {
	return slices.ContainsFunc(g.Scopes, func(has api.Scope) bool {
		return has == scope || has == api.ScopeAdmin || has == api.ScopeRead && scope == api.ScopeMetrics
	})
}

// Narrow reports whether the grant is for some entries alone.
func (g *Grant) Narrow() bool { return len(g.Kinds)+len(g.Subjects) > 0 }

// Takes reports whether the grant is for entries of a kind with a subject.
func (g *Grant) Takes(kind, subject string) bool {
	ofKind := func(k string) bool {
		if strings.HasSuffix(k, eventlog.AnyKind) {
			return strings.HasPrefix(kind, k[:len(k)-1])
		}
		return kind == k
	}
	ofSubject := func(prefix string) bool { return strings.HasPrefix(subject, prefix) }
	return (len(g.Kinds) == 0 || slices.ContainsFunc(g.Kinds, ofKind)) &&
		(len(g.Subjects) == 0 || slices.ContainsFunc(g.Subjects, ofSubject))
}

// grantKey is the key of a context's grant.
type grantKey struct{}

// With returns a context of a call that is allowed what g says.
func With(ctx context.Context, g *Grant) context.Context {
	return context.WithValue(ctx, grantKey{}, g)
}

// Of returns what the call is allowed whose context ctx is: nil for everything, as on the node's own socket.
func Of(ctx context.Context) *Grant {
	g, _ := ctx.Value(grantKey{}).(*Grant)
	return g
}
