package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// events is an answer that is a stream of server-sent events, of which each that is put is one, or several. It keeps
// nothing of its own: what is written is in the memory of the connection.
//
// An entry is an event without a name, so that a browser calls onmessage for it. Its id is the cursor behind it. Events
// with names are: gone, for entries that are not here any more; broadcast and missed, for transient events; problem, which is
// the last, for why the stream ends.
type events struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	first []byte // what is told at the beginning
}

// tailEvents serves a tail as server-sent events. The first thing that it tells is where it begins: a reader that loses the
// connection before the first entry goes on there, too.
func (s *server) tailEvents(w http.ResponseWriter, r *http.Request, q eventlog.Query, transient bool) {
	if err := s.checkTail(q); err != nil {
		s.refuse(w, r, err) // as a status, which ends a browser's trying
		return
	}
	begins := q.After
	if begins.IsZero() {
		begins = s.log.CursorAt(q.FromOffset)
	}
	out := events{w: w, rc: http.NewResponseController(w), first: appendEvent(nil, &begins, "", nil)}
	t := tailing{s: s, out: out, q: q, entry: s.entryEvent, heard: heardEvent, trimmed: func(e *eventlog.TrimmedError) []byte {
		return s.goneEvent(trimmed(e))
	}}
	s.tally.events.Add(1)
	defer s.tally.events.Add(-1)
	end, err := t.serve(r.Context(), transient)
	if end == tailOver && err != nil {
		if b, unsayable := json.Marshal(s.told(r.Context(), err)); unsayable == nil {
			_ = out.put(appendEvent(nil, nil, "problem", b)) // the client has left, or will read it
		}
	}
}

// checkTail says why a tail of q cannot begin, or nil.
func (s *server) checkTail(q eventlog.Query) error {
	if next := s.log.Stats().Next; q.FromOffset > next {
		return invalid(fmt.Errorf("parameter %s: %d is beyond the end, which is %d: no cursor can be given from there", api.ParamOffset, q.FromOffset, next))
	}
	// A tail that is over before it begins looks at its query all the same.
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range s.log.Tail(over, q) {
		if _, gone := errors.AsType[*eventlog.TrimmedError](err); gone || errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
	return nil
}

// entryEvent returns the event of an entry, or of entries that are gone.
func (s *server) entryEvent(e *eventlog.Entry) []byte {
	if e.Gone > 0 {
		place := e.Place()
		return s.goneEvent(&api.TrimmedError{Place: &place, Entries: e.Gone, Offset: e.Offset + e.Gone})
	}
	behind := s.log.CursorAfter(*e)
	return appendEvent(nil, &behind, "", e.AppendJSON(nil, &e.Offset))
}

// goneEvent returns the event of entries that are not here any more. Its id is the cursor behind them.
func (s *server) goneEvent(gone *api.TrimmedError) []byte {
	behind := s.log.CursorAt(gone.Offset)
	b, err := json.Marshal(gone)
	if err != nil {
		panic(err) // it is made of numbers and places
	}
	return appendEvent(nil, &behind, "gone", b)
}

// heardEvent returns the event of a transient event, and before it one that says how many were missed.
func heardEvent(h *eventlog.Heard) (b []byte) {
	if h.Missed > 0 {
		b = appendEvent(b, nil, "missed", appendMissed(nil, h.Missed))
	}
	return appendEvent(b, nil, "broadcast", h.AppendJSON(nil))
}

// appendEvent appends an event with the fields that are given. Data is one line.
func appendEvent(b []byte, id *eventlog.Cursor, name string, data []byte) []byte {
	if id != nil {
		b = append(append(append(b, "id: "...), id.String()...), '\n')
	}
	if name != "" {
		b = append(append(append(b, "event: "...), name...), '\n')
	}
	if data != nil {
		b = append(append(append(b, "data: "...), data...), '\n')
	}
	return append(b, '\n')
}

func (o events) begin() error {
	o.w.Header().Set("Content-Type", contentEvents)
	o.w.Header().Set("Cache-Control", "no-store")
	if err := o.put(o.first); err != nil {
		return err
	}
	return o.flush()
}

func (o events) put(event []byte) error {
	_, err := o.w.Write(event)
	return err
}

func (o events) flush() error { return o.rc.Flush() }
