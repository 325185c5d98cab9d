package recorder_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
	"github.com/quipulog/quipu/eventlog/recorder"
)

func TestOverflowDropLeavesAGapThatNamesThem(t *testing.T) {
	l := eventlogtest.Open(t)
	at := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	now := at
	r := newRecorder(t, l, recorder.Config{Name: "till", Buffer: 3, Overflow: recorder.Drop, Now: func() time.Time { now = now.Add(time.Second); return now }})
	record(t, r, 1, 5)
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	record(t, r, 6, 10)
	closeRecorder(t, r)
	checkEntries(t, l, "1", "2", "3", "till lost 2, 4 to 5: the recorder's buffer was full", "6", "7", "8", "till lost 2, 9 to 10: the recorder's buffer was full")
	if s := r.Stats(); s.Dropped != 4 || s.Flushed != 6 {
		t.Errorf("stats: %+v", s)
	}
	for e, err := range l.Entries(context.Background(), eventlog.Query{Kinds: []string{gap.Kind}, Limit: 1}) {
		g, parsed := gap.Parse(e)
		want := gap.Gap{
			Source: "till", Reason: "the recorder's buffer was full", Count: 2, First: 4, Last: 5, From: at.Add(4 * time.Second), Until: at.Add(5 * time.Second),
			Kinds: []gap.KindCount{{Kind: "tick", Count: 2}},
		}
		if diff := cmp.Diff(want, g); err != nil || parsed != nil || diff != "" {
			t.Errorf("gap: %v, %v, (-want +got):\n%s", err, parsed, diff)
		}
	}
}

// What a flush has seen is not changed by later drops: when the commit had happened all the same, the
// gap would name the same events twice.
func TestDropWhileAGapIsBeingWritten(t *testing.T) {
	l := eventlogtest.Open(t)
	r := newRecorder(t, l, recorder.Config{Name: "till", Buffer: 1, Overflow: recorder.Drop, RetryMin: 1, RetryMax: 1})
	record(t, r, 1, 3)
	flushes(r, func(n int) (error, bool) {
		if n == 1 {
			record(t, r, 4, 5)
			return &eventlog.UncertainError{Err: errDisk}, true
		}
		return nil, true
	})
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	closeRecorder(t, r)
	checkEntries(t, l, "1", "till lost 2, 2 to 3: the recorder's buffer was full", "till lost 2, 4 to 5: the recorder's buffer was full")
}

func TestOverflowSpillKeepsTheOrder(t *testing.T) {
	l := eventlogtest.Open(t)
	dir := t.TempDir()
	r := newRecorder(t, l, recorder.Config{Buffer: 5, Overflow: recorder.Spill, Dir: dir, SpillBytes: 8 << 10})
	record(t, r, 1, 40)
	if s := r.Stats(); s.Spilled != 35 || s.Spilling != 35 || s.Buffered != 5 || s.AtRisk != 5 {
		t.Errorf("stats: %+v", s)
	}
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	record(t, r, 41, 60)
	closeRecorder(t, r)
	checkEntries(t, l, numbers(1, 60)...)
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("after Close the folder holds %v, %v", files, err)
	}
}

// What comes while the spill is being emptied stands behind what is there, although the buffer has room.
func TestSpillKeepsTheOrderWhileItIsEmptied(t *testing.T) {
	l := eventlogtest.Open(t)
	r := newRecorder(t, l, recorder.Config{Buffer: 2, Overflow: recorder.Spill, Dir: t.TempDir()})
	record(t, r, 1, 4)
	flushes(r, func(n int) (error, bool) {
		if n == 2 { // 1 and 2 are in the log, 3 and 4 are on their way
			record(t, r, 5, 7)
		}
		return nil, true
	})
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	closeRecorder(t, r)
	checkEntries(t, l, numbers(1, 7)...)
}

func TestSpillIsBounded(t *testing.T) {
	l := eventlogtest.Open(t)
	r := newRecorder(t, l, recorder.Config{Buffer: 1, Overflow: recorder.Spill, Dir: t.TempDir(), SpillBytes: 4 << 10})
	recorded := 0
	for n := range 1000 {
		err := r.Record(tick(n))
		if err == nil {
			recorded++
		} else if !errors.Is(err, recorder.ErrFull) {
			t.Fatal(err)
		}
	}
	if s := r.Stats(); s.SpillBytes > 4<<10 || s.SpillBytes < 3<<10 {
		t.Errorf("the spill has %d bytes", s.SpillBytes)
	}
	closeRecorder(t, r)
	checkEntries(t, l, numbers(0, recorded-1)...)
}

// What was spilled and may not be on disk yet is bounded.
func TestSpillIsSynced(t *testing.T) {
	r := newRecorder(t, eventlogtest.Open(t), recorder.Config{Buffer: 1, Overflow: recorder.Spill, Dir: t.TempDir()})
	record(t, r, 1, recorder.MaxUnsynced)
	if s := r.Stats(); s.Unsynced != recorder.MaxUnsynced-1 {
		t.Errorf("%d are not synced", s.Unsynced)
	}
	record(t, r, 0, 0)
	if s := r.Stats(); s.Unsynced != 0 {
		t.Errorf("%d are not synced", s.Unsynced)
	}
	closeRecorder(t, r)
}

// A gap that a Close without time has put into the spill is no event, neither while it waits there nor
// once it is in the log, here or from the next recorder.
func TestAGapThatIsSpilledIsNotCountedAsAnEvent(t *testing.T) {
	for _, next := range []bool{false, true} {
		l := eventlogtest.Open(t)
		cfg := recorder.Config{Name: "till", Buffer: 1, Overflow: recorder.Drop, Dir: t.TempDir()}
		r := newRecorder(t, l, cfg)
		record(t, r, 1, 2)
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		if err := r.Close(ended); err == nil {
			t.Fatal("Close without time has closed")
		}
		checkSum(t, r)
		if s := r.Stats(); s.Spilling != 1 || s.Dropped != 1 {
			t.Errorf("between two Closes: %+v", s)
		}
		want := recorder.Stats{Recorded: 2, Flushed: 1, Dropped: 1}
		if next {
			r = newRecorder(t, l, cfg)
			want = recorder.Stats{Recovered: 1, Flushed: 1}
		}
		closeRecorder(t, r)
		checkSum(t, r)
		s := r.Stats()
		if got := (recorder.Stats{Recorded: s.Recorded, Recovered: s.Recovered, Flushed: s.Flushed, Dropped: s.Dropped}); got != want {
			t.Errorf("at the end: %+v, want %+v", got, want)
		}
		checkEntries(t, l, "1", "till lost 1, 2 to 2: the recorder's buffer was full")
	}
}
