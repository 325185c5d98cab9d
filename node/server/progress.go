package server

import (
	"context"
	"net/http"
	"sync"

	"github.com/quipulog/quipu/node/api"
)

// tells declares a route whose answer takes long, and is one JSON value: what do returns, or why there is
// none, and before it lines that say how far it is. What fails before the first of those is a status. Do calls tell
// as often as it likes, from any goroutine, inside transactions too: it never waits for the client.
func tells[I, O any](rt *router, route string, op operation, do func(ctx context.Context, in *I, tell func(api.Progress)) (O, error)) {
	op.gives = media{contentLines: oneOf{*new(O), api.ProgressLine{}}}
	streams(rt, route, op, func(w http.ResponseWriter, r *http.Request, in *I) {
		t := telling{out: rt.s.newLines(w, r)}
		end := api.Telling(t.say)
		value, err := do(r.Context(), in, t.tell)
		end()
		if err == nil {
			err = t.out.putValue(value) // one of writing is the client's going away, which end says to nobody
		}
		t.out.end(err)
	})
}

// telling tells one client how far the answer to its call is.
type telling struct {
	out *lines // of say, until that is called no more

	mu sync.Mutex
	// The fields below are guarded by mu.

	reached api.Progress
	fresh   bool // nobody was told yet
}

func (t *telling) tell(p api.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reached, t.fresh = p, true
}

func (t *telling) take() (p api.Progress, fresh bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, fresh = t.reached, t.fresh
	t.fresh = false
	return p, fresh
}

// say tells what was not told yet, and reports whether the client is still there.
func (t *telling) say() bool {
	p, fresh := t.take()
	return !fresh || t.out.putValue(api.ProgressLine{Progress: &p}) == nil && t.out.flush() == nil
}
