package typed

import (
	"context"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Event returns v as an event, for what takes events: a batch of several types, a recorder. The caller may
// add headers beside [VersionHeader], sorted by name. The event has no time where Declaration.Time gives
// none. Errors wrap [crdt.ErrEvent].
func (t *Type[T]) Event(v T) (crdt.Event, error) {
	if t.d.Check != nil {
		if err := t.d.Check(v); err != nil {
			return crdt.Event{}, fmt.Errorf("encode %q: %w: %w", t.d.Kind, crdt.ErrEvent, err)
		}
	}
	payload, err := t.d.Codec.Encode(v)
	if err != nil {
		return crdt.Event{}, fmt.Errorf("encode %q: %w: %w", t.d.Kind, crdt.ErrEvent, err)
	}
	e := t.event(payload)
	e.Headers = versionHeaders(t.d.Version)
	if t.d.Subject != nil {
		e.Subject = t.d.Subject(v)
	}
	if t.d.Time != nil {
		e.Time = t.d.Time(v)
	}
	return e, nil
}

// event returns what all events of the type share.
func (t *Type[T]) event(payload []byte) crdt.Event {
	return crdt.Event{
		Kind: t.d.Kind, Module: t.Module(), ContentType: t.d.Codec.ContentType(),
		Payload: payload, Retention: t.d.Retention,
	}
}

// Broadcast tells v to whoever listens, and stores it nowhere; the type's retention is [crdt.Transient].
// Errors wrap [crdt.ErrEvent] or are those of [eventlog.Log.Broadcast].
func (t *Type[T]) Broadcast(ctx context.Context, log *eventlog.Log, v T, scope eventlog.Scope) (eventlog.Reach, error) {
	e, err := t.Event(v)
	if err != nil {
		return eventlog.Reach{}, err
	}
	return log.Broadcast(ctx, e, scope)
}

// Append appends v and returns its place once the entry is durable. A value of a transient type is refused,
// see [Type.Broadcast]. Errors wrap [crdt.ErrEvent] or are those of [eventlog.Log.Append].
func (t *Type[T]) Append(ctx context.Context, log *eventlog.Log, v T) (crdt.Place, error) {
	e, err := t.Event(v)
	if err != nil {
		return crdt.Place{}, err
	}
	return log.Append(ctx, e)
}

// AppendBatch appends values in their order, all or none, one after the other in the feed. All else is as
// in [Type.Append]. For values of several types, hand the events of [Type.Event] to
// [eventlog.Log.AppendBatch].
func (t *Type[T]) AppendBatch(ctx context.Context, log *eventlog.Log, vs []T) ([]crdt.Place, error) {
	events := make([]crdt.Event, len(vs))
	for i, v := range vs {
		var err error
		if events[i], err = t.Event(v); err != nil {
			return nil, fmt.Errorf("value %d of %d: %w", i+1, len(vs), err)
		}
	}
	return log.AppendBatch(ctx, events)
}

// AppendTx appends v in a transaction: inside [eventlog.Log.Update] or the function of a follower. The
// place is final if the transaction succeeds.
func (t *Type[T]) AppendTx(tx *eventlog.Tx, v T) (crdt.Place, error) {
	e, err := t.Event(v)
	if err != nil {
		return crdt.Place{}, err
	}
	return tx.Append(e)
}
