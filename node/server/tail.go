package server

import (
	"context"
	"net/http"
	"sync"
)

// tailAhead is how many entries a tail may have read before its client has taken them.
const tailAhead = 64

// getTail streams the entries that a query takes in arrival order, and then new ones until the client
// goes away.
func (s *server) getTail(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	if !r.URL.Query().Has("offset") {
		// From the end as it is now: once the client sees the answer's head, nothing that is
		// appended is missed.
		q.FromOffset = s.log.Stats().Next
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()

	// The reading runs beside the writing, so that a line is sent at once when no other follows it,
	// and together with the others when many do.
	ahead := make(chan tailed, tailAhead)
	reading.Go(func() {
		defer close(ahead)
		for e, err := range s.log.Tail(ctx, q) {
			t := tailed{err: err}
			if err == nil {
				t.line = e.AppendJSON(nil, &e.Offset)
			}
			select {
			case ahead <- t:
			case <-ctx.Done():
				return
			}
		}
	})
	s.sendTail(s.newLines(w), ahead)
}

// tailed is a line of a tail, or what ended it.
type tailed struct {
	line []byte
	err  error
}

func (s *server) sendTail(out *lines, ahead <-chan tailed) {
	if err := out.begin(); err != nil {
		return
	}
	for t := range ahead {
		if t.err != nil {
			out.end(t.err)
			return
		}
		err := out.put(t.line)
		if err == nil && len(ahead) == 0 {
			err = out.flush()
		}
		if err != nil {
			return // the client has gone
		}
	}
	out.end(nil)
}
