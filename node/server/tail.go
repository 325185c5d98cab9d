package server

import (
	"context"
	"iter"
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/quipulog/quipu/eventlog"
)

// tailAhead is how many items a tail may have read before its client has taken them.
const tailAhead = 64

// getTail streams the entries that a query takes in arrival order, and then new ones until the client
// leaves; if they are asked for, so are the transient events that are heard meanwhile.
func (s *server) getTail(w http.ResponseWriter, r *http.Request) {
	q, transient, err := readTailQuery(r)
	if err == nil && transient && s.daemon == nil {
		err = noListeners
	}
	if err != nil {
		s.refuse(w, err)
		return
	}
	if asked := r.URL.Query(); !asked.Has("offset") && !asked.Has("after") {
		// From the end as it is now: once the client sees the answer's head, nothing that is
		// appended is missed.
		q.FromOffset = s.log.Stats().Next
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	t := tailing{s: s, q: q, ahead: make(chan []byte, tailAhead)}
	if transient {
		t.left, t.q.Limit = q.Limit, 0 // The limit is over both.
		t.heard = s.log.Listen(ctx, listenQuery(q), eventlog.ListenConfig{})
	}

	// The reading runs beside the writing, so that a line is sent at once when no other follows it,
	// and together with the others when many do.
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	var ended error // why reading ended; read after ahead is closed
	reading.Go(func() {
		defer close(t.ahead)
		ended = t.read(ctx, cancel)
	})
	out := s.newLines(w)
	switch t.send(out) {
	case tailOver:
		out.end(ended)
	case tailLimit:
		out.end(nil)
	}
}

// tailing is one tail that is served.
type tailing struct {
	s     *server
	q     eventlog.Query
	heard iter.Seq2[eventlog.Heard, error] // transient events; nil when none are wanted
	left  int                              // of a limit over entries and transient events; 0 without one
	ahead chan []byte                      // items that were read: an entry, or a transient event
}

// read reads ahead of the client until the tail is over, and returns why: nil at the query's limit. When
// entries end, stop ends the listening.
func (t *tailing) read(ctx context.Context, stop func()) error {
	if t.heard == nil {
		return t.readEntries(ctx)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		err := t.readEntries(ctx)
		stop()
		return err
	})
	group.Go(func() error { return t.readHeard(ctx) })
	return group.Wait()
}

func (t *tailing) readEntries(ctx context.Context) error {
	for e, err := range t.s.log.Tail(ctx, t.q) {
		if err != nil {
			return err
		}
		if err := t.put(ctx, e.AppendJSON(nil, &e.Offset)); err != nil {
			return err
		}
	}
	return nil
}

// readHeard reads transient events. Where some were missed, a line before the next one says how many.
func (t *tailing) readHeard(ctx context.Context) error {
	for h, err := range t.heard {
		if err != nil {
			return err
		}
		var item []byte
		if h.Missed > 0 {
			item = append(strconv.AppendUint(append(item, `{"missed":`...), h.Missed, 10), "}\n"...)
		}
		if err := t.put(ctx, h.AppendJSON(item)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tailing) put(ctx context.Context, item []byte) error {
	select {
	case t.ahead <- item:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// How sending a tail ends.
type tailEnd uint8

const (
	tailLeft  tailEnd = iota // the client has left
	tailOver                 // there is no more
	tailLimit                // as many were sent as were wanted
)

// send writes items until there are no more.
func (t *tailing) send(out *lines) tailEnd {
	if err := out.begin(); err != nil {
		return tailLeft
	}
	for item := range t.ahead {
		t.left--
		err := out.put(item)
		if err == nil && (len(t.ahead) == 0 || t.left == 0) {
			err = out.flush()
		}
		switch {
		case err != nil:
			return tailLeft
		case t.left == 0:
			return tailLimit
		}
	}
	return tailOver
}
