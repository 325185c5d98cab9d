package bridge_test

import (
	"errors"
	"testing"

	"github.com/quipulog/quipu/eventlog/bridge"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
)

// The numbers of a stream hid what its subscriber had missed, since it counted what it got (system A).
// A source that numbers its values shows it.
func TestTheNumbersDoNotHideWhatTheSourceLost(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	cfg.Number = number
	b := mustNew(t, l, cfg)
	publish(t, b, 1, 2, 5, 6, 7, 9)
	mustClose(t, b)
	wantLines(t, l, "1", "2", "-3..4", "5", "6", "7", "-8..8", "9")
	if s := b.Stats(); s.Missing != 3 || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
}

// A sequence began at 1 again after a restart, and what was replayed came in a wrong order (system A).
func TestTheCountGoesOnAfterARestart(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	cfg.Overflow, cfg.MaxQueued = bridge.Drop, 1
	for n := 1; n <= 5; n += 2 {
		b := mustNew(t, l, cfg)
		publish(t, b, n)
		wantDropped(t, b.Publish(t.Context(), n+1), uint64(n+1))
		mustClose(t, b)
	}
	wantLines(t, l, "1", "-2..2", "3", "-4..4", "5", "-6..6")
}

// With a source that numbers its values, what a crash took from the queue is a gap once the next one
// comes.
func TestWhatACrashTookIsAGap(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	cfg.Number = number
	b := mustNew(t, l, cfg)
	publish(t, b, 7, 8)
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(t, b, 9, 10) // and the process ends
	b = mustNew(t, l, cfg)
	publish(t, b, 11)
	mustClose(t, b)
	wantLines(t, l, "7", "8", "-9..10", "11")
}

func TestNumbersThatGoBackAreRefused(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	for _, n := range []uint64{0, gap.MaxNumber} {
		cfg.Number = func(int) uint64 { return n }
		b := mustNew(t, l, cfg)
		if _, ok := errors.AsType[*bridge.NumberError](b.Publish(t.Context(), 1)); !ok {
			t.Errorf("number %d was taken", n)
		}
		mustClose(t, b)
	}
	cfg.Number = number
	b := mustNew(t, l, cfg)
	publish(t, b, 4, 5)
	mustClose(t, b)
	b = mustNew(t, l, cfg)
	for _, n := range []int{1, 5} {
		err := b.Publish(t.Context(), n)
		if e, ok := errors.AsType[*bridge.NumberError](err); !ok || e.Last != 5 {
			t.Errorf("number %d: %v", n, err)
		}
	}
	mustClose(t, b)
	cfg.NewNumbers = true
	b = mustNew(t, l, cfg)
	publish(t, b, 1, 3)
	mustClose(t, b)
	wantLines(t, l, "4", "5", "1", "-2..2", "3")
}

func TestTwoBridgesOfANameAreFound(t *testing.T) {
	l := eventlogtest.Open(t)
	a, b := mustNew(t, l, config()), mustNew(t, l, config())
	publish(t, a, 1)
	publish(t, b, 1)
	mustClose(t, a)
	err := b.Close(t.Context())
	if u, ok := errors.AsType[*bridge.UnrecordedError](err); !ok || u.First != 1 || u.Last != 1 || !errors.Is(err, bridge.ErrTaken) {
		t.Errorf("%v", err)
	}
	if err := b.Run(t.Context()); !errors.Is(err, bridge.ErrTaken) {
		t.Errorf("%v", err)
	}
	if err := b.Publish(t.Context(), 2); !errors.Is(err, bridge.ErrTaken) {
		t.Errorf("%v", err)
	}
	wantLines(t, l, "1")
}
