package bridge_test

import (
	"context"
	"errors"
	"fmt"
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

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

var errNegative = errors.New("a negative value")

// encode makes a number an event about it.
func encode(n int) (crdt.Event, error) {
	if n < 0 {
		return crdt.Event{}, errNegative
	}
	return crdt.Event{Kind: "step", Subject: strconv.Itoa(n)}, nil
}

func number(n int) uint64 { return uint64(n) }

// config is that of the stream "s" of numbers.
func config() bridge.Config[int] {
	return bridge.Config[int]{Name: "s", Encode: encode, RetryMin: 1, RetryMax: 1, Now: func() time.Time { return noon }}
}

func mustNew[T any](t *testing.T, log bridge.Log, cfg bridge.Config[T]) *bridge.Bridge[T] {
	t.Helper()
	b, err := bridge.New(t.Context(), log, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// publish publishes values, each of which must be queued.
func publish(t *testing.T, b *bridge.Bridge[int], values ...int) {
	t.Helper()
	for _, n := range values {
		if err := b.Publish(t.Context(), n); err != nil {
			t.Fatalf("publish %d: %v", n, err)
		}
	}
}

func mustClose(t *testing.T, b *bridge.Bridge[int]) {
	t.Helper()
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// lines returns the log: the subject of each entry, and each gap as "-FIRST..LAST".
func lines(t *testing.T, l *eventlog.Log) (lines []string) {
	t.Helper()
	for e, err := range l.Entries(t.Context(), eventlog.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind != gap.Kind {
			lines = append(lines, e.Subject)
			continue
		}
		g, err := gap.Parse(e)
		if err != nil || g.Source != "s" || g.AtMost || g.Count != g.Last-g.First+1 {
			t.Fatalf("%v: %s", err, &g)
		}
		lines = append(lines, fmt.Sprintf("-%d..%d", g.First, g.Last))
	}
	return lines
}

func wantLines(t *testing.T, l *eventlog.Log, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, lines(t, l)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// wantEach checks that the log shows the numbers 1 to last in order, each as an entry or in one gap,
// and returns how many are entries.
func wantEach(t *testing.T, l *eventlog.Log, last uint64) (entries int) {
	t.Helper()
	next := uint64(1)
	for _, line := range lines(t, l) {
		first, until := next, next
		if _, err := fmt.Sscanf(line, "-%d..%d", &first, &until); err != nil {
			if first, err = strconv.ParseUint(line, 10, 64); err != nil {
				t.Fatal(err)
			}
			until = first
			entries++
		}
		if first != next {
			t.Fatalf("%s stands where %d is due", line, next)
		}
		next = until + 1
	}
	if next != last+1 {
		t.Fatalf("the log ends at %d of %d", next-1, last)
	}
	return entries
}

// Recording did nothing, in silence, when its subscriber had not been initialised (system A).
func TestABridgeThatWasNotMadeIsAnError(t *testing.T) {
	ctx := t.Context()
	for _, b := range []*bridge.Bridge[int]{nil, {}} {
		_, recorded := b.Record(ctx, 1)
		for i, err := range []error{b.Publish(ctx, 1), recorded, b.Subscribe(ctx, nil), b.Run(ctx), b.Flush(ctx), b.Close(ctx)} {
			if !errors.Is(err, bridge.ErrNotMade) {
				t.Errorf("call %d: %v", i, err)
			}
		}
		if s := b.Stats(); s != (bridge.Stats{}) {
			t.Errorf("%+v", s)
		}
	}
}

func TestAClosedBridgeIsAnError(t *testing.T) {
	l := eventlogtest.Open(t)
	b := mustNew(t, l, config())
	publish(t, b, 1)
	mustClose(t, b)
	mustClose(t, b)
	_, recorded := b.Record(t.Context(), 2)
	for i, err := range []error{b.Publish(t.Context(), 2), recorded, b.Subscribe(t.Context(), make(chan int))} {
		if !errors.Is(err, bridge.ErrClosed) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if err := b.Run(t.Context()); err != nil {
		t.Error(err)
	}
	wantLines(t, l, "1")
}

func TestWhatIsPublishedBeforeRunIsRecorded(t *testing.T) {
	l := eventlogtest.Open(t)
	b := mustNew(t, l, config())
	publish(t, b, 1, 2, 3)
	wantLines(t, l)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
	place, err := b.Record(t.Context(), 4)
	if err != nil || place.Seq != 3 {
		t.Errorf("%s, %v", place, err)
	}
	wantLines(t, l, "1", "2", "3", "4")
	mustClose(t, b)
	wg.Wait()
}

func TestRecordWhoseContextEndsSaysThatItIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		b := mustNew(t, l, config())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Record(ctx, 1); !errors.Is(err, bridge.ErrQueued) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if err := b.Publish(ctx, 2); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		mustClose(t, b)
		wantLines(t, l, "1")
	})
}

func TestWhatCannotBeAnEntryIsItsProducersError(t *testing.T) {
	l := eventlogtest.Open(t)
	events := bridge.Config[crdt.Event]{Name: "s", Encode: func(e crdt.Event) (crdt.Event, error) { return e, nil }}
	b := mustNew(t, l, events)
	for _, test := range []struct {
		event crdt.Event
		want  error
	}{
		{crdt.Event{}, crdt.ErrEvent},
		{crdt.Event{Kind: "a", Payload: []byte("{")}, crdt.ErrEvent},
		{crdt.Event{Kind: "a", Retention: crdt.Trimmable + 1}, crdt.ErrEvent},
		{crdt.Event{Kind: gap.Kind}, eventlog.ErrReserved},
	} {
		if err := b.Publish(t.Context(), test.event); !errors.Is(err, test.want) {
			t.Errorf("%+v: %v", test.event, err)
		}
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ints := mustNew(t, l, config())
	if err := ints.Publish(t.Context(), -1); !errors.Is(err, errNegative) {
		t.Errorf("%v", err)
	}
	wantLines(t, l)
}

// The time of an event was that of the flush (system E): here it is that of the call.
func TestTimeIsTakenAtTheCallNotAtTheFlush(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	now := noon
	cfg.Now = func() time.Time { return now }
	b := mustNew(t, l, cfg)
	publish(t, b, 1)
	now = noon.Add(time.Hour)
	mustClose(t, b)
	e, err := l.Lookup(t.Context(), crdt.Place{Author: l.Author()})
	if err != nil || !e.Time.Equal(noon) {
		t.Errorf("%v, %v", e.Time, err)
	}
}

// Closing flushed the buffer but not the channel before it (system E).
func TestCloseDrainsWhatIsQueuedWithoutARunToo(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	cfg.MaxBatch = 3
	b := mustNew(t, l, cfg)
	for n := range 100 {
		publish(t, b, n+1)
	}
	mustClose(t, b)
	if n := wantEach(t, l, 100); n != 100 {
		t.Errorf("%d entries", n)
	}
}

func TestCloseThatIsCutShortNamesWhatIsNotDurable(t *testing.T) {
	l := eventlogtest.Open(t)
	b := mustNew(t, l, config())
	publish(t, b, 1)
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(t, b, 2, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := b.Close(ctx)
	if u, ok := errors.AsType[*bridge.UnrecordedError](err); !ok || u.First != 2 || u.Last != 3 || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if s := b.Stats(); s.Number != 1 || s.Queued != 2 {
		t.Errorf("%+v", s)
	}
	mustClose(t, b)
	wantLines(t, l, "1", "2", "3")
}

func TestRunThatIsCutShortLeavesTheQueueToTheNext(t *testing.T) {
	l := eventlogtest.Open(t)
	b := mustNew(t, l, config())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	publish(t, b, 1)
	if err := b.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	publish(t, b, 2)
	mustClose(t, b)
	wantLines(t, l, "1", "2")
}

func TestConfigsThatCannotBe(t *testing.T) {
	l := eventlogtest.Open(t)
	for name, change := range map[string]func(*bridge.Config[int]){
		"Encode":        func(c *bridge.Config[int]) { c.Encode = nil },
		"Name":          func(c *bridge.Config[int]) { c.Name = string(make([]byte, 256)) },
		"NewNumbers":    func(c *bridge.Config[int]) { c.NewNumbers = true },
		"Overflow":      func(c *bridge.Config[int]) { c.Overflow = 3 },
		"MaxQueued":     func(c *bridge.Config[int]) { c.MaxQueued = -1 },
		"MaxBatchBytes": func(c *bridge.Config[int]) { c.MaxBatchBytes = -1 },
		"RetryMin":      func(c *bridge.Config[int]) { c.RetryMin, c.RetryMax = 2, 1 },
	} {
		cfg := config()
		change(&cfg)
		if _, err := bridge.New(t.Context(), l, cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
