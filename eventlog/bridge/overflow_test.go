package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/bridge"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
)

// stuck is a log whose Updates wait until it is let go, as on a disk that hangs.
type stuck struct {
	bridge.Log
	entered chan struct{} // gets one at each Update
	letGo   chan struct{}
}

func (s *stuck) Update(ctx context.Context, fn func(*eventlog.Tx) error) error {
	select {
	case s.entered <- struct{}{}:
	default:
	}
	<-s.letGo
	return s.Log.Update(ctx, fn)
}

// A subscriber of a process-wide stream that lags behind it lost what it missed, and the numbers of
// what it had recorded hid that (system A: "missed broadcast, lagging channel").
func TestALaggingSubscriberRecordsEveryOne(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	cfg.MaxQueued = 8
	b := mustNew(t, l, cfg)
	var subscriber, run sync.WaitGroup
	stream := make(chan int)
	subscriber.Go(func() {
		if err := b.Subscribe(t.Context(), stream); err != nil {
			t.Error(err)
		}
	})
	run.Go(func() {
		if err := b.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
	const last = 200
	for n := range last {
		stream <- n + 1
	}
	close(stream)
	subscriber.Wait()
	mustClose(t, b)
	run.Wait()
	if n := wantEach(t, l, last); n != last {
		t.Errorf("%d entries", n)
	}
}

// wantDropped wants the error that says that the value of a number was dropped.
func wantDropped(t interface{ Errorf(string, ...any) }, err error, number uint64) {
	if e, dropped := errors.AsType[*bridge.DroppedError](err); !dropped || e.Number != number {
		t.Errorf("publish %d: %v, want that it was dropped", number, err)
	}
}

// Lagging receivers of a broadcast lost events (system B), and nobody could tell which: here the gap
// says so, where they would stand.
func TestALaggingReceiverThatDropsNamesWhatItDropped(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	cfg.Overflow, cfg.MaxQueued = bridge.Drop, 2
	b := mustNew(t, l, cfg)
	publish(t, b, 1, 2)
	for n := 3; n <= 5; n++ {
		wantDropped(t, b.Publish(t.Context(), n), uint64(n))
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(t, b, 6)
	mustClose(t, b)
	wantLines(t, l, "1", "2", "-3..5", "6")
	e, err := l.Lookup(t.Context(), crdt.Place{Author: l.Author(), Seq: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := gap.Gap{
		Source: "s", Reason: bridge.ReasonFull, Count: 3, First: 3, Last: 5, From: noon, Until: noon,
		Kinds: []gap.KindCount{{Kind: "step", Count: 3}},
	}
	got, err := gap.Parse(e)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	stats := bridge.Stats{Published: 3, Recorded: 3, Dropped: 3, Gaps: 1, Batches: 3, Number: 6}
	if diff := cmp.Diff(stats, b.Stats()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestRefuseSaysHowFarBehindTheBridgeIs(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	cfg.Overflow, cfg.MaxQueued = bridge.Refuse, 2
	b := mustNew(t, l, cfg)
	publish(t, b, 1, 2)
	err := b.Publish(t.Context(), 3)
	behind, ok := errors.AsType[*bridge.BehindError](err)
	if !ok || behind.Events != 2 || behind.Number != 0 || behind.Bytes == 0 {
		t.Fatalf("%v", err)
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(t, b, 3)
	mustClose(t, b)
	wantLines(t, l, "1", "2", "3")
}

func TestTheBytesThatWaitAreBounded(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	cfg.Overflow, cfg.MaxQueuedBytes, cfg.MaxBatchBytes = bridge.Refuse, 1000, 500
	b := mustNew(t, l, cfg)
	n := 1
	for ; b.Publish(t.Context(), n) == nil; n++ {
	}
	if s := b.Stats(); s.QueuedBytes > 1000 || s.Queued != 2 {
		t.Errorf("%+v", s)
	}
	mustClose(t, b)
	wantEach(t, l, uint64(n-1))
	if s := b.Stats(); s.Batches != 2 || s.QueuedBytes != 0 {
		t.Errorf("%+v", s)
	}
}

// One event that is larger than the bound goes through, by itself.
func TestOneEventFitsAtAnySize(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	cfg.MaxQueuedBytes, cfg.MaxBatchBytes = 1, 1
	b := mustNew(t, l, cfg)
	publish(t, b, 1)
	mustClose(t, b)
	wantLines(t, l, "1")
}

func TestAWaitingProducerGoesOnWhenThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		log := &stuck{Log: l, letGo: make(chan struct{})}
		close(log.letGo)
		cfg := config()
		cfg.MaxQueued = 2
		b := mustNew(t, log, cfg)
		log.letGo = make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := b.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
		publish(t, b, 1, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := b.Publish(ctx, 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the queue is full: %v", err)
		}
		wg.Go(func() { publish(t, b, 3) })
		synctest.Wait()
		if s := b.Stats(); s.Queued != 2 {
			t.Errorf("%+v", s)
		}
		close(log.letGo)
		synctest.Wait()
		mustClose(t, b)
		wg.Wait()
		wantLines(t, l, "1", "2", "3")
	})
}

func TestCloseSendsThoseWhoWaitForRoomAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		cfg := config()
		cfg.MaxQueued = 1
		b := mustNew(t, l, cfg)
		publish(t, b, 1)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := b.Publish(t.Context(), 2); !errors.Is(err, bridge.ErrClosed) {
				t.Error(err)
			}
		})
		synctest.Wait()
		mustClose(t, b)
		wg.Wait()
		wantLines(t, l, "1")
	})
}

func TestSubscribeTakesNothingThatHasNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		cfg := config()
		cfg.MaxQueued, cfg.Overflow = 2, bridge.Refuse
		b := mustNew(t, l, cfg)
		stream := make(chan int, 10)
		for n := range 5 {
			stream <- n + 1
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := b.Subscribe(ctx, stream); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		if len(stream) != 3 {
			t.Errorf("%d values are left", len(stream))
		}
		cancel()
		wg.Wait()
		wg.Go(func() {
			if err := b.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := b.Subscribe(t.Context(), stream); !errors.Is(err, bridge.ErrClosed) {
				t.Error(err)
			}
		})
		synctest.Wait()
		if len(stream) != 0 {
			t.Errorf("%d values are left", len(stream))
		}
		mustClose(t, b)
		wg.Wait()
		wantLines(t, l, "1", "2", "3", "4", "5")
	})
}

// Many publish while the queue overflows: what each was told adds up to what the log shows.
func TestPublishersThatOverflowAreAllAccountedFor(t *testing.T) {
	for _, overflow := range []bridge.Overflow{bridge.Wait, bridge.Refuse, bridge.Drop} {
		t.Run(overflow.String(), func(t *testing.T) {
			l := eventlogtest.Open(t)
			cfg := config()
			cfg.Overflow, cfg.MaxQueued, cfg.MaxBatch = overflow, 50, 20
			b := mustNew(t, l, cfg)
			told := make([][]string, 8) // of each publisher, what was queued
			var run, publishers sync.WaitGroup
			run.Go(func() {
				if err := b.Run(t.Context()); err != nil {
					t.Error(err)
				}
			})
			for p := range told {
				publishers.Go(func() {
					for i := range 100 {
						n := p*100 + i
						if b.Publish(t.Context(), n) == nil {
							told[p] = append(told[p], strconv.Itoa(n))
						}
					}
				})
			}
			publishers.Wait()
			mustClose(t, b)
			run.Wait()
			wantTold(t, l, b.Stats(), told)
		})
	}
}

// wantTold checks a log against what publishers of a hundred values each were told.
func wantTold(t *testing.T, l *eventlog.Log, stats bridge.Stats, told [][]string) {
	t.Helper()
	got := make([][]string, len(told))
	dropped := 0
	for _, line := range lines(t, l) {
		var first, last int
		if _, err := fmt.Sscanf(line, "-%d..%d", &first, &last); err == nil {
			dropped += last - first + 1
			continue
		}
		n, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		got[n/100] = append(got[n/100], line)
	}
	if diff := cmp.Diff(told, got); diff != "" {
		t.Errorf("each publisher's values in its order (-told +log):\n%s", diff)
	}
	queued := len(slices.Concat(told...))
	if stats.Recorded != uint64(queued) || stats.Dropped != uint64(dropped) || stats.Dropped+stats.Refused+stats.Published != uint64(len(told)*100) {
		t.Errorf("%d queued, %d in gaps, %+v", queued, dropped, stats)
	}
}
