package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
	"github.com/quipulog/quipu/eventlog/recorder"
)

// tick is an event that is told apart by n.
func tick(n int) crdt.Event { return crdt.Event{Kind: "tick", Subject: fmt.Sprint(n)} }

func newRecorder(tb testing.TB, l *eventlog.Log, cfg recorder.Config) *recorder.Recorder {
	tb.Helper()
	r, err := recorder.New(l, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// record records the events from first to last.
func record(tb testing.TB, r *recorder.Recorder, first, last int) {
	tb.Helper()
	for n := first; n <= last; n++ {
		if err := r.Record(tick(n)); err != nil {
			tb.Fatalf("record %d: %v", n, err)
		}
	}
}

func closeRecorder(tb testing.TB, r *recorder.Recorder) {
	tb.Helper()
	if err := r.Close(context.Background()); err != nil {
		tb.Fatal(err)
	}
	checkSum(tb, r)
}

// checkSum checks that every event is accounted for.
func checkSum(tb testing.TB, r *recorder.Recorder) {
	tb.Helper()
	s := r.Stats()
	if got := s.Filtered + s.Invalid + s.Refused + s.Recorded; s.Received != got {
		tb.Errorf("%d were received, %d are accounted for: %+v", s.Received, got, s)
	}
	if got := s.Flushed + s.Dropped + s.Buffered + s.Spilling; s.Recorded+s.Recovered != got {
		tb.Errorf("%d were recorded and %d recovered, %d are accounted for: %+v", s.Recorded, s.Recovered, got, s)
	}
}

// entries returns what is in the log, in order: the subjects of events and what gaps say.
func entries(tb testing.TB, l *eventlog.Log) (texts []string) {
	tb.Helper()
	for e, err := range l.Entries(context.Background(), eventlog.Query{}) {
		if err != nil {
			tb.Fatal(err)
		}
		if e.Kind != gap.Kind {
			texts = append(texts, strings.Clone(e.Subject))
			continue
		}
		g, err := gap.Parse(e)
		if err != nil {
			tb.Fatal(err)
		}
		texts = append(texts, g.String())
	}
	return texts
}

// numbers returns the texts of the numbers from first to last.
func numbers(first, last int) (texts []string) {
	for n := first; n <= last; n++ {
		texts = append(texts, fmt.Sprint(n))
	}
	return texts
}

func checkEntries(tb testing.TB, l *eventlog.Log, want ...string) {
	tb.Helper()
	if diff := cmp.Diff(want, entries(tb, l)); diff != "" {
		tb.Errorf("log (-want +got):\n%s", diff)
	}
}

// flushes makes r's flushes fail as outcome says, which is called with the number of the flush, from 1
// on, and whether it is committed all the same.
func flushes(r *recorder.Recorder, outcome func(n int) (err error, committed bool)) {
	n := 0
	recorder.Break(r, func(update recorder.Update) recorder.Update {
		return func(ctx context.Context, fn func(tx *eventlog.Tx) error) error {
			n++
			err, committed := outcome(n)
			if err == nil || committed {
				if failed := update(ctx, fn); failed != nil {
					return failed
				}
			}
			return err
		}
	})
}

var errDisk = errors.New("no space left on device")

func TestConfigIsChecked(t *testing.T) {
	l := eventlogtest.Open(t)
	for _, tt := range []struct {
		cfg    recorder.Config
		reason string
	}{
		{recorder.Config{Name: "a/b"}, "Name"},
		{recorder.Config{Name: strings.Repeat("n", 65)}, "Name"},
		{recorder.Config{Buffer: -1}, "Buffer"},
		{recorder.Config{FlushEvery: -1}, "FlushEvery"},
		{recorder.Config{Overflow: 9}, "overflow(9)"},
		{recorder.Config{Overflow: recorder.Spill}, "Dir is empty"},
	} {
		if _, err := recorder.New(l, tt.cfg); err == nil || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%+v: %v, want %q", tt.cfg, err, tt.reason)
		}
	}
}

func TestFlushByCountBytesAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		r := newRecorder(t, l, recorder.Config{FlushCount: 10, FlushBytes: 20 << 10})
		done := make(chan error)
		go func() { done <- r.Run(context.Background()) }()

		record(t, r, 1, 9)
		time.Sleep(4999 * time.Millisecond)
		synctest.Wait()
		checkEntries(t, l)
		record(t, r, 10, 10)
		synctest.Wait()
		checkEntries(t, l, numbers(1, 10)...)

		record(t, r, 11, 11)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		checkEntries(t, l, numbers(1, 11)...)

		for n := 12; n <= 13; n++ {
			e := tick(n)
			e.ContentType, e.Payload = "a/b", make([]byte, 10<<10)
			if err := r.Record(e); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		checkEntries(t, l, numbers(1, 13)...)

		closeRecorder(t, r)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestOverflowWaitEndsWithRoomOrItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		r := newRecorder(t, l, recorder.Config{Buffer: 3, Overflow: recorder.Wait})
		record(t, r, 1, 3)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := r.RecordContext(ctx, tick(0)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Record while nothing makes room: %v", err)
		}
		before := time.Now()
		waited := make(chan error)
		go func() { waited <- r.RecordContext(context.Background(), tick(4)) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := r.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := <-waited; err != nil {
			t.Error(err)
		}
		record(t, r, 5, 6)
		go func() { waited <- r.Record(tick(0)) }()
		synctest.Wait()
		if err := r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := <-waited; !errors.Is(err, recorder.ErrClosed) {
			t.Errorf("Record that waits while the recorder closes: %v", err)
		}
		checkSum(t, r) // once it has returned
		checkEntries(t, l, numbers(1, 6)...)
		for e, err := range l.Entries(context.Background(), eventlog.Query{Subjects: []string{"4"}}) {
			if err != nil || !e.Time.Equal(before) {
				t.Errorf("the event that waited has time %v, %v; it was recorded at %v", e.Time, err, before)
			}
		}
	})
}

func TestOverflowRefuseTellsTheCaller(t *testing.T) {
	l := eventlogtest.Open(t)
	r := newRecorder(t, l, recorder.Config{Buffer: 3})
	record(t, r, 1, 3)
	if err := r.Record(tick(4)); !errors.Is(err, recorder.ErrFull) {
		t.Errorf("Record without room: %v", err)
	}
	closeRecorder(t, r)
	checkEntries(t, l, numbers(1, 3)...)
	if err := r.Record(tick(5)); !errors.Is(err, recorder.ErrClosed) {
		t.Errorf("Record after Close: %v", err)
	}
}

// The bytes of what waits are bounded, not the number of events only; and one event always has room.
func TestBufferIsBoundedInBytes(t *testing.T) {
	r := newRecorder(t, eventlogtest.Open(t), recorder.Config{BufferBytes: 4 << 10})
	e := tick(1)
	e.ContentType, e.Payload = "a/b", make([]byte, 64<<10)
	if err := r.Record(e); err != nil {
		t.Errorf("a large event into an empty buffer: %v", err)
	}
	if err := r.Record(tick(2)); !errors.Is(err, recorder.ErrFull) {
		t.Errorf("one more: %v", err)
	}
	closeRecorder(t, r)
}

// The caller may go on to use the payload's memory.
func TestRecordCopiesWhatItKeeps(t *testing.T) {
	l := eventlogtest.Open(t)
	r := newRecorder(t, l, recorder.Config{})
	e := crdt.Event{Kind: "k", ContentType: "a/b", Payload: []byte("before"), Headers: []crdt.EventHeader{{Name: "n", Value: "before"}}}
	if err := r.Record(e); err != nil {
		t.Fatal(err)
	}
	copy(e.Payload, "after!")
	e.Headers[0].Value = "after"
	closeRecorder(t, r)
	for e, err := range l.Entries(context.Background(), eventlog.Query{}) {
		if err != nil || string(e.Payload) != "before" || e.Header("n") != "before" {
			t.Errorf("%s, %v, %v", e.Payload, e.Headers, err)
		}
	}
}

func TestFilter(t *testing.T) {
	for _, tt := range []struct {
		about string
		kinds []string
		want  []string
	}{
		{"nil takes all", nil, []string{"1", "2"}},
		{"empty takes none", []string{}, nil},
		{"one", []string{"b"}, []string{"2"}},
	} {
		l := eventlogtest.OpenAs(t, tt.about)
		r := newRecorder(t, l, recorder.Config{Kinds: tt.kinds, Buffer: 2})
		for _, e := range []crdt.Event{{Kind: "a", Subject: "1"}, {Kind: "b", Subject: "2"}} {
			if err := r.Record(e); err != nil {
				t.Fatal(err)
			}
		}
		closeRecorder(t, r)
		if diff := cmp.Diff(tt.want, entries(t, l)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.about, diff)
		}
		if s := r.Stats(); int(s.Filtered) != 2-len(tt.want) {
			t.Errorf("%s: %d were filtered", tt.about, s.Filtered)
		}
	}
}

// lines is a logger whose lines can be read.
func lines() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}

// Whenever the numbers are read, what was received is no less than what became of it.
func TestStatsCountWhatWasReceivedBeforeWhatBecameOfIt(t *testing.T) {
	r := newRecorder(t, eventlogtest.Open(t), recorder.Config{Kinds: []string{"tick"}, Overflow: recorder.Refuse, Buffer: 100})
	var callers sync.WaitGroup
	done := make(chan struct{})
	for _, kind := range []string{"tick", "tock", ""} {
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_ = r.Record(crdt.Event{Kind: kind, Payload: []byte("1")})
				}
			}
		})
	}
	for range 20_000 {
		if s := r.Stats(); s.Received < s.Filtered+s.Invalid+s.Refused+s.Recorded {
			t.Errorf("%+v", s)
			break
		}
	}
	close(done)
	callers.Wait()
	checkSum(t, r)
}

// TestRecordsWaitWhileTheLogRecovers: that nothing is appended then passes, and nothing is lost until it does.
func TestRecordsWaitWhileTheLogRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		genesis := eventlogtest.Genesis(t)
		l, err := eventlog.Create(t.TempDir(), eventlog.Birth{Log: genesis.Log(), UsedKey: true}, eventlog.Config{Key: eventlogtest.Key("used")})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r := newRecorder(t, l, recorder.Config{})
		record(t, r, 1, 3)
		flushed := make(chan error)
		go func() { flushed <- r.Flush(t.Context()) }()
		time.Sleep(time.Hour)
		if s := r.Stats(); s.Retries == 0 || s.Flushed != 0 || s.Buffered != 3 {
			t.Errorf("while the log recovers: %+v", s)
		}
		if _, err := l.Recover(t.Context(), eventlog.Recovery{Alone: true}); err != nil {
			t.Fatal(err)
		}
		if err := <-flushed; err != nil {
			t.Errorf("flush: %v", err)
		}
		if s := r.Stats(); s.Flushed != 3 {
			t.Errorf("afterwards: %+v", s)
		}
		closeRecorder(t, r)
	})
}
