package server

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/query"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/cloudevent"
)

// getEntries answers with the entries that a query takes: all of them in lines, or a page of them.
func (s *server) getEntries(w http.ResponseWriter, r *http.Request, _ *none) {
	q, err := readQuery(r.URL.Query())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Vary", "Accept")
	switch accepted(r, contentLines, contentJSON, contentCloudEvents) {
	case contentJSON:
		s.getPage(w, r, q)
		return
	case contentCloudEvents:
		s.getCloudEvents(w, r, q)
		return
	}
	out := s.newCompressedLines(w, r)
	var line []byte
	for e, err := range s.entries(r.Context(), q) {
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

// getEntry answers with one entry, as a CloudEvent where the client wants one.
func (s *server) getEntry(w http.ResponseWriter, r *http.Request, in *placeInput) {
	e, err := s.log.Lookup(r.Context(), in.Place)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Vary", "Accept")
	form, b := accepted(r, contentJSON, contentCloudEvent), []byte(nil)
	if form == contentCloudEvent {
		b, err = cloudevent.Append(nil, &e.Entry, e.Offset)
	} else {
		b = e.AppendJSON(nil, &e.Offset)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", form)
	if _, err := w.Write(append(b, '\n')); err != nil {
		s.logger.Debug("answer not taken", "err", err)
	}
}

// readQuery reads a query for what is in the log.
func readQuery(params url.Values) (eventlog.Query, error) {
	q, transient, err := readTailQuery(params)
	if err == nil && transient {
		err = invalid(errors.New("transient events are in no log: a tail hears them"))
	}
	return q, err
}

// readTailQuery reads a query, and whether transient events are wanted too.
func readTailQuery(params url.Values) (q eventlog.Query, transient bool, err error) {
	asked, err := api.ParseQuery(params)
	if err != nil {
		return eventlog.Query{}, false, invalid(err)
	}
	q, err = queryOf(asked)
	return q, asked.Transient, err
}

// queryOf returns the log's query for one of a client.
func queryOf(q api.Query) (eventlog.Query, error) {
	order, err := query.ParseOrder(q.Order)
	if err != nil {
		return eventlog.Query{}, err
	}
	disputed, err := query.ParseDisputed(q.Disputed)
	if err != nil {
		return eventlog.Query{}, err
	}
	gone, err := query.ParseGone(q.Gone)
	if err != nil {
		return eventlog.Query{}, err
	}
	made := eventlog.Query{
		Authors: q.Authors, Kinds: q.Kinds, Modules: q.Modules, Subjects: q.Subjects,
		From: q.From, Since: q.Since, Until: q.Until,
		Disputed: disputed, Gone: gone, GoOn: q.GoOn, Order: order, Reverse: q.Reverse, Limit: q.Limit, Page: q.Page,
	}
	if q.Offset != nil {
		made.FromOffset = *q.Offset
	}
	if q.After != "" {
		made.After, err = eventlog.ParseCursor(q.After)
	}
	return made, err
}
