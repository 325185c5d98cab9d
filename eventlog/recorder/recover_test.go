package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
	"github.com/quipulog/quipu/eventlog/recorder"
)

// spillFiles returns the paths of the spill files in dir, in order.
func spillFiles(tb testing.TB, dir string) []string {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.spill"))
	if err != nil {
		tb.Fatal(err)
	}
	return paths
}

// What was spilled outlives its recorder, each event once, and what was in memory is named.
func TestNewRecoversTheSpill(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := recorder.Config{Buffer: 3, Overflow: recorder.Spill, Dir: t.TempDir()}
	r := newRecorder(t, l, cfg)
	record(t, r, 1, 9)
	r = newRecorder(t, l, cfg)
	if s := r.Stats(); s.Recovered != 6 || s.Lost != 3 || s.LostAtMost {
		t.Errorf("stats: %+v", s)
	}
	record(t, r, 10, 10)
	r = newRecorder(t, l, cfg)
	if s := r.Stats(); s.Recovered != 7 || s.Lost != 0 {
		t.Errorf("stats: %+v", s)
	}
	closeRecorder(t, r)
	r = newRecorder(t, l, cfg)
	closeRecorder(t, r)
	checkEntries(t, l, append([]string{"default lost 3, 1 to 3: the recorder ended without Close"}, numbers(4, 10)...)...)
}

// A crash after the commit and before the removal of the spill's file repeats nothing.
func TestAnOldSpillFileIsNotReadTwice(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := recorder.Config{Buffer: 1, Overflow: recorder.Spill, Dir: t.TempDir()}
	r := newRecorder(t, l, cfg)
	record(t, r, 1, 5)
	kept := make(map[string][]byte)
	for _, path := range spillFiles(t, cfg.Dir) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kept[path] = b
	}
	if len(kept) == 0 {
		t.Fatal("nothing was spilled")
	}
	closeRecorder(t, r)
	for path, b := range kept {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r = newRecorder(t, l, cfg)
	if left := spillFiles(t, cfg.Dir); len(left) > 0 {
		t.Errorf("New leaves %v", left)
	}
	closeRecorder(t, r)
	checkEntries(t, l, numbers(1, 5)...)
}

// Without a folder, or after a power cut, the gap is a bound; after Close there is none.
func TestAfterACrashABoundIsSaidWhereTheCountIsNotKnown(t *testing.T) {
	for _, tt := range []struct {
		about  string
		cfg    recorder.Config
		before func(r *recorder.Recorder, dir string) error
		want   string
	}{
		{"no folder", recorder.Config{Buffer: 10}, nil, "at most 10, 3 to 12"},
		{"another boot", recorder.Config{Buffer: 10, Dir: "d"}, func(r *recorder.Recorder, _ string) error { return recorder.OtherBoot(r) }, "at most 10, 3 to 12"},
		{"no count", recorder.Config{Buffer: 10, Dir: "d"}, func(_ *recorder.Recorder, dir string) error { return os.RemoveAll(dir) }, "at most 10, 3 to 12"},
		{"another boot, with a spill", recorder.Config{Buffer: 2, Dir: "d", Overflow: recorder.Spill}, func(r *recorder.Recorder, _ string) error { return recorder.OtherBoot(r) },
			fmt.Sprintf("at most %d, 6 to %d", 2+recorder.MaxUnsynced, 5+2+recorder.MaxUnsynced)},
	} {
		l := eventlogtest.OpenAs(t, tt.about)
		if tt.cfg.Dir != "" {
			tt.cfg.Dir = filepath.Join(t.TempDir(), tt.cfg.Dir)
		}
		r := newRecorder(t, l, tt.cfg)
		record(t, r, 1, 2)
		if err := r.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		record(t, r, 3, 5)
		if tt.before != nil {
			if err := tt.before(r, tt.cfg.Dir); err != nil {
				t.Fatal(err)
			}
		}
		r = newRecorder(t, l, tt.cfg)
		record(t, r, 100, 100)
		closeRecorder(t, r)
		got := strings.Join(entries(t, l), "; ")
		if !strings.Contains(got, "default lost "+tt.want+": ") || !strings.HasSuffix(got, "; 100") {
			t.Errorf("%s: %s, want %s", tt.about, got, tt.want)
		}
		if s := r.Stats(); !s.LostAtMost {
			t.Errorf("%s: stats: %+v", tt.about, s)
		}
		n := len(entries(t, l))
		closeRecorder(t, newRecorder(t, l, tt.cfg))
		if got := entries(t, l); len(got) != n {
			t.Errorf("%s: after Close the log has %v", tt.about, got[n:])
		}
	}
}

// The gap says between when and when the events were recorded.
func TestTheGapOfACrashSaysWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		cfg := recorder.Config{Dir: t.TempDir()}
		r := newRecorder(t, l, cfg)
		from := time.Now().UTC()
		time.Sleep(time.Minute)
		record(t, r, 1, 4)
		until := time.Now().UTC()
		time.Sleep(time.Hour)
		closeRecorder(t, newRecorder(t, l, cfg))
		for e, err := range l.Entries(context.Background(), eventlog.Query{}) {
			g, parsed := gap.Parse(e)
			want := gap.Gap{Source: "default", Reason: "the recorder ended without Close", Count: 4, First: 1, Last: 4, From: from, Until: until}
			if diff := cmp.Diff(want, g); err != nil || parsed != nil || diff != "" {
				t.Errorf("gap: %v, %v, (-want +got):\n%s", err, parsed, diff)
			}
		}
	})
}

// A bit that flips in a spill file costs what cannot be read, which is named, and nothing else, whether
// New meets it or a recorder at work.
func TestADamagedSpillIsNamed(t *testing.T) {
	for _, met := range []string{"by New", "at work"} {
		l := eventlogtest.OpenAs(t, met)
		cfg := recorder.Config{Buffer: 2, Overflow: recorder.Spill, Dir: t.TempDir(), SpillBytes: 3200}
		r := newRecorder(t, l, cfg)
		record(t, r, 1, 20)
		paths := spillFiles(t, cfg.Dir)
		if len(paths) < 3 {
			t.Fatalf("spill files: %v", paths)
		}
		b, err := os.ReadFile(paths[1])
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-3] ^= 1
		if err := os.WriteFile(paths[1], b, 0o600); err != nil {
			t.Fatal(err)
		}
		want := numbers(1, 20)
		if met == "by New" {
			r = newRecorder(t, l, cfg)
			want = want[2:]
		}
		closeRecorder(t, r)
		got := entries(t, l)
		damaged := 0
		for _, text := range got {
			if strings.Contains(text, "a spill file is damaged") {
				damaged++
			}
		}
		lost := len(want)
		for _, text := range got {
			if !strings.Contains(text, "lost") {
				lost--
			}
		}
		if damaged != 1 || lost != 1 {
			t.Errorf("%s: %d events are not in the log, which has %v", met, lost, got)
		}
	}
}

// Whatever stands in a spill file is an event, damage or another log's, and never a panic.
func FuzzSpillFile(f *testing.F) {
	l := eventlogtest.Open(f)
	dir := f.TempDir()
	cfg := recorder.Config{Buffer: 1, Overflow: recorder.Spill, Dir: dir}
	r := newRecorder(f, l, cfg)
	record(f, r, 1, 4)
	whole, err := os.ReadFile(spillFiles(f, dir)[0])
	if err != nil {
		f.Fatal(err)
	}
	closeRecorder(f, r)
	f.Add(whole)
	f.Add(whole[:len(whole)-5])
	f.Add([]byte("quipu spill 1 "))
	f.Add(append(whole[:47:47], 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0))
	number := 1000
	f.Fuzz(func(t *testing.T, b []byte) {
		number++
		cfg := recorder.Config{Name: fmt.Sprint("fuzz", number), Buffer: 1, Overflow: recorder.Spill, Dir: t.TempDir()}
		if err := os.WriteFile(filepath.Join(cfg.Dir, cfg.Name+"-00000000000000000002.spill"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := recorder.New(l, cfg)
		if errors.Is(err, recorder.ErrOtherLog) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		closeRecorder(t, r)
	})
}

// A folder that was used with another log is refused: its numbers mean something else there.
func TestTheSpillOfAnotherLogIsRefused(t *testing.T) {
	cfg := recorder.Config{Buffer: 1, Overflow: recorder.Spill, Dir: t.TempDir()}
	record(t, newRecorder(t, eventlogtest.OpenAs(t, "one"), cfg), 1, 3)
	if _, err := recorder.New(eventlogtest.OpenAs(t, "other"), cfg); !errors.Is(err, recorder.ErrOtherLog) || !strings.Contains(err.Error(), cfg.Dir) {
		t.Errorf("New: %v", err)
	}
}

// Two recorders of one name would number events alike: the newer one has the name.
func TestTheNewerRecorderHasTheName(t *testing.T) {
	l := eventlogtest.Open(t)
	older := newRecorder(t, l, recorder.Config{Dir: t.TempDir()})
	other := newRecorder(t, l, recorder.Config{Name: "other"})
	record(t, other, 1, 1)
	record(t, older, 3, 3)
	newer := newRecorder(t, l, recorder.Config{})
	record(t, newer, 2, 2)
	if err := older.Record(tick(4)); !errors.Is(err, recorder.ErrTaken) {
		t.Errorf("Record of the older, which nothing has told yet: %v", err)
	}
	if err := older.Flush(context.Background()); !errors.Is(err, recorder.ErrTaken) {
		t.Errorf("Flush of the older: %v", err)
	}
	if err := older.Run(context.Background()); !errors.Is(err, recorder.ErrTaken) {
		t.Errorf("Run of the older: %v", err)
	}
	if err := older.Close(context.Background()); !errors.Is(err, recorder.ErrTaken) {
		t.Errorf("Close of the older: %v", err)
	}
	closeRecorder(t, other)
	closeRecorder(t, newer)
	if got := entries(t, l); len(got) != 3 || got[1] != "1" || got[2] != "2" {
		t.Errorf("log: %v", got)
	}
}

// A log that can take no more ends Run, and loses nothing where there is a folder.
func TestWhatALogCannotTakeIsKeptForTheNextRun(t *testing.T) {
	dir, spill := t.TempDir(), t.TempDir()
	key := eventlog.Config{Key: eventlogtest.Key("k")}
	l := eventlogtest.Create(t, dir, key)
	cfg := recorder.Config{Buffer: 3, Overflow: recorder.Spill, Dir: spill}
	r := newRecorder(t, l, cfg)
	record(t, r, 1, 5)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(context.Background()); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("Run on a closed log: %v", err)
	}
	if err := r.Record(tick(0)); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("Record: %v", err)
	}
	if err := r.Close(context.Background()); !errors.Is(err, eventlog.ErrClosed) || !strings.Contains(err.Error(), "5 events are kept in "+spill) {
		t.Errorf("Close: %v", err)
	}
	checkSum(t, r)
	l = eventlogtest.Reopen(t, dir, key)
	r = newRecorder(t, l, cfg)
	record(t, r, 6, 6)
	closeRecorder(t, r)
	checkEntries(t, l, numbers(1, 6)...)
}

// A Close that runs out of time says what is left, keeps it, and can be called again.
func TestCloseThatRunsOutOfTime(t *testing.T) {
	for _, again := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			l := eventlogtest.Open(t)
			cfg := recorder.Config{Dir: t.TempDir()}
			r := newRecorder(t, l, cfg)
			record(t, r, 1, 5)
			broken := true
			flushes(r, func(int) (error, bool) {
				if broken {
					return errDisk, false
				}
				return nil, true
			})
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			err := r.Close(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "5 events are kept in "+cfg.Dir) {
				t.Errorf("Close: %v", err)
			}
			broken = false
			if !again {
				if err := recorder.OtherBoot(r); err != nil { // it was synced
					t.Fatal(err)
				}
				r = newRecorder(t, l, cfg)
			}
			closeRecorder(t, r)
			checkEntries(t, l, numbers(1, 5)...)
		})
	}
}
