package server

import (
	"context"
	"fmt"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/node/api"
)

// postEntries appends the events that the lines of the request hold.
func (s *server) postEntries(w http.ResponseWriter, r *http.Request) {
	input[crdt.Event]{parse: parseEvent, memory: eventMemory, store: s.appendEvents}.serve(s, w, r)
}

// parseEvent reads an event and checks it, so that what reaches the log is not refused there.
func parseEvent(line []byte) (crdt.Event, error) {
	e, err := crdt.ParseEventJSON(line)
	if err != nil {
		return crdt.Event{}, err
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

// appendEvents appends events in order, all of them or none.
func (s *server) appendEvents(ctx context.Context, events []crdt.Event) ([]crdt.Place, error) {
	transitions := 0
	for _, e := range events {
		if e.Kind == transition.Kind {
			transitions++
		}
	}
	switch transitions {
	case 0:
		return s.log.AppendBatch(ctx, events)
	case len(events):
		return transition.AppendEvents(ctx, s.log, events...)
	}
	return appendAll(ctx, s.log, events, appendIn)
}

// appendAll appends items, each with one, all in one transaction or none. Transitions may be among them.
func appendAll[T any](ctx context.Context, log *eventlog.Log, items []T, one func(*eventlog.Tx, T) (crdt.Place, error)) (places []crdt.Place, err error) {
	// What has arrived is taken in first, in short transactions of its own.
	if err := transition.CatchUp(ctx, log); err != nil {
		return nil, err
	}
	err = log.Update(ctx, func(tx *eventlog.Tx) error {
		for _, item := range items {
			place, err := one(tx, item)
			if err != nil {
				return err
			}
			places = append(places, place)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return places, nil
}

func appendIn(tx *eventlog.Tx, e crdt.Event) (crdt.Place, error) {
	if e.Kind == transition.Kind {
		return transition.AppendEventTx(tx, e)
	}
	return tx.Append(e)
}
