package recorder

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/gap"
)

// item is what waits to be written: an event with its number, or events that are lost.
type item struct {
	number uint64 // of the event, or the last of those that are lost
	event  crdt.Event
	lost   *gap.Gap // nil for an event
}

// size returns about how many bytes it takes in memory.
func (it *item) size() int {
	if it.lost != nil {
		return 0 // it takes no room from events
	}
	return itemOverhead + it.event.Memory()
}

// check says why an event can never be appended, or nil.
func check(e *crdt.Event) error {
	if e.Reserved() {
		return fmt.Errorf("%w: %q", eventlog.ErrReserved, e.Kind)
	}
	if e.Retention > crdt.Trimmable {
		return fmt.Errorf("%w: %s: expected persistent or trimmable, a recorder records what is kept", crdt.ErrEvent, e.Retention)
	}
	return e.Check()
}

// own makes the event's memory the recorder's: the caller may go on to write to its own.
func own(e crdt.Event) crdt.Event {
	e.Payload = bytes.Clone(e.Payload)
	e.Headers = slices.Clone(e.Headers)
	return e
}

// buffer is what waits in memory, in order of number.
//
// Invariant: between two items of lost events there is an event, or the first of the two was taken; so
// the items are bounded as the events are.
type buffer struct {
	items  []item
	events int
	bytes  int
	// taken is how many items from the front a flush has seen. They are never changed: what is in the
	// log may be what the flush saw.
	taken int
}

// fits reports whether there is room for an event. One always has room.
func (b *buffer) fits(size int, c *Config) bool {
	return b.events == 0 || b.events < c.Buffer && b.bytes+size <= c.BufferBytes
}

func (b *buffer) push(it item) {
	b.items = append(b.items, it)
	b.bytes += it.size()
	if it.lost == nil {
		b.events++
	}
}

// drop adds an event that is lost, with its number.
func (b *buffer) drop(number uint64, e *crdt.Event, source string) {
	n := len(b.items)
	if n == b.taken || b.items[n-1].lost == nil {
		b.push(item{lost: &gap.Gap{Source: source, Reason: reasonFull}})
		n++
	}
	last := &b.items[n-1]
	last.number = number
	last.lost.Add(number, e.Kind, e.Time)
}

// pop removes the first n items.
func (b *buffer) pop(n int) {
	for i := range b.items[:n] {
		b.bytes -= b.items[i].size()
		if b.items[i].lost == nil {
			b.events--
		}
	}
	clear(b.items[:n])
	b.taken -= n
	if b.items = b.items[n:]; len(b.items) == 0 {
		b.items = nil
	}
}

// front returns a copy of the first items, up to maxFlush of them and about the given bytes.
func (b *buffer) front(most int) []item {
	n, bytes := 0, 0
	for n < len(b.items) && n < maxFlush && (n == 0 || bytes+b.items[n].size() <= most) {
		bytes += b.items[n].size()
		n++
	}
	b.taken = max(b.taken, n)
	return slices.Clone(b.items[:n])
}
