package gateway

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// paced is the answer of a call whose client has [writeFor] to take each part of it, and [bodyFor] to send its body
// unless the handler takes a stream: one that does neither holds nothing for long.
type paced struct {
	http.ResponseWriter
	control *http.ResponseController
	// armed says that a deadline is one of its own that ends the call when it passes, though nobody writes: in HTTP/2.
	armed bool

	status int   // of the answer; 0 before
	bytes  int64 // of its body
	sent   bool  // the whole body of the request has come

	mu    sync.Mutex // guards what follows, and the order of deadlines
	until time.Time  // the handler's own deadline; zero for none
}

// newPaced returns the answer of a call, and the request with the body that is waited for.
func newPaced(w http.ResponseWriter, r *http.Request) *paced {
	p := &paced{ResponseWriter: w, control: http.NewResponseController(w), armed: r.ProtoMajor > 1, sent: r.ContentLength == 0}
	// Where there are no deadlines, as in a test's recorder, nobody waits either.
	if !p.armed {
		_ = p.control.SetWriteDeadline(time.Time{}) // that of the call before
	}
	if !p.sent {
		_ = p.control.SetReadDeadline(time.Now().Add(bodyFor))
		r.Body = &pacedBody{r.Body, p}
	}
	return p
}

// over is called when the handler has returned: what is still to be sent and read has an end, too.
func (p *paced) over() {
	p.begin()
	if !p.sent {
		_ = p.control.SetReadDeadline(time.Now().Add(lastFor))
	}
}

// begin sets the deadline of what is written next.
func (p *paced) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := time.Now().Add(writeFor)
	if !p.until.IsZero() && p.until.Before(at) {
		at = p.until
	}
	_ = p.control.SetWriteDeadline(at)
}

// end lifts the deadline of what was written.
func (p *paced) end() {
	if !p.armed {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.control.SetWriteDeadline(p.until)
}

// SetWriteDeadline is what [http.ResponseController.SetWriteDeadline] calls: nothing is written after it, whatever the
// pace.
func (p *paced) SetWriteDeadline(at time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = at
	return p.control.SetWriteDeadline(at)
}

// WriteHeader notes the status.
func (p *paced) WriteHeader(status int) {
	if p.status == 0 && status >= http.StatusOK {
		p.status = status
	}
	p.begin()
	p.ResponseWriter.WriteHeader(status)
	p.end()
}

func (p *paced) Write(b []byte) (n int, err error) {
	if p.status == 0 {
		p.status = http.StatusOK
	}
	for first := true; err == nil && (first || n < len(b)); first = false {
		var wrote int
		p.begin()
		wrote, err = p.ResponseWriter.Write(b[n:min(len(b), n+writePart)])
		p.end()
		n += wrote
	}
	p.bytes += int64(n)
	return n, err
}

// FlushError is what [http.ResponseController.Flush] calls.
func (p *paced) FlushError() error {
	p.begin()
	defer p.end()
	return p.control.Flush()
}

// Unwrap returns what an [http.ResponseController] sets other deadlines of.
func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// pacedBody is the body of a request.
type pacedBody struct {
	io.ReadCloser
	p *paced
}

func (b *pacedBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if err == io.EOF && !b.p.sent {
		// Behind the body the server reads on, to learn whether the client leaves: a deadline that passes is that to it.
		b.p.sent = true
		_ = b.p.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
