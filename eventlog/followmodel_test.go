package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// followStep is a step of a follower's life.
type followStep struct {
	What   string
	N      int    // entries, or milliseconds
	Poison []bool // which of the entries
}

func drawStep(rt *rapid.T) followStep {
	s := followStep{What: rapid.SampledFrom([]string{"append", "append", "apply", "crash", "restart", "wait"}).Draw(rt, "what")}
	switch s.What {
	case "wait":
		s.N = rapid.IntRange(0, 10_000).Draw(rt, "ms")
	case "append", "apply":
		s.N = rapid.IntRange(1, 9).Draw(rt, "entries")
		for range s.N {
			s.Poison = append(s.Poison, rapid.IntRange(0, 5).Draw(rt, "poison") == 0)
		}
	}
	return s
}

// followModel is a log with a follower, and what that must have done.
type followModel struct {
	t            *testing.T
	l            *eventlog.Log
	cfg          eventlog.FollowConfig
	last         crdt.Op
	want, poison []string    // what it is to handle and to park, in arrival order
	crashes      atomic.Bool // the handler, next time
	r            *run
}

// TestFollowerModel appends, applies, crashes and restarts at random: the follower handles each entry
// once, in arrival order, but for those that it parks.
func TestFollowerModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "model")
		if err != nil {
			t.Fatal(err)
		}
		cfg := eventlog.FollowConfig{
			OnError: eventlog.RetryOnError, ParkAfter: rapid.IntRange(1, 3).Draw(rt, "after"), Kinds: []string{"test.note"},
			MaxEntries: rapid.IntRange(1, 8).Draw(rt, "most"), MaxWait: time.Duration(rapid.IntRange(0, 2).Draw(rt, "wait")) * time.Second,
		}
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 12).Draw(rt, "steps")
		var wrong string
		synctest.Test(t, func(t *testing.T) {
			genesis := eventlogtest.Genesis(t)
			l, err := eventlog.Create(dir, eventlog.Birth{Genesis: &genesis}, config("model"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			m := &followModel{t: t, l: eventlog.Unsynced(l), cfg: cfg}
			wrong = m.live(steps)
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// live goes through the steps and says what is wrong in the end.
func (m *followModel) live(steps []followStep) string {
	m.follow()
	for i, s := range steps {
		var texts []string
		for j, poison := range s.Poison {
			texts = append(texts, fmt.Sprintf("%d-%d", i, j))
			if poison {
				texts[j] += "-poison"
				m.poison = append(m.poison, texts[j])
			} else {
				m.want = append(m.want, texts[j])
			}
		}
		m.do(s, texts)
	}
	m.do(followStep{What: "wait", N: 3_600_000}, nil)
	m.r.stop()
	return m.check()
}

func (m *followModel) do(s followStep, texts []string) {
	defer synctest.Wait()
	switch s.What {
	case "append":
		var events []crdt.Event
		for _, text := range texts {
			events = append(events, note(text))
		}
		appendAll(m.t, m.l, events)
	case "apply":
		m.last = newStranger(m.t, "stranger").op(m.last, texts...)
		apply(m.t, m.l, m.last)
	case "crash":
		m.crashes.Store(true)
	case "restart":
		m.r.stop()
		m.follow()
	case "wait":
		time.Sleep(time.Duration(s.N) * time.Millisecond)
	}
}

// follow starts the follower. It starts again when its handler panics.
func (m *followModel) follow() {
	m.r = start(m.t, func(ctx context.Context) (err error) {
		for err == nil {
			err = m.followOnce(ctx)
		}
		return err
	})
}

func (m *followModel) followOnce(ctx context.Context) error {
	defer func() {
		if p := recover(); p != nil && p != "crash" {
			panic(p)
		}
	}()
	return m.l.Follow(ctx, "f", m.cfg, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		if _, err := tx.Append(crdt.Event{Kind: "emitted"}); err != nil {
			return err
		}
		err := keep("f")(tx, batch)
		if strings.Contains(saying(batch), "poison") {
			err = errPoison
		}
		if m.crashes.CompareAndSwap(true, false) {
			panic("crash")
		}
		return err
	})
}

// check says what the follower has not done, or done too often.
func (m *followModel) check() string {
	got := strings.Fields(strings.ReplaceAll(kept(m.t, m.l, "f"), "|", " "))
	if !slices.Equal(got, m.want) {
		return fmt.Sprintf("handled %q, want %q; poison %q", got, m.want, m.poison)
	}
	if _, err := m.l.ReplayParked(m.t.Context(), "f", keep("replayed")); err != nil {
		return err.Error()
	}
	if got := strings.Fields(strings.ReplaceAll(kept(m.t, m.l, "replayed"), "|", " ")); !slices.Equal(got, m.poison) {
		return fmt.Sprintf("replayed %q, want %q", got, m.poison)
	}
	if s := status(m.t, m.l, "f"); s.Parked != 0 || s.Handled != uint64(len(m.want)+len(m.poison)) {
		return fmt.Sprintf("status %+v", s)
	}
	return ""
}

// TestFollowBesideWriters follows while others append, update and apply.
func TestFollowBesideWriters(t *testing.T) {
	const each = 60
	l := eventlogtest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var writing sync.WaitGroup
	defer writing.Wait()
	for w := range 2 {
		writing.Go(func() {
			for i := range each {
				if _, err := l.Append(ctx, note(fmt.Sprint("append ", w, " ", i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Go(func() {
		s := newStranger(t, "stranger")
		for _, op := range s.chain(crdt.Op{}, each, "applied ") {
			if _, err := l.Apply(ctx, []crdt.Run{{Ops: []crdt.Op{op}}}); err != nil {
				t.Error(err)
			}
		}
	})
	writing.Go(func() {
		for range each {
			_, _ = l.Followers(ctx)
			_, _ = l.Parked(ctx, "f")
		}
	})
	var offsets []uint64
	err := l.Follow(ctx, "f", eventlog.FollowConfig{MaxEntries: 16}, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		for _, e := range batch {
			offsets = append(offsets, e.Offset)
		}
		if len(offsets) == 3*each {
			cancel()
		}
		_, err := tx.Append(crdt.Event{Kind: "emitted"})
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("follow: %v", err)
	}
	writing.Wait()
	var want []uint64
	for e, err := range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival, Kinds: []string{"test.note"}}) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, e.Offset)
	}
	if !slices.Equal(offsets, want) {
		t.Errorf("handled the offsets %v, want %v", offsets, want)
	}
}
