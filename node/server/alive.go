package server

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// keepAlive makes a handler of h that says again and again that the node lives while h has nothing to say,
// to clients whose request has [api.NodeHeader]: they can then tell one that works from one that is stopped.
// Others hear the answer and nothing else: many take the first head that comes for that of the answer. Every
// answer has the header, too.
func keepAlive(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &alive{w: w, header: http.Header{api.NodeHeader: {"1"}}}
		if r.Header.Get(api.NodeHeader) != "" {
			a.mu.Lock()
			a.timer = time.AfterFunc(api.KeepAlive, a.tick)
			a.mu.Unlock()
		}
		defer a.end()
		h.ServeHTTP(a, r)
	})
}

// alive is the answer of one call, which its handler and its timer write to in turn.
type alive struct {
	w http.ResponseWriter

	// header is the handler's own until it is sent: interim responses read that of w.
	header http.Header

	mu    sync.Mutex  // guards w and what follows
	timer *time.Timer // nil for a client that does not know what it would say
	begun bool        // the head was sent
	lines bool        // the answer is a stream of lines
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
	case a.begun && a.lines && !a.split:
		// An error is the client's going away, which the handler learns by itself.
		_, _ = a.w.Write([]byte{'\n'})
		_ = http.NewResponseController(a.w).Flush()
	}
	a.spoke = false
	a.timer.Reset(api.KeepAlive)
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
	a.begun, a.lines = true, a.header.Get("Content-Type") == contentLines
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
