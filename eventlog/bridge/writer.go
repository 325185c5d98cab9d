package bridge

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	randv2 "math/rand/v2"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/retry"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/gap"
)

// bucket is the name of the bucket in which bridges keep their numbers:
//
//	name → number of the last event that is durable (8 bytes, big-endian) ‖ which bridge wrote it (8)
const bucket = "quipu.bridge"

// ErrTaken is returned by [Bridge.Run], [Bridge.Flush] and [Bridge.Close] when another bridge of the
// same name has written to the log since this one was made. One bridge at a time has a name.
var ErrTaken = errors.New("another bridge of the same name writes to the log")

var errMark = errors.New("the number of the last event cannot be read")

// mark is what is kept under a bridge's name.
type mark struct {
	number uint64
	token  uint64 // of the bridge that wrote it, by chance
}

const markSize = 16

func (m mark) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, markSize), m.number)
	return binary.BigEndian.AppendUint64(b, m.token)
}

func readMark(tx *eventlog.Tx, name string) (mark, error) {
	v := tx.Bucket(bucket).Get([]byte(name))
	switch len(v) {
	case 0:
		return mark{}, nil
	case markSize:
		return mark{number: binary.BigEndian.Uint64(v), token: binary.BigEndian.Uint64(v[8:])}, nil
	}
	return mark{}, fmt.Errorf("%w: %d bytes for %q, expected %d", errMark, len(v), name, markSize)
}

// writer appends batches. It is used by whoever holds the slot of the queue.
type writer struct {
	log                Log
	name               string
	append             func(tx *eventlog.Tx, events []crdt.Event) ([]crdt.Place, error)
	logger             *slog.Logger
	retryMin, retryMax time.Duration // of a wait between two attempts
	token              uint64
	known              mark // what the log had when the last batch was durable
}

// open reads what the last bridge of the name has left.
func (w *writer) open(ctx context.Context) error {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	w.token = binary.BigEndian.Uint64(b[:])
	if w.append == nil {
		w.append = appendEach
	}
	return w.log.Update(ctx, func(tx *eventlog.Tx) (err error) {
		w.known, err = readMark(tx, w.name)
		return err
	})
}

func appendEach(tx *eventlog.Tx, events []crdt.Event) ([]crdt.Place, error) {
	places := make([]crdt.Place, len(events))
	for i, e := range events {
		var err error
		if places[i], err = tx.Append(e); err != nil {
			return nil, err
		}
	}
	return places, nil
}

// write makes a batch durable, once, however often that takes. It returns nil when it is; why ctx
// ended, and then the batch is to be written again; or why there is no writing any more. retried is
// called after each attempt that may have failed for want of room.
func (w *writer) write(ctx context.Context, b *batch, retried func()) error {
	for tries := 1; ; tries++ {
		err := w.log.Update(ctx, func(tx *eventlog.Tx) error { return w.put(tx, b) })
		if err == nil {
			w.known = mark{number: b.last, token: w.token}
			return nil
		}
		if !errors.Is(err, eventlog.ErrUncertain) {
			return err
		}
		b.uncertain = err
		retried()
		w.logger.Warn("a batch may not be durable, trying again", "bridge", w.name, "events", len(b.items), "last", b.last, "err", err)
		if err := sleep(ctx, retry.After(tries, w.retryMin, w.retryMax, randv2.N)); err != nil {
			return err
		}
	}
}

// sleep waits, or returns why ctx has ended.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// put appends a batch, unless an attempt that seemed to fail has: what is kept under the name says so,
// since it changed in the same transaction.
func (w *writer) put(tx *eventlog.Tx, b *batch) error {
	now, err := readMark(tx, w.name)
	if err != nil {
		return err
	}
	after := mark{number: b.last, token: w.token}
	switch {
	case now == after && b.uncertain != nil:
		return nil
	case now != w.known:
		return fmt.Errorf("%w: %q is at number %d, expected %d", ErrTaken, w.name, now.number, w.known.number)
	}
	if b.gap != nil {
		if _, err := gap.AppendTx(tx, *b.gap); err != nil {
			return err
		}
	}
	if len(b.items) > 0 {
		if b.places, err = w.append(tx, b.events()); err != nil {
			return err
		}
	}
	if len(b.places) != len(b.items) {
		return fmt.Errorf("Config.Append returned %d places for %d events", len(b.places), len(b.items))
	}
	return tx.Bucket(bucket).Put([]byte(w.name), after.encode())
}

func (b *batch) events() []crdt.Event {
	events := make([]crdt.Event, len(b.items))
	for i := range b.items {
		events[i] = b.items[i].event
	}
	return events
}
