package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
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

// Append appends one event and returns its place once the entry is durable. An event without a time gets
// that of the call. A transient event is refused with [ErrTransient].
//
// ctx counts until a commit takes the event; from then on Append waits for the outcome. So an error means
// that the event was not appended, save [ErrUncertain].
func (l *Log) Append(ctx context.Context, e crdt.Event) (crdt.Place, error) {
	if err := l.store.notInside(); err != nil {
		return crdt.Place{}, err
	}
	r := requests.Get().(*request)
	defer r.release()
	if err := l.store.add(r, &e); err != nil {
		return crdt.Place{}, fmt.Errorf("append event: %w", err)
	}
	if err := l.store.join(ctx, r); err != nil {
		return crdt.Place{}, err
	}
	return r.first, nil
}

// AppendBatch appends events in their order, all or none, one after the other in the feed. All else is as
// in [Log.Append]. A peer may for a moment hold only a beginning of the batch.
func (l *Log) AppendBatch(ctx context.Context, events []crdt.Event) ([]crdt.Place, error) {
	if err := l.store.notInside(); err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, ctx.Err()
	}
	r := requests.Get().(*request)
	defer r.release()
	now := l.store.cfg.Now()
	for i, e := range events {
		if e.Time.IsZero() {
			e.Time = now
		}
		err := l.store.add(r, &e)
		if err != nil && len(events) > 1 {
			return nil, fmt.Errorf("append event %d of %d: %w", i+1, len(events), err)
		}
		if err != nil {
			return nil, fmt.Errorf("append event: %w", err)
		}
	}
	if r.bytes > crdt.MaxBatch {
		return nil, fmt.Errorf("append batch: %w: %d bytes, at most %d are allowed", ErrTooLarge, r.bytes, crdt.MaxBatch)
	}
	if err := l.store.join(ctx, r); err != nil {
		return nil, err
	}
	return placesFrom(r.first, len(r.drafts)), nil
}

// request is one caller's events on their way to become entries. It is used again, and its memory with it: nobody
// has it once the queue is done with it and the caller has its outcome.
type request struct {
	drafts []crdt.Draft
	buf    []byte // what the drafts refer to
	bytes  int
	first  crdt.Place // of the first entry; set before the queue is done with it, as err is
	err    error
}

var requests = sync.Pool{New: func() any { return new(request) }}

// add checks and encodes an event in the caller's goroutine: the leader only signs. One without a time gets one.
func (s *store) add(r *request, e *crdt.Event) error {
	if e.Reserved() {
		return fmt.Errorf("%w: %q", ErrReserved, e.Kind)
	}
	draft, buf, err := s.appendDraft(r.buf, e)
	if err != nil {
		return err
	}
	r.drafts, r.buf = append(r.drafts, draft), buf
	r.bytes += draft.Size()
	return nil
}

// draft makes the draft of an event, which gets a time if it has none.
func (s *store) draft(e crdt.Event) (crdt.Draft, error) {
	draft, _, err := s.appendDraft(nil, &e)
	return draft, err
}

// appendDraft is draft in memory that is appended to buf.
func (s *store) appendDraft(buf []byte, e *crdt.Event) (crdt.Draft, []byte, error) {
	if e.Retention == crdt.Transient {
		return crdt.Draft{}, nil, ErrTransient
	}
	if e.Time.IsZero() {
		e.Time = s.cfg.Now()
	}
	return crdt.AppendDraft(buf, e)
}

// join waits in the queue until a request has its outcome.
func (s *store) join(ctx context.Context, r *request) error {
	if err := s.queue.Join(ctx, r, r.bytes); err != nil {
		return err
	}
	return r.err
}

// release gives r back for the next caller, unless it has grown large.
func (r *request) release() {
	if cap(r.buf) > maxRequest || cap(r.drafts) > crdt.MaxOpEntries {
		return
	}
	clear(r.drafts) // some may refer to a smaller buf of before
	*r = request{drafts: r.drafts[:0], buf: r.buf[:0]}
	requests.Put(r)
}

// placesFrom returns n places, one after the other, from first on.
func placesFrom(first crdt.Place, n int) []crdt.Place {
	places := make([]crdt.Place, n)
	for i := range places {
		places[i] = first
		places[i].Seq += uint64(i)
	}
	return places
}

// commitAppends appends what a batch holds, in one transaction, and gives each request its outcome. The caller leads.
func (s *store) commitAppends(rs []*request) {
	err := s.write(func(tx *writeTx) error {
		for _, r := range rs {
			for i := range r.drafts {
				place, err := tx.append(&r.drafts[i])
				if err != nil {
					return err
				}
				if i == 0 {
					r.first = place
				}
			}
		}
		return nil
	})
	if err == nil {
		return
	}
	for _, r := range rs {
		r.err = err
		if uncertain, ok := errors.AsType[*UncertainError](err); ok {
			r.err = &UncertainError{Places: placesFrom(r.first, len(r.drafts)), Err: uncertain.Err}
		}
	}
}

// ErrFull is returned by appends when the feed can have no next op: its clock or seq has reached the end of
// the format.
var ErrFull = errors.New("feed is at the end of the format")

// append gives a draft the next seq of our feed. It becomes part of an op with those before it, unless
// that is full or of another retention class.
func (tx *writeTx) append(d *crdt.Draft) (crdt.Place, error) {
	if tx.appended == 0 && !tx.recovered {
		if err := tx.store.appendable(); err != nil {
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
	head, clock, floor := ownHead(feed)
	floor = max(floor, tx.floor)
	if len(tx.drafts) == 0 {
		return head, nil
	}
	tx.store.mu.Lock() // clockAt takes in what has come near
	held := tx.store.state.clockAt(tx.now)
	tx.store.mu.Unlock()
	h := crdt.Header{Log: tx.store.id, First: head.Next, Prev: head.ID, Clock: crdt.NextClock(tx.now, clock, held), Floor: floor}
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

// room returns memory for size bytes that are of use until the transaction has ended.
func (tx *writeTx) room(size int) []byte {
	b := &tx.store.leftover.values
	if cap(*b)-len(*b) < size {
		*b = make([]byte, 0, max(size, 2*cap(*b))) // what is in use of the other stays as long as it is
	}
	*b = (*b)[:len(*b)+size]
	return (*b)[len(*b)-size : len(*b)-size : len(*b)]
}

// ownHead returns where our feed ends. It has one branch, or pieces that a prune has parted, of which the
// highest goes on: a feed of ours that has forked is not appended to.
func ownHead(f crdt.Feed) (head crdt.Head, clock crdt.Clock, floor uint64) {
	for _, b := range f.Branches {
		if b.Head.Next > head.Next {
			head, clock, floor = b.Head, b.Clock, b.Floor
		}
	}
	return head, clock, floor
}
