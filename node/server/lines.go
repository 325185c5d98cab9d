package server

import (
	"bufio"
	"encoding/json"
	"io"
	"iter"
	"net/http"

	"github.com/quipulog/quipu/node/api"
)

// lines is an answer that is a stream of lines. Nothing is sent before the first line, [lines.begin] or
// [lines.end], so that what goes wrong before can still be a status.
type lines struct {
	s     *server
	w     http.ResponseWriter
	r     *http.Request
	rc    *http.ResponseController
	out   *bufio.Writer
	begun bool
	// compresses says that the answer may be compressed; into is then what out writes into, once it has begun.
	compresses bool
	into       io.WriteCloser
}

// The media types of answers in JSON, of lines of it, and of server-sent events.
const (
	contentJSON   = "application/json"
	contentLines  = "application/x-ndjson"
	contentEvents = "text/event-stream"
	contentText   = "text/plain"
)

func (s *server) newLines(w http.ResponseWriter, r *http.Request) *lines {
	return &lines{s: s, w: w, r: r, rc: http.NewResponseController(w), out: bufio.NewWriterSize(w, 64<<10)}
}

// newCompressedLines returns an answer in lines that is compressed where the client wants that. Whole lines, of 64 KiB and
// less together, are passed on as they come.
func (s *server) newCompressedLines(w http.ResponseWriter, r *http.Request) *lines {
	l := s.newLines(w, r)
	l.compresses = true
	return l
}

// begin sends the head of the answer.
func (l *lines) begin() error {
	l.start()
	return l.flush()
}

func (l *lines) start() {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", contentLines)
		if l.compresses {
			l.into = compressed(l.w, l.r)
			l.out.Reset(l.into)
		}
		l.w.WriteHeader(http.StatusOK)
	}
}

// put adds a line; it keeps nothing of b. What it passes on are whole lines, so that between two calls
// there is always room for one that says that the node lives.
func (l *lines) put(b []byte) error {
	l.start()
	if len(b) >= l.out.Available() {
		if err := l.out.Flush(); err != nil {
			return err
		}
	}
	if _, err := l.out.Write(b); err != nil {
		return err
	}
	if err := l.out.WriteByte('\n'); err != nil || len(b) < l.out.Size() {
		return err
	}
	return l.out.Flush()
}

// putValue adds a value as a line.
func (l *lines) putValue(value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return l.put(b)
}

// stream answers with a line for each of some values, which may end with an error.
func stream[V, T any](s *server, w http.ResponseWriter, r *http.Request, values iter.Seq2[V, error], tell func(V) T) {
	out := s.newLines(w, r)
	for v, err := range values {
		if err != nil {
			out.end(err)
			return
		}
		if err := out.putValue(tell(v)); err != nil {
			return // the client has left
		}
	}
	out.end(nil)
}

// each yields values of which all are at hand, or why there are none.
func each[V any](all []V, err error) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		if err != nil {
			yield(*new(V), err)
			return
		}
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// flush sends what was put.
func (l *lines) flush() error {
	if err := l.out.Flush(); err != nil {
		return err
	}
	return l.rc.Flush()
}

// end ends the answer: with err as its last line, or as its only content when nothing was sent yet. An
// error of writing is the client's going away, which nobody is left to be told of.
func (l *lines) end(err error) {
	if err != nil && !l.begun {
		l.s.refuse(l.w, l.r, err)
		return
	}
	l.start()
	if err != nil {
		_ = l.putValue(api.Envelope{Error: l.s.told(l.r.Context(), err)})
	}
	if err := l.out.Flush(); err == nil && l.into != nil {
		_ = l.into.Close()
	}
	_ = l.rc.Flush()
}
