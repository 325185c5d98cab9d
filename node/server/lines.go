package server

import (
	"bufio"
	"encoding/json"
	"iter"
	"net/http"

	"github.com/quipulog/quipu/node/api"
)

// lines is an answer that is a stream of lines. Nothing is sent before the first line, [lines.begin] or
// [lines.end], so that what goes wrong before can still be a status.
type lines struct {
	s     *server
	w     http.ResponseWriter
	rc    *http.ResponseController
	out   *bufio.Writer
	begun bool
}

// contentLines is the media type of an answer of lines.
const contentLines = "application/x-ndjson"

func (s *server) newLines(w http.ResponseWriter) *lines {
	return &lines{s: s, w: w, rc: http.NewResponseController(w), out: bufio.NewWriterSize(w, 64<<10)}
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
func stream[V, T any](s *server, w http.ResponseWriter, values iter.Seq2[V, error], tell func(V) T) {
	out := s.newLines(w)
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
		l.s.refuse(l.w, err)
		return
	}
	l.start()
	if err != nil {
		told := problem(err)
		if told.Code == api.Internal {
			l.s.logger.Error("stream failed", "err", err)
		}
		_ = l.putValue(api.Envelope{Error: told})
	}
	_ = l.flush()
}
