package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/cloudevent"
)

// The media types of CloudEvents.
const (
	contentCloudEvent  = "application/cloudevents+json"
	contentCloudEvents = "application/cloudevents-batch+json"
)

// maxBatch bounds the body of a request that is a batch, in bytes: what is appended together lies in memory together.
const maxBatch = 16 << 20

// whole is a form of a request that is appended as a whole, once all of it is there.
type whole struct {
	most  int64
	parse func(h http.Header, body []byte) ([]crdt.Event, error)
	// id names an event that comes without a key; nil where it has no name then.
	id func(e crdt.Event) string
	// batch says that the answer is one of several.
	batch bool
}

// contentAppended are the media types of bodies that are appended.
var contentAppended = []string{contentLines, contentJSON, contentCloudEvent, contentCloudEvents}

// areLines reports whether a body that is not appended as a whole, of a request with the header h, is lines: where it says
// so, by whatever name that has, where it says nothing of itself but that it is text, and where curl says what it does
// unless it is told otherwise.
func areLines(h http.Header) bool {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	switch media {
	case contentLines, "application/ndjson", "application/jsonl", "application/x-jsonlines", contentText, "application/x-www-form-urlencoded":
		return true
	}
	return h.Get("Content-Type") == ""
}

// wholeOf returns the form of a request with the header h, and whether it is appended as a whole.
func wholeOf(h http.Header) (form whole, is bool) {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case media == contentCloudEvents:
		return whole{maxBatch, func(_ http.Header, body []byte) ([]crdt.Event, error) { return cloudevent.ParseBatch(body) }, cloudevent.ID, true}, true
	case media == contentCloudEvent:
		return oneEvent(api.MaxLine, cloudevent.ID, func(_ http.Header, body []byte) (crdt.Event, error) { return cloudevent.Parse(body) }), true
	case cloudevent.IsHeader(h):
		return oneEvent(crdt.MaxPayload, cloudevent.ID, func(h http.Header, body []byte) (crdt.Event, error) { return cloudevent.FromHeader(h, body) }), true
	case media == contentJSON:
		return oneEvent(api.MaxLine, nil, func(_ http.Header, body []byte) (crdt.Event, error) { return parseOne(body) }), true
	}
	return whole{}, false
}

func oneEvent(most int64, id func(crdt.Event) string, parse func(h http.Header, body []byte) (crdt.Event, error)) whole {
	return whole{most, func(h http.Header, body []byte) ([]crdt.Event, error) {
		e, err := parse(h, body)
		return []crdt.Event{e}, err
	}, id, false}
}

// parseOne reads a body that is one event.
func parseOne(body []byte) (crdt.Event, error) {
	e, empty, err := input[crdt.Event]{parse: func(line []byte, _ int) (crdt.Event, error) { return crdt.ParseEventJSON(line) }}.item(body, 1)
	if empty && err == nil {
		err = errors.New("the body is empty: expected one event in JSON")
	}
	if err != nil {
		err = fmt.Errorf("read the body as one event, as Content-Type: %s says (of lines it is %s): %w", contentJSON, contentLines, err)
	}
	return e, err
}

// appendWhole appends what a request holds, all of it or nothing, and answers with its places.
func (s *server) appendWhole(w http.ResponseWriter, r *http.Request, form whole) {
	wait, err := s.parseWait(r)
	var events []crdt.Event
	if err == nil {
		events, err = form.read(w, r)
	}
	var appended api.AppendedBatch
	if err == nil {
		appended, err = s.appendTogether(r.Context(), events, wait)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", contentJSON)
	var answer any = appended
	if !form.batch {
		one := appended.Appended[0]
		one.Replicated = appended.Replicated
		answer = one
		w.Header().Set("Location", "/v1/entries/"+url.PathEscape(one.Place.String()))
	}
	w.WriteHeader(http.StatusCreated)
	if err := jsonFormat.Marshal(w, answer); err != nil {
		s.logger.Error("cannot tell what was appended", "err", err)
	}
}

// read reads the events of a request, which the call may append.
func (f whole) read(w http.ResponseWriter, r *http.Request) ([]crdt.Event, error) {
	key, err := api.KeyOf(r.Header)
	if err == nil {
		err = api.NoFirstLine(r.URL.Query())
	}
	if err != nil {
		return nil, invalid(err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, f.most))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &api.Error{Code: api.TooLarge, Message: fmt.Sprintf("the body is longer than %d bytes", tooLarge.Limit)}
	}
	if err != nil {
		return nil, err
	}
	events, err := f.parse(r.Header, body)
	if err != nil {
		return nil, invalid(err)
	}
	for i := range events {
		if events[i], err = checkEvent(grantOf(r.Context()), events[i], f.idOf(key, events[i], i)); err != nil {
			if f.batch {
				told := *problem(err)
				told.Message = fmt.Sprintf("event %d of the batch: %s", i+1, told.Message)
				err = &told
			}
			return nil, err
		}
	}
	return events, nil
}

// idOf returns the id of the event at an index.
func (f whole) idOf(key api.Key, e crdt.Event, i int) string {
	switch {
	case key == "" && f.id != nil:
		return f.id(e)
	case f.batch:
		return key.Of(i + 1)
	}
	return string(key)
}

// appendTogether appends events in one transaction, and waits for others as is wanted.
func (s *server) appendTogether(ctx context.Context, events []crdt.Event, wait api.Wait) (api.AppendedBatch, error) {
	told := api.AppendedBatch{Appended: []api.Appended{}}
	if len(events) == 0 {
		return told, nil
	}
	leave, err := s.writing(ctx, wait.Recovered)
	if err != nil {
		return told, err
	}
	places, err := s.appendEvents(ctx, events)
	leave()
	if err != nil {
		return told, err
	}
	for _, p := range places {
		told.Appended = append(told.Appended, api.Appended{Place: p.Place, Known: p.Known})
	}
	if !wait.IsZero() {
		told.Replicated = s.awaitReceipts(ctx, latest(places).Place, wait)
	}
	return told, nil
}

// awaitReceipts waits until those hold the entry at place, which is durable here, for whom an append waits, or until the
// wait's timeout, and returns who holds it.
func (s *server) awaitReceipts(ctx context.Context, place crdt.Place, wait api.Wait) *api.Replicated {
	limit, cancel := context.WithTimeout(ctx, wait.Timeout)
	defer cancel()
	receipts, err := s.log.WaitReplicated(limit, place, replication(wait))
	told := &api.Replicated{Satisfied: err == nil, Have: []api.Receipt{}, Missing: []api.Receipt{}}
	if late, ok := errors.AsType[*eventlog.NotReplicatedError](err); ok {
		receipts = slices.Concat(late.Has, late.HasNot)
	} else if err != nil {
		s.logger.Warn("cannot tell who holds what was appended", "place", place, "err", err)
	}
	for _, r := range s.where(place, receipts).Nodes[1:] { // without this one
		if r.Holding == elsewhere.Holds {
			told.Have = append(told.Have, r)
		} else {
			told.Missing = append(told.Missing, r)
		}
	}
	return told
}
