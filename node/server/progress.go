package server

import (
	"net/http"
	"sync"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// tellEvery is how often a client hears how far the answer to its call is.
const tellEvery = 250 * time.Millisecond

// tells is the handler of a route whose answer takes long, and is one JSON value: what do returns, or why there is
// none, and before it lines that say how far it is. What fails before the first of those is a status. Do calls tell
// as often as it likes, from any goroutine, inside transactions too: it never waits for the client.
func (s *server) tells(do func(r *http.Request, tell func(api.Progress)) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t := telling{out: s.newLines(w), over: make(chan struct{})}
		var saying sync.WaitGroup
		saying.Go(t.run)
		value, err := do(r, t.tell)
		close(t.over)
		saying.Wait()
		if err == nil {
			err = t.out.putValue(value) // one of writing is the client's going away, which end says to nobody
		}
		t.out.end(err)
	}
}

// telling tells one client how far the answer to its call is.
type telling struct {
	out  *lines        // of run, until that has returned
	over chan struct{} // closed when nothing is to be told any more

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

// run tells until it is over or the client has left.
func (t *telling) run() {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-t.over:
			return
		case <-tick.C:
		}
		p, fresh := t.take()
		if !fresh {
			continue
		}
		if t.out.putValue(api.ProgressLine{Progress: &p}) != nil || t.out.flush() != nil {
			return
		}
	}
}
