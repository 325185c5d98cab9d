package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
	"github.com/quipulog/quipu/eventlog/recorder"
)

// TestMain tells few stories: each has some 100 syncs.
func TestMain(m *testing.M) { eventlogtest.Main(m, 5) }

// Whatever happens, and in whatever order: each event of which Record returned nil is in the log once,
// in its order, or is named by exactly one gap; and what a gap names is not in the log.
func TestEveryEventIsAnEntryOrNamedOnce(t *testing.T) {
	l := eventlogtest.Open(t)
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		dir, err := os.MkdirTemp("", "quipu-recorder-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m := &model{
			t: t, l: l, from: l.Stats().Next,
			cfg: recorder.Config{
				Name: fmt.Sprint("run", runs), Dir: dir, Buffer: rapid.IntRange(1, 6).Draw(t, "buffer"), RetryMin: 1, RetryMax: 1,
				Overflow:   rapid.SampledFrom([]recorder.Overflow{recorder.Refuse, recorder.Spill, recorder.Drop}).Draw(t, "overflow"),
				SpillBytes: rapid.Int64Range(500, 4000).Draw(t, "spill"),
			},
		}
		m.open(t)
		t.Repeat(map[string]func(*rapid.T){
			"record": m.record, "flush": m.flush, "crash": m.open, "close": m.close, "break": m.breakFlush, "": m.check,
		})
		m.close(t)
		m.checkLog()
	})
}

// model records the numbers of events as their subjects.
type model struct {
	t      *rapid.T
	l      *eventlog.Log
	from   uint64 // offset of the first entry of the run
	cfg    recorder.Config
	r      *recorder.Recorder
	number uint64
	broken int // flushes that are to fail
	keep   bool
}

// open makes a recorder, without closing the one before.
func (m *model) open(t *rapid.T) {
	r, err := recorder.New(m.l, m.cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.r, m.broken = r, 0
	flushes(r, func(int) (error, bool) {
		if m.broken == 0 {
			return nil, true
		}
		m.broken--
		return &eventlog.UncertainError{Err: errDisk}, m.keep
	})
}

func (m *model) record(t *rapid.T) {
	for range rapid.IntRange(1, 9).Draw(t, "events") {
		switch err := m.r.Record(tick(int(m.number + 1))); {
		case err == nil:
			m.number++
		case !errors.Is(err, recorder.ErrFull):
			t.Fatal(err)
		}
	}
}

func (m *model) breakFlush(t *rapid.T) {
	m.broken, m.keep = rapid.IntRange(1, 3).Draw(t, "failures"), rapid.Bool().Draw(t, "committed")
}

func (m *model) flush(t *rapid.T) {
	if err := m.r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// close closes the recorder, with or without the time that it takes, and opens another.
func (m *model) close(t *rapid.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if rapid.Bool().Draw(t, "no time") {
		cancel()
	}
	if err := m.r.Close(ctx); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	m.check(t)
	if rapid.Bool().Draw(t, "again") {
		if err := m.r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		m.check(t)
	}
	m.open(t)
}

func (m *model) check(t *rapid.T) {
	s := m.r.Stats()
	if s.Received != s.Filtered+s.Invalid+s.Refused+s.Recorded || s.Recorded+s.Recovered != s.Flushed+s.Dropped+s.Buffered+s.Spilling {
		t.Fatalf("stats: %+v", s)
	}
	if s.Buffered > uint64(m.cfg.Buffer) {
		t.Fatalf("%d events wait in a buffer of %d", s.Buffered, m.cfg.Buffer)
	}
}

func (m *model) checkLog() {
	if err := m.r.Flush(context.Background()); err != nil {
		m.t.Fatal(err)
	}
	var last uint64
	found := make(map[uint64]string)
	once := func(n uint64, as string) {
		if was, twice := found[n]; twice {
			m.t.Errorf("event %d is there twice: as %s and as %s", n, was, as)
		}
		found[n] = as
	}
	for e, err := range m.l.Entries(context.Background(), eventlog.Query{Order: eventlog.Arrival, FromOffset: m.from}) {
		if err != nil {
			m.t.Fatal(err)
		}
		if e.Kind == gap.Kind {
			g, err := gap.Parse(e)
			if err != nil || g.AtMost || g.Count != g.Last-g.First+1 {
				m.t.Errorf("gap %+v, %v", g, err)
			}
			for n := g.First; n <= g.Last; n++ {
				once(n, g.String())
			}
			continue
		}
		var n uint64
		if _, err := fmt.Sscan(e.Subject, &n); err != nil || n <= last {
			m.t.Errorf("event %s stands behind %d, %v", e.Subject, last, err)
		}
		last = n
		once(n, "entry")
	}
	for n := uint64(1); n <= m.number; n++ {
		if found[n] == "" {
			m.t.Errorf("event %d of %d is gone", n, m.number)
		}
	}
	if len(found) != int(m.number) {
		m.t.Errorf("%d events were recorded, the log tells of %d", m.number, len(found))
	}
	if err := m.r.Close(context.Background()); err != nil {
		m.t.Fatal(err)
	}
}

// Many goroutines record while Run flushes and the recorder closes: every nil is an entry.
func TestRecordByManyWhileClosing(t *testing.T) {
	for _, overflow := range []recorder.Overflow{recorder.Refuse, recorder.Wait, recorder.Spill} {
		l := eventlogtest.OpenAs(t, overflow.String())
		r := newRecorder(t, l, recorder.Config{Buffer: 64, FlushCount: 8, Overflow: overflow, Dir: t.TempDir()})
		run := make(chan error)
		go func() { run <- r.Run(context.Background()) }()
		const writers = 8
		counts := make(chan int)
		for range writers {
			go func() {
				n := 0
				for range 400 {
					switch err := r.Record(tick(0)); {
					case err == nil:
						n++
					case errors.Is(err, recorder.ErrClosed):
						counts <- n
						return
					}
				}
				counts <- n
			}()
		}
		total := <-counts // the first is done
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		for range writers - 1 {
			total += <-counts
		}
		if err := <-run; err != nil {
			t.Error(err)
		}
		if got := len(entries(t, l)); got != total {
			t.Errorf("%s: %d events were recorded, %d are in the log", overflow, total, got)
		}
		checkSum(t, r)
	}
}
