package recorder_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/recorder"
)

// System E: an event without a timestamp got that of the flush.
func TestTimeIsTakenAtTheCallNotAtTheFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		r := newRecorder(t, l, recorder.Config{})
		first := time.Now()
		record(t, r, 1, 1)
		time.Sleep(1500 * time.Nanosecond)
		own := tick(2)
		own.Time = first.Add(-time.Hour)
		if err := r.Record(own); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		closeRecorder(t, r)
		var got []time.Time
		for e, err := range l.Entries(context.Background(), eventlog.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Time)
		}
		if diff := cmp.Diff([]time.Time{first.UTC(), own.Time.UTC()}, got); diff != "" {
			t.Errorf("times (-want +got):\n%s", diff)
		}
	})
}

// System E: what came while the channel was full was gone.
func TestNothingIsGoneWhenTheBufferIsFull(t *testing.T) {
	for _, tt := range []struct {
		overflow recorder.Overflow
		want     []string
	}{
		{recorder.Refuse, numbers(1, 2)},
		{recorder.Spill, numbers(1, 4)},
		{recorder.Drop, []string{"1", "2", "default lost 2, 3 to 4: the recorder's buffer was full"}},
	} {
		l := eventlogtest.OpenAs(t, tt.overflow.String())
		r := newRecorder(t, l, recorder.Config{Buffer: 2, Overflow: tt.overflow, Dir: t.TempDir()})
		told := 0
		for n := 1; n <= 4; n++ {
			if err := r.Record(tick(n)); errors.Is(err, recorder.ErrFull) {
				told++
			} else if err != nil {
				t.Error(err)
			}
		}
		closeRecorder(t, r)
		checkEntries(t, l, tt.want...)
		if (told == 2) != (tt.overflow == recorder.Refuse) {
			t.Errorf("%s: the callers of %d events were told", tt.overflow, told)
		}
	}
}

// System E: what could not be written after three retries was gone.
func TestNothingIsGoneAfterTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		r := newRecorder(t, l, recorder.Config{FlushCount: 1})
		var mended atomic.Bool
		flushes(r, func(int) (error, bool) {
			if !mended.Load() {
				return errDisk, false
			}
			return nil, true
		})
		done := make(chan error)
		go func() { done <- r.Run(context.Background()) }()
		record(t, r, 1, 3)
		time.Sleep(time.Hour)
		synctest.Wait()
		record(t, r, 4, 6)
		s := r.Stats()
		if s.Failed < 100 || s.Failed > 400 { // between 15 and 30 s lie between two
			t.Errorf("an hour of a full disk had %d flushes", s.Failed)
		}
		if s.Retries != s.Failed-1 || s.AtRisk != 6 {
			t.Errorf("stats: %+v", s)
		}
		mended.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		checkEntries(t, l, numbers(1, 6)...)
		closeRecorder(t, r)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// System E: closing flushed the buffer, but not what was still in the channel.
func TestCloseDrainsBufferQueueAndSpill(t *testing.T) {
	l := eventlogtest.Open(t)
	r := newRecorder(t, l, recorder.Config{Buffer: 1500, Overflow: recorder.Spill, Dir: t.TempDir()})
	record(t, r, 1, 3000)
	if s := r.Stats(); s.Buffered != 1500 || s.Spilling != 1500 {
		t.Errorf("stats: %+v", s)
	}
	closeRecorder(t, r)
	checkEntries(t, l, numbers(1, 3000)...)
	if err := r.Close(context.Background()); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

// System E: dropping the recorder flushed nothing, and nobody knew.
func TestARecorderThatIsForgottenIsFlushedOrSaysWhatIsGone(t *testing.T) {
	l := eventlogtest.Open(t)
	r := newRecorder(t, l, recorder.Config{})
	record(t, r, 1, 2)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Run(ctx); err != nil {
		t.Error(err)
	}
	checkEntries(t, l, numbers(1, 2)...)
	closeRecorder(t, r)

	cfg := recorder.Config{Dir: t.TempDir()}
	forgotten := newRecorder(t, l, cfg)
	record(t, forgotten, 3, 9)
	r = newRecorder(t, l, cfg)
	record(t, r, 10, 10)
	closeRecorder(t, r)
	checkEntries(t, l, "1", "2", "default lost 7, 3 to 9: the recorder ended without Close", "10")
}

// System E: a filter that named a type that no event has recorded nothing and did not say so.
func TestAFilterWithAnUnknownKindIsWarnedOf(t *testing.T) {
	l := eventlogtest.Open(t)
	logger, log := lines()
	r := newRecorder(t, l, recorder.Config{Kinds: []string{"order.payed", "order.sent"}, Known: []string{"order.paid", "order.sent", "refund"}, Logger: logger})
	if text := log.String(); !strings.Contains(text, "kind=order.payed nearest=order.paid") || strings.Contains(text, "kind=order.sent") {
		t.Errorf("New logs %q", text)
	}
	closeRecorder(t, r)
	if s := r.Stats(); s.UnknownKinds != 1 {
		t.Errorf("stats: %+v", s)
	}

	log.Reset()
	r = newRecorder(t, l, recorder.Config{Kinds: []string{"order.payed", "order.sent"}, Logger: logger})
	for _, kind := range []string{"order.paid", "order.sent", "refund"} {
		if err := r.Record(crdt.Event{Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	if log.Len() > 0 {
		t.Errorf("before Close it logs %q", log)
	}
	closeRecorder(t, r)
	if text := log.String(); !strings.Contains(text, "kind=order.payed nearest=order.paid") || strings.Contains(text, "kind=order.sent") {
		t.Errorf("Close logs %q", text)
	}
	if s := r.Stats(); s.UnknownKinds != 1 || s.Filtered != 2 || s.Flushed != 1 {
		t.Errorf("stats: %+v", s)
	}
}

// System E: of the events of one type, all went into the table that the first of them named.
func TestEventsOfOneKindKeepTheirOwnModule(t *testing.T) {
	l := eventlogtest.Open(t)
	dir := t.TempDir()
	r := newRecorder(t, l, recorder.Config{Buffer: 2, Overflow: recorder.Spill, Dir: dir})
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	want := []crdt.Event{
		{Kind: "paid", Module: "orders", Subject: "1", Time: at},
		{Kind: "paid", Module: "refunds", Subject: "2", Time: at, Retention: crdt.Trimmable},
		{Kind: "paid", Module: "orders", Subject: "3", Time: at, Payload: []byte(`{"a":1}`)},
		{Kind: "paid", Module: "tips", Subject: "3", Time: at, ContentType: "text/plain", Payload: []byte("a"), Headers: []crdt.EventHeader{{Name: "h", Value: "v"}}},
	}
	for _, e := range want {
		if err := r.Record(e); err != nil {
			t.Fatal(err)
		}
	}
	closeRecorder(t, r)
	var got []crdt.Event
	for e, err := range l.Entries(context.Background(), eventlog.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Clone().Event)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// System E: a batch that was retried inserted again what had succeeded.
func TestARetriedBatchInsertsNothingTwice(t *testing.T) {
	l := eventlogtest.Open(t)
	r := newRecorder(t, l, recorder.Config{Buffer: 4, Overflow: recorder.Spill, Dir: t.TempDir(), RetryMin: 1, RetryMax: 1})
	record(t, r, 1, 8)
	flushes(r, func(n int) (error, bool) {
		switch n % 3 {
		case 1:
			return &eventlog.UncertainError{Err: errDisk}, true
		case 2:
			return &eventlog.UncertainError{Err: errDisk}, false
		}
		return nil, true
	})
	closeRecorder(t, r)
	checkEntries(t, l, numbers(1, 8)...)
	if s := r.Stats(); s.Failed < 4 || s.Flushed != 8 {
		t.Errorf("stats: %+v", s)
	}
}

// System E: an event that could never be inserted was retried like one that met a broken network, and
// took its whole batch with it.
func TestAnEventThatCanNeverBeAppendedIsRefusedAloneAndAtOnce(t *testing.T) {
	l := eventlogtest.Open(t)
	r := newRecorder(t, l, recorder.Config{})
	record(t, r, 1, 1)
	for _, e := range []crdt.Event{
		{},
		{Kind: "k", Payload: []byte("not JSON")},
		{Kind: "k", ContentType: "a/b", Payload: make([]byte, crdt.MaxPayload+1)},
		{Kind: "k", Retention: 2},
		{Kind: "k", Time: time.Unix(1<<40, 0)},
	} {
		if err := r.Record(e); !errors.Is(err, crdt.ErrEvent) {
			t.Errorf("Record(%.40v): %v", e, err)
		}
	}
	if err := r.Record(crdt.Event{Kind: "quipu.gap"}); !errors.Is(err, eventlog.ErrReserved) {
		t.Errorf("Record of a reserved kind: %v", err)
	}
	record(t, r, 2, 2)
	recorder.Force(r, crdt.Event{Kind: "k", Payload: []byte("not JSON")})
	record(t, r, 4, 4)
	closed, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.Close(closed); err != nil {
		t.Fatal(err)
	}
	checkEntries(t, l, "1", "2", "default lost 1, 3 to 3: the log takes no such event", "4")
	if s := r.Stats(); s.Invalid != 6 || s.Failed != 0 || s.Flushed != 3 || s.Dropped != 1 {
		t.Errorf("stats: %+v", s)
	}
}
