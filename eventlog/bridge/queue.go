package bridge

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/gap"
)

// Why events are missing, in the reasons of gap entries; a gap may have both.
const (
	ReasonFull   = "queue full"
	ReasonSource = "missing from the source"
)

// DroppedError is returned by [Bridge.Publish] when the queue is full and the value was dropped. A gap
// entry will name it.
type DroppedError struct {
	Number uint64 // of the value
}

func (e *DroppedError) Error() string {
	return fmt.Sprintf("queue is full: the event with number %d is dropped, a gap will name it", e.Number)
}

// BehindError is returned by [Bridge.Publish] when the queue is full and the bridge refuses.
type BehindError struct {
	// Events and Bytes are those published and not durable yet.
	Events, Bytes int
	// Number is that of the last event that is durable.
	Number uint64
}

func (e *BehindError) Error() string {
	return fmt.Sprintf("queue is full: %d events of %d bytes wait to be durable, those after number %d: publish again later", e.Events, e.Bytes, e.Number)
}

// NumberError is returned by [Bridge.Publish] for a value to which its source has given no number, or one
// that is not above the number before.
type NumberError struct {
	Number uint64 // of the value
	Last   uint64 // the greatest number that was published or is durable
}

func (e *NumberError) Error() string {
	return fmt.Sprintf("number %d: expected %d or more, below 2^53: it was published before, or its source counts anew", e.Number, e.Last+1)
}

// queue is what was published and is not durable yet, in the order of its numbers:
//
//	settled                                                              assigned
//	   │ batch: being appended │ waiting: [gap] item item [gap] item │ lost │
//
// Gaps stand before the item that follows them; lost is the one that nothing follows yet.
type queue struct {
	source          string // of gaps
	overflow        Overflow
	most, mostBatch size
	wake            chan struct{} // has one when there is something to take
	stopped         chan struct{} // closed once nothing is taken any more
	slot            chan struct{} // full while somebody drains

	mu      sync.Mutex // guards what follows
	batch   *batch     // taken and not settled
	waiting []item
	lost    gap.Gap
	held    size // of the batch and of what waits
	// begun says that the number after assigned is known: the source's next one shows what is missing.
	begun             bool
	assigned, settled uint64
	err               error         // why nothing is taken any more
	changed           chan struct{} // closed when there may be room, or when settled or err has changed
	stats             Stats
}

// size counts events and their bytes.
type size struct{ events, bytes int }

func (s size) plus(it item) size { return size{s.events + 1, s.bytes + it.bytes} }

func (s size) within(most size) bool { return s.events <= most.events && s.bytes <= most.bytes }

// item is an event that waits.
type item struct {
	event    crdt.Event
	bytes    int
	number   uint64
	numbered bool     // the number is the source's
	gap      *gap.Gap // before it; nil for none
	receipt  *receipt // nil when nobody waits
}

// receipt tells who recorded an event what became of it.
type receipt struct {
	done  chan struct{} // closed once the others are set
	place crdt.Place
	err   error
}

// batch is what one transaction appends.
type batch struct {
	gap    *gap.Gap // before the items; nil for none
	items  []item
	last   uint64 // the number up to which it settles
	held   size
	places []crdt.Place // of the items, once appended
	// uncertain is why an attempt to commit it may or may not have happened; nil after none.
	uncertain error
}

func newQueue(number uint64) *queue {
	return &queue{
		wake: make(chan struct{}, 1), stopped: make(chan struct{}), slot: make(chan struct{}, 1), changed: make(chan struct{}),
		assigned: number, settled: number,
	}
}

// offer puts an item at the end of the queue, over its bounds if need be when it must. When the item
// has to wait for room, it returns the channel that is closed when there may be some.
func (q *queue) offer(it item, must bool) (changed <-chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return nil, q.err
	}
	if err := q.count(&it); err != nil {
		return nil, err
	}
	if !q.begun {
		q.begun, q.assigned, q.settled = true, it.number-1, it.number-1
	}
	room := must || q.held.events == 0 || q.held.plus(it).within(q.most)
	switch {
	case room:
		q.missing(it)
		q.push(it)
	case q.overflow == Wait:
		return q.changed, nil
	case q.overflow == Refuse:
		q.stats.Refused++
		return nil, &BehindError{Events: q.held.events, Bytes: q.held.bytes, Number: q.settled}
	default:
		q.missing(it)
		q.lost.Add(it.number, it.event.Kind, it.event.Time)
		q.because(ReasonFull)
		q.stats.Dropped++
		err = &DroppedError{Number: it.number}
	}
	q.assigned = it.number
	q.signal()
	return nil, err
}

// count gives an item its number, or checks that of the source.
func (q *queue) count(it *item) error {
	if !it.numbered {
		it.number = q.assigned + 1
	}
	if it.number == 0 || it.number >= gap.MaxNumber || q.begun && it.number <= q.assigned {
		return &NumberError{Number: it.number, Last: q.assigned}
	}
	return nil
}

// missing counts what should have come between the last event and this one.
func (q *queue) missing(it item) {
	if q.begun && it.number > q.assigned+1 {
		q.lost.AddRange(q.assigned+1, it.number-1)
		q.because(ReasonSource)
		q.stats.Missing += it.number - q.assigned - 1
	}
}

// because says why there is something in lost.
func (q *queue) because(reason string) {
	switch {
	case q.lost.Reason == "":
		q.lost.Source, q.lost.Reason = q.source, reason
	case !strings.Contains(q.lost.Reason, reason):
		q.lost.Reason = ReasonFull + "; " + ReasonSource
	}
}

func (q *queue) push(it item) {
	it.gap = q.takeLost()
	q.waiting = append(q.waiting, it)
	q.held = q.held.plus(it)
	q.stats.Published++
}

// takeLost returns what is lost since the last event that waits, nil for nothing.
func (q *queue) takeLost() *gap.Gap {
	if q.lost.IsZero() {
		return nil
	}
	lost := q.lost
	q.lost = gap.Gap{}
	return &lost
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns the batch that is to be appended next: the last one while it is not settled, else all
// that waits, up to the bounds of a batch and the next gap. Nil when there is nothing.
func (q *queue) take() *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.batch != nil {
		return q.batch
	}
	if len(q.waiting) == 0 {
		if lost := q.takeLost(); lost != nil {
			q.batch = &batch{gap: lost, last: lost.Last}
		}
		return q.batch
	}
	b := &batch{gap: q.waiting[0].gap}
	n := 0
	for i, it := range q.waiting {
		if i > 0 && (it.gap != nil || !b.held.plus(it).within(q.mostBatch)) {
			break
		}
		b.held, b.last = b.held.plus(it), it.number
		n++
	}
	b.items = q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	q.batch = b
	return b
}

// settle says that a batch is durable, and tells everybody.
func (q *queue) settle(b *batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.batch = nil
	q.settled = b.last
	q.held = size{q.held.events - b.held.events, q.held.bytes - b.held.bytes}
	q.stats.Batches++
	q.stats.Recorded += uint64(len(b.items))
	if b.gap != nil {
		q.stats.Gaps++
	}
	for i, it := range b.items {
		if it.receipt != nil {
			it.receipt.place = b.places[i]
			close(it.receipt.done)
		}
	}
	clear(b.items) // of a slice that the queue may still use the end of
	q.tell()
}

// stop makes err the reason why nothing is taken any more, unless there is one.
func (q *queue) stop(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
		close(q.stopped)
	}
	q.signal()
	q.tell()
}

// fail ends the queue: what is in it stays, and whoever waits for it gets the error.
func (q *queue) fail(err error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		close(q.stopped)
	}
	q.err = err
	items := q.waiting
	if q.batch != nil {
		refuse(q.batch.items, errors.Join(q.batch.uncertain, err))
	}
	refuse(items, err)
	q.stats.Err = err
	q.tell()
	return q.unrecorded(err)
}

// refuse gives err to those who wait for the items.
func refuse(items []item, err error) {
	for i := range items {
		if r := items[i].receipt; r != nil {
			r.err = err
			close(r.done)
			items[i].receipt = nil
		}
	}
}

// tell wakes whoever waits for a change. The caller holds the lock.
func (q *queue) tell() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// unrecorded says which numbers are not known to be durable because of err. The caller holds the lock.
func (q *queue) unrecorded(err error) error {
	if q.settled == q.assigned {
		return err
	}
	return &UnrecordedError{First: q.settled + 1, Last: q.assigned, Err: err}
}
