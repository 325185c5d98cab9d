package bridge

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog"
)

// Overflow is what happens to a value that is published while the queue is full.
type Overflow uint8

const (
	// Wait makes the producer wait until there is room, or its ctx ends.
	Wait Overflow = iota
	// Refuse returns a [*BehindError]; the value is still its producer's.
	Refuse
	// Drop drops the value, returns a [*DroppedError], and names the value in a gap entry, which is
	// appended in the transaction of what follows.
	Drop
)

// String returns "wait", "refuse" or "drop".
func (o Overflow) String() string { return enum.Text(o, "overflow", "wait", "refuse", "drop") }

// Config says how a bridge works. Only Encode is required.
type Config[T any] struct {
	// Name names the stream: it is the source of the stream's gaps, and the stream's numbers are kept under
	// it. One bridge at a time has a name. 1 to 255 bytes; empty means "bridge".
	Name string
	// Encode makes a value an event. It runs in the goroutine of the publisher, which gets its error. The
	// event is the bridge's from then on. An event without a time gets that of the call.
	Encode func(T) (crdt.Event, error)
	// Number returns the number that the source has given a value: from 1 on, below 2^53, ascending in the
	// order of publishing. Numbers missing between two values are a gap. Nil means that the bridge counts.
	Number func(T) uint64
	// NewNumbers says that the source counts anew with each process. Else a number that is not above the
	// last durable one is a [*NumberError], and numbers missing since then are a gap.
	NewNumbers bool

	// Overflow is what happens when the queue is full: Wait unless set.
	Overflow Overflow
	// MaxQueued and MaxQueuedBytes bound what is published and not durable yet: the events, and about their
	// bytes. One event fits at any size. 0 means 8,192 and 16 MiB.
	MaxQueued, MaxQueuedBytes int
	// MaxBatch and MaxBatchBytes bound what one transaction appends. 0 means 4,096 and 4 MiB.
	MaxBatch, MaxBatchBytes int

	// RetryMin and RetryMax bound the pause between two attempts at a commit for which the disk has no
	// room: the pause doubles from RetryMin to RetryMax; each is cut at random by up to half. 0 means 100
	// ms and 10 s.
	RetryMin, RetryMax time.Duration

	// Append appends events of one batch, in their order, and returns a place for each. It runs inside
	// an Update and may change keys of its own; it may run again for the same events where the first
	// time was rolled back. Its errors end the bridge. Nil means [eventlog.Tx.Append] for each, and
	// then kinds that begin with "quipu." are refused.
	Append func(tx *eventlog.Tx, events []crdt.Event) ([]crdt.Place, error)
	// Now is the wall clock. Nil means [time.Now].
	Now func() time.Time
	// Logger takes what an operator should know. Nil discards it.
	Logger *slog.Logger
}

func (c Config[T]) withDefaults() Config[T] {
	c.Name = cmp.Or(c.Name, "bridge")
	c.MaxQueued = cmp.Or(c.MaxQueued, 8192)
	c.MaxQueuedBytes = cmp.Or(c.MaxQueuedBytes, 16<<20)
	c.MaxBatch = cmp.Or(c.MaxBatch, 4096)
	c.MaxBatchBytes = cmp.Or(c.MaxBatchBytes, 4<<20)
	c.RetryMin = cmp.Or(c.RetryMin, 100*time.Millisecond)
	c.RetryMax = cmp.Or(c.RetryMax, max(10*time.Second, c.RetryMin))
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

func (c Config[T]) validate() error {
	switch {
	case c.Encode == nil:
		return errors.New("config: Encode is nil: expected a function that makes a value an event")
	case len(c.Name) > crdt.MaxModule:
		return fmt.Errorf("config: Name has %d bytes, at most %d are allowed", len(c.Name), crdt.MaxModule)
	case c.NewNumbers && c.Number == nil:
		return errors.New("config: NewNumbers is set, and Number, which it is about, is nil")
	case c.Overflow > Drop:
		return fmt.Errorf("config: Overflow is %s: expected Wait, Refuse or Drop", c.Overflow)
	case c.MaxQueued < 1 || c.MaxQueuedBytes < 1:
		return errors.New("config: MaxQueued or MaxQueuedBytes is negative")
	case c.MaxBatch < 1 || c.MaxBatchBytes < 1:
		return errors.New("config: MaxBatch or MaxBatchBytes is negative")
	case c.RetryMin < 0 || c.RetryMax < c.RetryMin:
		return fmt.Errorf("config: RetryMin %s, RetryMax %s: expected the lesser first", c.RetryMin, c.RetryMax)
	}
	return nil
}
