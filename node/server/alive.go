package server

import (
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// keepAlive makes a handler of h that says again and again that the node lives while h has nothing to say,
// to clients whose request has [api.NodeHeader]: they can then tell one that works from one that is stopped.
// Others hear the answer and nothing else: many take the first head that comes for that of the answer. Only where the
// answer is a stream of events, to which comments belong, all are told. Every answer has the header, too.
func keepAlive(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &alive{w: w, header: http.Header{api.NodeHeader: {"1"}}, every: heartbeat}
		if r.Header.Get(api.NodeHeader) != "" {
			a.mu.Lock()
			a.every = api.KeepAlive
			a.timer = time.AfterFunc(a.every, a.tick)
			a.mu.Unlock()
		}
		defer a.end()
		h.ServeHTTP(a, r)
	})
}

// heartbeat is how often a stream of events says that the node lives, to whoever reads it: often enough for what stands
// between, and gives up connections on which nothing is said.
const heartbeat = 15 * time.Second

// alive is the answer of one call, which its handler and its timer write to in turn.
type alive struct {
	w http.ResponseWriter

	// header is the handler's own until it is sent: interim responses read that of w.
	header http.Header
	every  time.Duration // how often it is said that the node lives

	mu    sync.Mutex  // guards w and what follows
	timer *time.Timer // nil for a client that does not know what it would say
	begun bool        // the head was sent
	beat  string      // the line of the answer by which nothing is said; empty where it has none
	split bool        // the last write ended within a line
	spoke bool        // something was said since the last tick
	ended bool        // the handler has returned
}

// tick says that the node lives, unless something else was said or nothing can be.
func (a *alive) tick() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return
	}
	switch {
	case a.spoke:
	case !a.begun:
		a.w.WriteHeader(http.StatusProcessing)
	case a.begun && a.beat != "" && !a.split:
		// An error is the client's going away, which the handler learns by itself.
		_, _ = io.WriteString(a.w, a.beat)
		_ = http.NewResponseController(a.w).Flush()
	}
	a.spoke = false
	a.timer.Reset(a.every)
}

func (a *alive) Header() http.Header { return a.header }

func (a *alive) WriteHeader(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begin(status)
}

func (a *alive) begin(status int) {
	if a.begun {
		return
	}
	a.begun = true
	switch a.header.Get("Content-Type") {
	case contentLines:
		a.beat = "\n"
	case contentEvents:
		a.beat = ":\n"
		if a.timer == nil {
			a.timer = time.AfterFunc(a.every, a.tick)
		}
	}
	maps.Copy(a.w.Header(), a.header)
	a.w.WriteHeader(status)
}

func (a *alive) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begin(http.StatusOK)
	a.spoke = true
	if len(b) > 0 {
		a.split = b[len(b)-1] != '\n'
	}
	return a.w.Write(b)
}

// FlushError is what [http.ResponseController.Flush] calls.
func (a *alive) FlushError() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begin(http.StatusOK)
	return http.NewResponseController(a.w).Flush()
}

// Unwrap returns what an [http.ResponseController] sets deadlines of.
func (a *alive) Unwrap() http.ResponseWriter { return a.w }

// end says nothing more. Trailers, which the handler has set since the head was sent, are passed on.
func (a *alive) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	if a.timer != nil {
		a.timer.Stop()
	}
	maps.Copy(a.w.Header(), a.header)
}
