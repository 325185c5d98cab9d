package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/ids"
	"github.com/quipulog/quipu/eventlog/internal/meter"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/request"
)

// ErrReserved is returned by [Log.Append], [Log.AppendBatch], [Tx.Append] and [Log.Broadcast] for an event
// whose kind begins with "quipu.": such kinds mean something to quipu itself, and each is written by a
// method or package of its own.
var ErrReserved = errors.New("kind is reserved")

// ErrTransient is returned where a transient event is appended: it is stored nowhere, and [Log.Broadcast]
// tells it to whoever listens.
var ErrTransient = errors.New("a transient event is stored nowhere: use Broadcast")

// ErrTooLarge is returned by [Log.AppendBatch] for events of more than [crdt.MaxBatch] bytes together.
var ErrTooLarge = errors.New("batch is too large")

// HeaderID is the header with the id of an event that may come twice, after an answer was lost: where an entry of this node's
// bears the id, the event is not appended again. It has to be the same event, its time left aside: else it is refused with an
// [*IDReusedError]. An id counts within what [HeaderClient] says, in whose name the event is appended; "" where that is
// missing.
//
// An id is known as long as the entry has its body here; after [Rekey], too. What another node appends is another entry. What
// a follower emits has no id: the header may be that of the entry at hand.
const (
	HeaderID     = ids.Header
	HeaderClient = ids.Scope
)

// IDReusedError is returned by appends for an event with the id of another event: see [HeaderID]. First is zero where both
// come in one call.
type IDReusedError = ids.ReusedError

// classes says as what calls that append nothing are counted, see [Meters].
var classes = []meter.Class{
	{Err: ErrUncertain, Name: "uncertain"}, {Err: ErrSecondWriter, Name: "second-writer"}, {Err: ErrRecovering, Name: "recovering"},
	{Err: ErrReadOnly, Name: "read-only"}, {Err: ErrOpenedReadOnly, Name: "read-only"}, {Err: ErrReserved, Name: "reserved"},
	{Err: ErrTooLarge, Name: "too-large"}, {Err: ErrTransient, Name: "invalid"}, {Err: ErrInTx, Name: "invalid"}, {Err: crdt.ErrEvent, Name: "invalid"},
	{Is: meter.Of[*IDReusedError], Name: "id-reused"}, {Err: ErrClosed, Name: "stopping"}, {Err: context.Canceled, Name: "stopping"}, {Err: context.DeadlineExceeded, Name: "stopping"},
}

// Append appends one event and returns its place once the entry is durable. An event without a time gets
// that of the call. A transient event is refused with [ErrTransient]. One with a [HeaderID] that is known is not appended
// again, and its place is that of the entry.
//
// ctx counts until a commit takes the event; from then on Append waits for the outcome. So an error means
// that the event was not appended, save [ErrUncertain].
func (l *Log) Append(ctx context.Context, e crdt.Event) (place crdt.Place, err error) {
	if err := l.store.notInside(); err != nil {
		return crdt.Place{}, err
	}
	defer func() { l.store.meters.Called(err) }()
	r := request.Get()
	defer r.Release()
	if err := l.store.addAwaited(r, &e); err != nil {
		return crdt.Place{}, fmt.Errorf("append event: %w", err)
	}
	if err := l.join(ctx, r); err != nil {
		return crdt.Place{}, err
	}
	return r.First, nil
}

// AppendBatch appends events in their order, all or none, one after the other in the feed but for those whose [HeaderID] is
// known. All else is as in [Log.Append]. A peer may for a moment hold only a beginning of the batch.
func (l *Log) AppendBatch(ctx context.Context, events []crdt.Event) (places []crdt.Place, err error) {
	err = l.appendAll(ctx, events, func(r *request.Request) { places = r.Places() })
	return places, err
}

// Appended says where the entry of an event is, and whether it was there before.
type Appended = request.Appended

// AppendOnce is [Log.AppendBatch], and tells which entries were there.
func (l *Log) AppendOnce(ctx context.Context, events []crdt.Event) (all []Appended, err error) {
	err = l.appendAll(ctx, events, func(r *request.Request) { all = r.Appended() })
	return all, err
}

// appendAll appends events, all or none, and calls done with what has become of them.
func (l *Log) appendAll(ctx context.Context, events []crdt.Event, done func(r *request.Request)) (err error) {
	if err := l.store.notInside(); err != nil {
		return err
	}
	if len(events) == 0 {
		return ctx.Err()
	}
	defer func() { l.store.meters.Called(err) }()
	r := request.Get()
	defer r.Release()
	if err = l.store.addAll(r, events); err == nil && r.Bytes > crdt.MaxBatch {
		err = fmt.Errorf("append batch: %w: %d bytes, at most %d are allowed", ErrTooLarge, r.Bytes, crdt.MaxBatch)
	}
	if err == nil {
		err = l.join(ctx, r)
	}
	if err == nil {
		done(r)
	}
	return err
}

// join waits in the queue until a request has its outcome.
func (l *Log) join(ctx context.Context, r *request.Request) error {
	if err := r.Complete(); err != nil {
		return err
	}
	for {
		if err := l.store.queue.Join(ctx, r, r.Bytes); err != nil || r.Err == nil {
			return err
		}
		if err := l.store.ours.again(ctx, r.Err); err != nil {
			return err
		}
		r.Err = nil
	}
}

// add checks and encodes an event in the caller's goroutine: the leader only signs.
func (s *store) add(r *request.Request, e *crdt.Event) error {
	if e.Reserved() {
		return fmt.Errorf("%w: %q", ErrReserved, e.Kind)
	}
	if err := s.complete(e); err != nil {
		return err
	}
	return r.Add(e)
}

// addAwaited is add while a commit waits for the caller, unless that takes long.
func (s *store) addAwaited(r *request.Request, e *crdt.Event) error {
	if len(e.Payload) <= maxAwaited {
		s.queue.Come()
		defer s.queue.Arrive()
	}
	return s.add(r, e)
}

// addAll is addAwaited for the events of a batch. What lacks a time gets that of the call.
func (s *store) addAll(r *request.Request, events []crdt.Event) error {
	awaited := true
	s.queue.Come()
	defer func() {
		if awaited {
			s.queue.Arrive()
		}
	}()
	now := s.cfg.Now()
	for i, e := range events {
		if e.Time.IsZero() {
			e.Time = now
		}
		if awaited && r.Bytes+len(e.Payload) > maxAwaited {
			awaited = false
			s.queue.Arrive()
		}
		switch err := s.add(r, &e); {
		case err != nil && len(events) > 1:
			return fmt.Errorf("append event %d of %d: %w", i+1, len(events), err)
		case err != nil:
			return fmt.Errorf("append event: %w", err)
		}
	}
	return nil
}

// draft makes the draft of an event, which gets a time if it has none.
func (s *store) draft(e crdt.Event) (crdt.Draft, error) {
	if err := s.complete(&e); err != nil {
		return crdt.Draft{}, err
	}
	return crdt.NewDraft(e)
}

// complete gives an event a time if it has none. A transient one is refused.
func (s *store) complete(e *crdt.Event) error {
	if e.Retention == crdt.Transient {
		return ErrTransient
	}
	if e.Time.IsZero() {
		e.Time = s.cfg.Now()
	}
	return nil
}

// commitAppends appends what a batch holds, in one transaction, and gives each request its outcome. The caller leads.
func (s *store) commitAppends(rs []*request.Request) {
	err := s.write(func(tx *writeTx) error {
		known := func(id *ids.ID) (crdt.Place, bool, error) { return tx.ids().Known(id) }
		add := func(d *crdt.Draft, id *ids.ID) (crdt.Place, error) { return appendNamed(tx, d, id) }
		for _, r := range rs {
			if err := r.Commit(known, add); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return
	}
	if _, damaged := asDamaged(err); damaged && len(rs) > 1 && slices.ContainsFunc(rs, (*request.Request).Named) {
		for _, r := range rs { // where it is the ids that are damaged, what has none goes on
			s.commitAppends([]*request.Request{r})
		}
		return
	}
	for _, r := range rs {
		if r.Err != nil {
			continue // nothing of it was to be appended
		}
		r.Err = err
		if uncertain, ok := errors.AsType[*UncertainError](err); ok {
			r.Err = &UncertainError{Places: r.Places(), Err: uncertain.Err, visible: uncertain.visible}
		}
	}
}

// appendNamed appends a draft, and keeps that its entry bears an id, nil for none.
func appendNamed(tx *writeTx, d *crdt.Draft, id *ids.ID) (crdt.Place, error) {
	place, err := tx.append(d)
	if id != nil && err == nil {
		err = tx.ids().Put(id, place)
	}
	return place, err
}

// ErrFull is returned by appends when the feed can have no next op: its clock or seq has reached the end of
// the format.
var ErrFull = errors.New("feed is at the end of the format")

// append gives a draft the next seq of our feed. It becomes part of an op with those before it, unless
// that is full or of another retention class.
func (tx *writeTx) append(d *crdt.Draft) (crdt.Place, error) {
	if tx.appended == 0 {
		if err := tx.store.ours.beginAppending(tx); err != nil {
			return crdt.Place{}, err
		}
	}
	if n := len(tx.drafts); n > 0 {
		full := tx.draftBytes+d.Size() > opTarget || n == crdt.MaxOpEntries
		if full || d.Retention() != tx.drafts[0].Retention() {
			if _, err := tx.seal(); err != nil {
				return crdt.Place{}, err
			}
		}
	}
	if len(tx.drafts) == 0 {
		tx.base = tx.feedState(tx.store.author).Feed.Next()
	}
	place := crdt.Place{Author: tx.store.author, Seq: tx.base + uint64(len(tx.drafts))}
	tx.drafts = append(tx.drafts, *d)
	tx.draftBytes += d.Size()
	tx.size += d.Size()
	if tx.appended++; tx.appended == 1 {
		tx.first = place
	}
	return place, nil
}

// seal makes the op of the drafts that wait, if any, signs it and stores it. It returns the end of our feed.
//
// A crash before the commit returns loses the op, its seqs and its clock, and nobody has seen them.
func (tx *writeTx) seal() (crdt.Head, error) {
	feed := tx.feedState(tx.store.author).Feed
	end := ownend.Highest(feed)
	if len(tx.drafts) == 0 {
		return end.Head, nil
	}
	tx.store.mu.Lock() // clockAt takes in what has come near
	held := tx.store.state.ClockAt(tx.now)
	tx.store.mu.Unlock()
	h := crdt.Header{
		Log: tx.store.id, First: end.Head.Next, Prev: end.Head.ID, Clock: crdt.NextClock(tx.now, end.Clock, held), Floor: max(end.Floor, tx.floor),
	}
	if h.Clock >= crdt.MaxClock || h.First+uint64(len(tx.drafts)) >= crdt.MaxSeq {
		return crdt.Head{}, fmt.Errorf("append: %w", ErrFull)
	}
	value, op, err := record.SealOp(tx.room(record.Head+tx.draftBytes), tx.staged, tx.store.cfg.Key, h, tx.drafts)
	if err != nil {
		return crdt.Head{}, fmt.Errorf("append: %w", err)
	}
	verdict, err := crdt.Decide(tx, feed, op.Signed)
	if err == nil && verdict.Decision != crdt.Accepted {
		err = fmt.Errorf("op %s/%d of our own is %s", op.Author.Short(), op.First, verdict.Decision)
	}
	if err != nil {
		return crdt.Head{}, fmt.Errorf("append: %w", err)
	}
	clear(tx.drafts) // what they refer to is their callers' again
	tx.drafts, tx.draftBytes = tx.drafts[:0], 0
	tx.store.leftover.drafts = tx.drafts
	return op.Head(), tx.keep(op, value, verdict)
}
