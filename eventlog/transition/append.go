package transition

import (
	"cmp"
	"context"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Append appends moves in their order, all or none, and returns their places once they are durable. What a
// move leaves out is filled in inside the transaction: From is then the stage that the subject is in, ""
// for a subject that the log does not know. Errors wrap [ErrInvalid] or are those of [eventlog.Log.Update].
func Append(ctx context.Context, log *eventlog.Log, moves ...Move) ([]crdt.Place, error) {
	events := make([]crdt.Event, len(moves))
	for i, m := range moves {
		var err error
		if events[i], err = m.Event(); err != nil {
			return nil, fmt.Errorf("append transition: %w", err)
		}
	}
	return AppendEvents(ctx, log, events...)
}

// AppendEvents is [Append] for events of kind [Kind], whose payloads may leave out from and after. A
// payload that leaves out nothing is appended as it is, byte for byte.
func AppendEvents(ctx context.Context, log *eventlog.Log, events ...crdt.Event) (places []crdt.Place, err error) {
	for _, e := range events {
		if err := Check(e); err != nil {
			return nil, fmt.Errorf("append transition: %w", err)
		}
	}
	// A log that has grown long since the last transition is read in transactions of their own, so
	// that no one of them keeps other writers waiting.
	for done := false; !done; {
		err := log.Update(ctx, func(tx *eventlog.Tx) (err error) {
			p := openProjection(tx)
			if done, err = p.catchUp(catchUpMost); err != nil || !done {
				return err
			}
			places, err = p.appendAll(events)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return places, nil
}

// CatchUp takes what has arrived into the projection, in short transactions, so that [Stage], [AppendTx]
// and others that are given a transaction find little left to do.
func CatchUp(ctx context.Context, log *eventlog.Log) error {
	_, err := AppendEvents(ctx, log)
	return err
}

// appendAll appends events. The projection has caught up, and nothing else is appended in the
// transaction.
func (p projection) appendAll(events []crdt.Event) ([]crdt.Place, error) {
	lastOf := make(map[string]int, len(events))
	for i, e := range events {
		lastOf[e.Subject] = i
	}
	places := make([]crdt.Place, len(events))
	for i, e := range events {
		var err error
		if places[i], err = p.append(e, i != lastOf[e.Subject]); err != nil {
			return nil, err
		}
	}
	return places, nil
}

// append appends an event, whose payload it completes by what the projection says of the subject.
// What is to be named by another event of the same transaction ends its op, since its id is known only
// then.
func (p projection) append(e crdt.Event, named bool) (crdt.Place, error) {
	said, err := parseEvent(e, true, nil)
	if err != nil {
		return crdt.Place{}, fmt.Errorf("append transition: %w: %w", ErrInvalid, err)
	}
	if e, err = p.fillIn(e, &said); err != nil {
		return crdt.Place{}, err
	}
	place, err := p.tx.AppendReserved(e)
	if err != nil || !named {
		return place, err
	}
	head, err := p.tx.Seal()
	if err != nil {
		return crdt.Place{}, err
	}
	l := last{after: After{Author: place.Author, Seq: place.Seq, Op: head.ID}, stage: said.to}
	return place, p.put(appendedRecord, e.Subject, l)
}

// CompleteAs returns an event of kind [Kind] with what its payload leaves out as another's has it, and whether that is
// something: what was appended before, and is sent again as it was then, is that other event.
func CompleteAs(e, first crdt.Event) (crdt.Event, bool) {
	said, err := parseEvent(e, true, nil)
	then, wrong := parseEvent(first, true, nil)
	if err != nil || wrong != nil || (said.from != nil || then.from == nil) && (said.after != nil || then.after == nil) {
		return e, false
	}
	said.from, said.after = cmp.Or(said.from, then.from), cmp.Or(said.after, then.after)
	e.Payload = said.encode()
	return e, true
}

// fillIn completes what was said. A payload that says all of it stays as it is.
func (p projection) fillIn(e crdt.Event, said *payload) (crdt.Event, error) {
	if said.from != nil && said.after != nil {
		return e, nil
	}
	l, err := p.last(e.Subject)
	if err != nil {
		return e, err
	}
	whole := said.from != nil
	if !whole {
		said.from = &l.stage
	}
	if said.after == nil && !l.after.IsZero() {
		said.after = &l.after
		whole = false
	}
	if !whole {
		e.Payload = said.encode()
	}
	return e, nil
}
