package server

import (
	"context"
	"net/http"
	"sync"

	"github.com/quipulog/quipu/eventlog"
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
	ahead := make(chan []byte, tailAhead)
	var ended error // why reading ended; read after ahead is closed
	reading.Go(func() {
		defer close(ahead)
		ended = s.readTail(ctx, q, ahead)
	})
	out := s.newLines(w)
	if s.sendTail(out, ahead) {
		out.end(ended)
	}
}

// readTail reads ahead of the client until the tail is over, and returns why: nil at its limit.
func (s *server) readTail(ctx context.Context, q eventlog.Query, ahead chan<- []byte) error {
	for e, err := range s.log.Tail(ctx, q) {
		if err != nil {
			return err
		}
		select {
		case ahead <- e.AppendJSON(nil, &e.Offset):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// sendTail writes lines until there are no more. It reports false when the client has gone.
func (s *server) sendTail(out *lines, ahead <-chan []byte) bool {
	if err := out.begin(); err != nil {
		return false
	}
	for line := range ahead {
		err := out.put(line)
		if err == nil && len(ahead) == 0 {
			err = out.flush()
		}
		if err != nil {
			return false
		}
	}
	return true
}
