package server

import (
	"errors"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// getEntries streams the entries that a query takes.
func (s *server) getEntries(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	out := s.newLines(w)
	var line []byte
	for e, err := range s.log.Entries(r.Context(), q) {
		if err != nil {
			out.end(err)
			return
		}
		line = e.AppendJSON(line[:0], &e.Offset)
		if err := out.put(line); err != nil {
			return // the client has left
		}
	}
	out.end(nil)
}

// getEntry answers with one entry.
func (s *server) getEntry(w http.ResponseWriter, r *http.Request) {
	place, err := crdt.ParsePlace(r.PathValue("place"))
	if err != nil {
		s.refuse(w, invalid(err))
		return
	}
	e, err := s.log.Lookup(r.Context(), place)
	if err != nil {
		s.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(append(e.AppendJSON(nil, &e.Offset), '\n')); err != nil {
		s.logger.Debug("answer not taken", "err", err)
	}
}

// readQuery reads the query of a request for what is in the log.
func readQuery(r *http.Request) (eventlog.Query, error) {
	q, transient, err := readTailQuery(r)
	if err == nil && transient {
		err = invalid(errors.New("transient events are in no log: a tail hears them"))
	}
	return q, err
}

// readTailQuery reads the query of a request, and whether transient events are wanted too.
func readTailQuery(r *http.Request) (q eventlog.Query, transient bool, err error) {
	asked, err := api.ParseQuery(r.URL.Query())
	if err != nil {
		return eventlog.Query{}, false, invalid(err)
	}
	q, err = queryOf(asked)
	return q, asked.Transient, err
}

// queryOf returns the log's query for one of a client.
func queryOf(q api.Query) (eventlog.Query, error) {
	order, err := eventlog.ParseOrder(q.Order)
	if err != nil {
		return eventlog.Query{}, err
	}
	disputed, err := eventlog.ParseDisputed(q.Disputed)
	if err != nil {
		return eventlog.Query{}, err
	}
	gone, err := eventlog.ParseGone(q.Gone)
	if err != nil {
		return eventlog.Query{}, err
	}
	made := eventlog.Query{
		Authors: q.Authors, Kinds: q.Kinds, Modules: q.Modules, Subjects: q.Subjects,
		From: q.From, Since: q.Since, Until: q.Until,
		Disputed: disputed, Gone: gone, GoOn: q.GoOn, Order: order, Reverse: q.Reverse, Limit: q.Limit,
	}
	if q.Offset != nil {
		made.FromOffset = *q.Offset
	}
	if q.After != "" {
		made.After, err = eventlog.ParseCursor(q.After)
	}
	return made, err
}
