package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
)

// postEntries appends the events that the request holds: in lines, each as it comes, or as a whole, as its Content-Type says.
func (s *server) postEntries(w http.ResponseWriter, r *http.Request, _ *none) {
	form, is := wholeOf(r.Header)
	switch {
	case is:
		s.appendWhole(w, r, form)
		return
	case !areLines(r.Header):
		w.Header().Set("Accept", strings.Join(contentAppended, ", "))
		s.refuse(w, r, &api.Error{Code: api.WrongMedia, Message: fmt.Sprintf(
			"Content-Type: %.80q: expected %s, or a CloudEvent whose attributes are headers ce-…", r.Header.Get("Content-Type"), enum.OneOf(contentAppended))})
		return
	}
	key, err := api.KeyOf(r.Header)
	first, bad := api.ParseFirstLine(r.URL.Query())
	if err = cmp.Or(err, bad); err != nil {
		s.refuse(w, r, invalid(err))
		return
	}
	grant := grantOf(r.Context())
	parse := func(line []byte, n int) (crdt.Event, error) { return parseEvent(grant, line, key.Of(n)) }
	input[crdt.Event]{parse: parse, memory: eventMemory, store: s.appendEvents, first: first}.serve(s, w, r)
}

// parseEvent reads an event that a grant is for, and checks it, so that what reaches the log is not refused there.
func parseEvent(g *access.Grant, line []byte, id string) (crdt.Event, error) {
	e, err := crdt.ParseEventJSON(line)
	if err != nil {
		return crdt.Event{}, err
	}
	return checkEvent(g, e, id)
}

// checkEvent returns an event that a grant is for as it is to be appended, with an id, "" for none.
func checkEvent(g *access.Grant, e crdt.Event, id string) (crdt.Event, error) {
	e, err := signed(g, e)
	if err != nil {
		return crdt.Event{}, err
	}
	if id != "" {
		e.Headers = withHeader(e.Headers, api.IDHeader, id)
	}
	if err := e.Check(); err != nil {
		return crdt.Event{}, err
	}
	switch {
	case e.Retention == crdt.Transient:
		return crdt.Event{}, transient(e)
	case e.Kind == transition.Kind:
		return e, transition.Check(e)
	case e.Reserved():
		return crdt.Event{}, reserved(e.Kind)
	}
	return e, nil
}

func eventMemory(e crdt.Event) int { return e.Memory() }

// writtenBy are the commands that write a reserved kind.
var writtenBy = map[string]string{eventlog.PruneKind: "quipu prune", eventlog.RecoverKind: "quipu recover"}

func reserved(kind string) error {
	if command := writtenBy[kind]; command != "" {
		return &api.Error{Code: api.Reserved, Message: fmt.Sprintf("kind %q is reserved: %s writes it", kind, command)}
	}
	return &api.Error{Code: api.Reserved, Message: fmt.Sprintf(
		"kind %q is reserved: quipu itself writes it; of the kinds that begin with %q append takes %s alone, which quipu transition writes",
		kind, crdt.ReservedPrefix, transition.Kind)}
}

// appendEvents appends events in order, all of them or none, and says which were there.
func (s *server) appendEvents(ctx context.Context, events []crdt.Event) ([]eventlog.Appended, error) {
	transitions, named := 0, false
	for _, e := range events {
		if e.Kind == transition.Kind {
			transitions++
			named = named || e.Header(api.IDHeader) != ""
		}
	}
	switch {
	case transitions == 0:
		return s.log.AppendOnce(ctx, events)
	case transitions == len(events) && !named:
		places, err := transition.AppendEvents(ctx, s.log, events...)
		return fresh(places), err
	}
	for {
		all, err := appendAll(ctx, s.log, events, appendIn)
		if _, reused := errors.AsType[*eventlog.IDReusedError](err); !reused {
			return all, err
		}
		// A transition that is sent again leaves out what the node has completed the first time.
		if whole, some, wrong := s.completed(ctx, events); !some {
			return nil, cmp.Or(wrong, err)
		} else {
			events = whole
		}
	}
}

// completed returns events with the transitions among them that were appended before completed as they were then, and
// whether there are some that left out something.
func (s *server) completed(ctx context.Context, events []crdt.Event) (whole []crdt.Event, some bool, err error) {
	first := make(map[int]crdt.Place)
	err = s.log.Update(ctx, func(tx *eventlog.Tx) error {
		for i, e := range events {
			_, _, err := tx.Known(e)
			if reused, ok := errors.AsType[*eventlog.IDReusedError](err); ok && e.Kind == transition.Kind {
				first[i] = reused.First
			}
		}
		return nil
	})
	whole = slices.Clone(events)
	for i, place := range first {
		e, missing := s.log.Lookup(ctx, place)
		if missing != nil {
			return nil, false, missing
		}
		as, did := transition.CompleteAs(events[i], e.Event)
		whole[i], some = as, some || did
	}
	return whole, some, err
}

// fresh are entries that were not there before.
func fresh(places []crdt.Place) []eventlog.Appended {
	all := make([]eventlog.Appended, len(places))
	for i, p := range places {
		all[i].Place = p
	}
	return all
}

// appendAll appends items, each with one, all in one transaction or none. Transitions may be among them.
func appendAll[T any](ctx context.Context, log *eventlog.Log, items []T, one func(*eventlog.Tx, T) (eventlog.Appended, error)) (all []eventlog.Appended, err error) {
	// What has arrived is taken in first, in short transactions of its own.
	if err := transition.CatchUp(ctx, log); err != nil {
		return nil, err
	}
	err = log.Update(ctx, func(tx *eventlog.Tx) error {
		for _, item := range items {
			a, err := one(tx, item)
			if err != nil {
				return err
			}
			all = append(all, a)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func appendIn(tx *eventlog.Tx, e crdt.Event) (a eventlog.Appended, err error) {
	if a.Place, a.Known, err = tx.Known(e); a.Known || err != nil {
		return a, err
	}
	if e.Kind == transition.Kind {
		a.Place, err = transition.AppendEventTx(tx, e)
	} else {
		a.Place, err = tx.Append(e)
	}
	return a, err
}
