package server

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// The bounds of what a tail may have read before its client has taken them: so many items, which take so many bytes, or one
// that takes more.
const (
	tailAhead      = 64
	tailAheadBytes = 256 << 10
)

// getTail tells the entries that a query takes in arrival order, and then new ones until the client leaves; if they are
// asked for, so are the transient events that are heard meanwhile. It tells them in lines, as server-sent events, or once.
func (s *server) getTail(w http.ResponseWriter, r *http.Request, _ *none) {
	w.Header().Set("Vary", "Accept")
	params := r.URL.Query()
	wait, once, err := api.TakePoll(params)
	if err != nil {
		err = invalid(err)
	}
	events := !once && accepted(r, contentLines, contentEvents) == contentEvents
	if last := r.Header.Get(api.LastEventID); err == nil && events && last != "" {
		params.Del(api.ParamOffset)
		params.Set(api.ParamAfter, last)
	}
	var q eventlog.Query
	var transient bool
	if err == nil {
		q, transient, err = readTailQuery(params)
	}
	switch {
	case err != nil:
	case transient && once:
		err = invalid(errors.New("transient events are heard while a tail runs: one that answers once hears none"))
	case transient && s.daemon == nil:
		err = noListeners
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if !params.Has(api.ParamOffset) && !params.Has(api.ParamAfter) {
		// From the end as it is now: once the client sees the answer's head, nothing that is
		// appended is missed.
		q.FromOffset = s.log.Stats().Next
	}
	switch {
	case once:
		s.poll(w, r, q, wait)
	case events:
		s.tailEvents(w, r, q, transient)
	default:
		s.sayBegin(w.Header(), q)
		s.tailLines(w, r, q, transient)
	}
}

// tailLines serves a tail, an item a line.
func (s *server) tailLines(w http.ResponseWriter, r *http.Request, q eventlog.Query, transient bool) {
	out := s.newLines(w, r)
	t := tailing{s: s, out: out, q: q,
		entry: func(e *eventlog.Entry) []byte { return e.AppendJSON(nil, &e.Offset) },
		heard: func(h *eventlog.Heard) []byte {
			var item []byte
			if h.Missed > 0 {
				item = append(appendMissed(item, h.Missed), '\n')
			}
			return h.AppendJSON(item)
		},
	}
	switch end, err := t.serve(r.Context(), transient); end {
	case tailOver:
		out.end(err)
	case tailLimit:
		out.end(nil)
	}
}

// appendMissed appends what says how many transient events were missed.
func appendMissed(b []byte, n uint64) []byte {
	return append(strconv.AppendUint(append(b, `{"missed":`...), n, 10), '}')
}

// sayBegin says in the head of a tail where it begins, so that who is cut off from it can go on, and where the log ends.
func (s *server) sayBegin(head http.Header, q eventlog.Query) {
	begin, end := max(q.FromOffset, q.After.Offset), s.log.Stats().Next
	if begin <= end {
		head.Set(api.CursorHeader, s.log.CursorAt(begin).String())
		head.Set(api.EndHeader, strconv.FormatUint(end, 10))
	}
}

// listen yields the transient events that a query takes.
func (s *server) listen(ctx context.Context, q eventlog.Query) iter.Seq2[eventlog.Heard, error] {
	return s.log.Listen(ctx, q, eventlog.ListenConfig{})
}

// tailing is one tail that is served.
type tailing struct {
	s   *server
	out tailOut
	q   eventlog.Query
	// entry and heard return what is told of an entry and of a transient event. Trimmed does of what has gone from before
	// the tail; where it is nil, that ends the tail.
	entry   func(*eventlog.Entry) []byte
	heard   func(*eventlog.Heard) []byte
	trimmed func(*eventlog.TrimmedError) []byte

	left  int              // of a limit over entries and transient events; 0 without one
	ahead *waiting[[]byte] // what was read and is to be told
}

// tailOut is an answer that items are put into. What was put is sent by flush at the latest, the head by begin.
type tailOut interface {
	begin() error
	put(item []byte) error
	flush() error
}

// How a tail ends.
type tailEnd uint8

const (
	tailLeft  tailEnd = iota // the client has left
	tailOver                 // there is no more
	tailLimit                // as many were sent as were wanted
)

// serve tells items until there are no more, and then why there are none: nil at the query's limit.
func (t *tailing) serve(ctx context.Context, transient bool) (end tailEnd, err error) {
	ctx, cancel := context.WithCancel(ctx)
	t.ahead = newWaiting[[]byte]()
	t.ahead.maxItems, t.ahead.maxBytes = tailAhead, tailAheadBytes
	var heard iter.Seq2[eventlog.Heard, error]
	if transient {
		t.left, t.q.Limit = t.q.Limit, 0 // The limit is over both.
		heard = narrowed(ctx, listenQuery(t.q), t.s.listen, func(h *eventlog.Heard) *crdt.Event { return &h.Event })
	}
	// The reading runs beside the writing, so that a line is sent at once when no other follows it,
	// and together with the others when many do.
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	reading.Go(func() { t.ahead.end(t.read(ctx, heard, cancel)) })
	return t.send()
}

// read reads ahead of the client until the tail is over, and returns why: nil at the query's limit. When
// entries end, stop ends the listening.
func (t *tailing) read(ctx context.Context, heard iter.Seq2[eventlog.Heard, error], stop func()) error {
	if heard == nil {
		return t.readEntries(ctx)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		err := t.readEntries(ctx)
		stop()
		return err
	})
	group.Go(func() error { return t.readHeard(ctx, heard) })
	return group.Wait()
}

// readEntries reads entries, and tells where some have gone from before it.
func (t *tailing) readEntries(ctx context.Context) error {
	for {
		err := t.readOn(ctx)
		gone, ok := errors.AsType[*eventlog.TrimmedError](err)
		on := t.s.log.CursorAt(0)
		if ok {
			on.Offset = gone.Offset
		}
		if !ok || t.trimmed == nil || t.q.Gone == eventlog.StopAtGone || on == t.q.After {
			return err
		}
		if err := t.put(ctx, t.trimmed(gone)); err != nil {
			return err
		}
		t.q.After, t.q.FromOffset = on, 0
	}
}

// readOn reads entries until the reading ends, and counts them against the query's limit.
func (t *tailing) readOn(ctx context.Context) error {
	limited := t.q.Limit > 0
	for e, err := range t.s.tail(ctx, t.q) {
		if err != nil {
			return err
		}
		if limited {
			t.q.Limit--
		}
		if err := t.put(ctx, t.entry(&e)); err != nil {
			return err
		}
	}
	return nil
}

// readHeard reads transient events. Where some were missed, it is said before the next one how many.
func (t *tailing) readHeard(ctx context.Context, heard iter.Seq2[eventlog.Heard, error]) error {
	for h, err := range heard {
		if err != nil {
			return err
		}
		if err := t.put(ctx, t.heard(&h)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tailing) put(ctx context.Context, item []byte) error {
	return t.ahead.put(ctx, item, cap(item))
}

// send writes items until there are no more.
func (t *tailing) send() (end tailEnd, why error) {
	if err := t.out.begin(); err != nil {
		return tailLeft, err
	}
	for {
		// The reading sees to it that this ends.
		items, err := t.ahead.take(context.Background())
		if len(items) == 0 {
			return tailOver, err
		}
		for i, item := range items {
			items[i] = nil // it is kept no longer than it is written
			t.left--
			err := t.out.put(item)
			if err == nil && (i == len(items)-1 || t.left == 0) {
				err = t.out.flush()
			}
			switch {
			case err != nil:
				return tailLeft, err
			case t.left == 0:
				return tailLimit, nil
			}
		}
	}
}
