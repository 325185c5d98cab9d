package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/bridge"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
)

// fate is what becomes of an Update.
type fate int

const (
	works    fate = iota
	fails         // for want of room: nothing is kept
	happens       // it seems to fail, and everything is kept
	readOnly      // the log takes nothing any more
)

// fated is a log whose Updates meet with fates, and work once those are used up.
type fated struct {
	bridge.Log
	fates []fate
	// after is called after each Update that does not work.
	after func()
}

func (f *fated) Update(ctx context.Context, fn func(*eventlog.Tx) error) error {
	if len(f.fates) == 0 {
		return f.Log.Update(ctx, fn)
	}
	next := f.fates[0]
	f.fates = f.fates[1:]
	err := f.Log.Update(ctx, func(tx *eventlog.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if next == fails || next == readOnly {
			return syscall.ENOSPC // rolls back
		}
		return nil
	})
	if next == works || err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	if f.after != nil {
		f.after()
	}
	if next == readOnly {
		return eventlog.ErrReadOnly
	}
	return &eventlog.UncertainError{Err: syscall.ENOSPC}
}

// A batch was tried three times, and then it was gone; and one that was tried again put in once more
// what had succeeded (system E).
func TestABatchIsRetriedUntilThereIsRoomAndNeverTwice(t *testing.T) {
	l := eventlogtest.Open(t)
	log := &fated{Log: l}
	b := mustNew(t, log, config())
	publish(t, b, 1, 2, 3)
	log.fates = []fate{fails, fails, fails, fails, happens, fails}
	mustClose(t, b)
	wantLines(t, l, "1", "2", "3")
	if s := b.Stats(); s.Retries != 6 || s.Recorded != 3 || s.Batches != 1 {
		t.Errorf("%+v", s)
	}
}

func TestRecordReturnsThePlaceOfACommitThatSeemedToFail(t *testing.T) {
	l := eventlogtest.Open(t)
	log := &fated{Log: l}
	b := mustNew(t, log, config())
	log.fates = []fate{fails, happens}
	done := make(chan error, 1)
	go func() { done <- b.Run(t.Context()) }()
	place, err := b.Record(t.Context(), 1)
	if err != nil || place != (crdt.Place{Author: l.Author()}) {
		t.Errorf("%s, %v", place, err)
	}
	mustClose(t, b)
	if err := <-done; err != nil {
		t.Error(err)
	}
	wantLines(t, l, "1")
}

func TestDropsWhileTheDiskIsFullBecomeOneGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		log := &fated{Log: l}
		cfg := config()
		cfg.Overflow, cfg.MaxQueued = bridge.Drop, 2
		cfg.RetryMin, cfg.RetryMax = 0, 0 // the defaults
		b := mustNew(t, log, cfg)
		for range 20 {
			log.fates = append(log.fates, fails)
		}
		done := make(chan error, 1)
		go func() { done <- b.Run(t.Context()) }()
		for n := 1; n <= 50; n++ {
			if err := b.Publish(t.Context(), n); (err != nil) != (n > 2) {
				t.Errorf("publish %d: %v", n, err)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(200 * time.Second) // twenty of the longest pauses: the disk has room again
		publish(t, b, 51)
		mustClose(t, b)
		if err := <-done; err != nil {
			t.Error(err)
		}
		wantEach(t, l, 51)
		if s := b.Stats(); s.Gaps != 1 || s.Retries != 20 {
			t.Errorf("%+v", s)
		}
	})
}

func TestALogThatIsReadOnlyEndsTheBridgeByName(t *testing.T) {
	l := eventlogtest.Open(t)
	log := &fated{Log: l}
	b := mustNew(t, log, config())
	publish(t, b, 1)
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(t, b, 2)
	log.fates = []fate{happens, readOnly} // a failed sync: nobody knows
	recorded := make(chan error, 1)
	go func() {
		_, err := b.Record(t.Context(), 3)
		recorded <- err
	}()
	for b.Stats().Queued < 2 {
		runtime.Gosched()
	}
	err := b.Run(t.Context())
	u, ok := errors.AsType[*bridge.UnrecordedError](err)
	if !ok || u.First != 2 || u.Last != 3 || !errors.Is(err, eventlog.ErrReadOnly) {
		t.Errorf("%v", err)
	}
	if err := <-recorded; !errors.Is(err, eventlog.ErrReadOnly) || !errors.Is(err, eventlog.ErrUncertain) {
		t.Errorf("%v", err)
	}
	for i, err := range []error{b.Publish(t.Context(), 4), b.Run(t.Context()), b.Flush(t.Context()), b.Close(t.Context()), b.Stats().Err} {
		if !errors.Is(err, eventlog.ErrReadOnly) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	// Opened again, the log knows what had happened.
	b = mustNew(t, l, config())
	if s := b.Stats(); s.Number != 3 {
		t.Errorf("%+v", s)
	}
	wantLines(t, l, "1", "2", "3")
}

func TestAMisuseInsideAnUpdateDoesNotEndTheBridge(t *testing.T) {
	l := eventlogtest.Open(t)
	b := mustNew(t, l, config())
	publish(t, b, 1)
	if err := l.Update(t.Context(), func(*eventlog.Tx) error { return b.Flush(t.Context()) }); !errors.Is(err, eventlog.ErrInTx) {
		t.Errorf("%v", err)
	}
	mustClose(t, b)
	wantLines(t, l, "1")
}

func TestAppendThatReturnsOtherPlacesEndsTheBridge(t *testing.T) {
	l := eventlogtest.Open(t)
	cfg := config()
	cfg.Append = func(*eventlog.Tx, []crdt.Event) ([]crdt.Place, error) { return nil, nil }
	b := mustNew(t, l, cfg)
	publish(t, b, 1)
	if err := b.Close(t.Context()); err == nil {
		t.Error("no error")
	}
	wantLines(t, l)
}

// model holds what the log must show of a stream: for each number, whether its value is an entry.
type model struct {
	log     *fated
	cfg     bridge.Config[uint64]
	b       *bridge.Bridge[uint64]
	entries map[uint64]bool // by number; false is in a gap
	next    uint64          // number of the next value
}

func (m *model) open(t *rapid.T) {
	m.log.fates = nil
	b, err := bridge.New(context.Background(), m.log, m.cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.b = b
}

// publish publishes a value, unless it would wait for room. A source with numbers may have lost some.
func (m *model) publish(t *rapid.T) {
	if m.cfg.Number != nil && len(m.entries) > 0 {
		m.next += uint64(rapid.SampledFrom([]int{0, 0, 0, 1, 3}).Draw(t, "lost by the source"))
	}
	full := m.b.Stats().Queued >= m.cfg.MaxQueued
	if full && m.cfg.Overflow == bridge.Wait {
		return
	}
	err := m.b.Publish(context.Background(), m.next)
	if _, refused := errors.AsType[*bridge.BehindError](err); refused && full {
		return
	}
	if (err != nil) != full {
		t.Fatalf("publish %d, full: %t: %v", m.next, full, err)
	} else if full {
		wantDropped(t, err, uint64(m.next))
	}
	m.entries[m.next] = err == nil
	m.next++
}

// flush drains while the disk fails now and then, and perhaps until it is interrupted.
func (m *model) flush(t *rapid.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m.log.fates = rapid.SliceOfN(rapid.SampledFrom([]fate{works, fails, happens}), 0, 4).Draw(t, "fates")
	m.log.after = func() {
		if rapid.IntRange(0, 3).Draw(t, "interrupted") == 0 {
			cancel()
		}
	}
	if err := m.b.Flush(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// crash forgets what is queued. A source with numbers goes on behind it; the bridge's own count goes
// on from what is durable.
func (m *model) crash(t *rapid.T) {
	m.open(t)
	durable := m.b.Stats().Number
	for n := range m.entries {
		if n > durable {
			m.entries[n] = false
			if m.cfg.Number == nil || durable == 0 { // nobody knows of them
				delete(m.entries, n)
			}
		}
	}
	if m.cfg.Number == nil {
		m.next = durable + 1
	}
}

// check reads the log and holds it against the model.
func (m *model) check(t *rapid.T, l *eventlog.Log) {
	if len(m.entries) == 0 {
		return
	}
	var next uint64
	for e, err := range l.Entries(context.Background(), eventlog.Query{Modules: []string{m.cfg.Name}}) {
		if err != nil {
			t.Fatal(err)
		}
		first, last, entry := uint64(0), uint64(0), e.Kind != gap.Kind
		if entry {
			first, err = strconv.ParseUint(e.Subject, 10, 64)
			last = first
		} else {
			var g gap.Gap
			g, err = gap.Parse(e)
			first, last = g.First, g.Last
			if g.Count != last-first+1 {
				t.Fatalf("not each of its numbers is in the gap: %s", &g)
			}
		}
		if err != nil || next != 0 && first != next {
			t.Fatalf("%d stands where %d is due, %v", first, next, err)
		}
		for next = first; next <= last; next++ {
			if m.entries[next] != entry {
				t.Fatalf("number %d: is an entry: %t", next, entry)
			}
			delete(m.entries, next)
		}
	}
	if len(m.entries) > 0 {
		t.Fatalf("not in the log: %v", m.entries)
	}
}

// Values are published, dropped and lost by their source, commits fail or seem to, and processes end,
// in any order: read in order, the log shows each number once, as an entry or inside one gap, and as an
// entry what was queued.
func TestEachNumberIsAnEntryOrInOneGap(t *testing.T) {
	l := eventlogtest.Open(t)
	streams := 0
	rapid.Check(t, func(t *rapid.T) {
		streams++
		m := &model{log: &fated{Log: l}, entries: make(map[uint64]bool), next: 1}
		m.cfg = bridge.Config[uint64]{
			Name: fmt.Sprint("stream ", streams), RetryMin: 1, RetryMax: 1,
			Overflow:  rapid.SampledFrom([]bridge.Overflow{bridge.Wait, bridge.Refuse, bridge.Drop}).Draw(t, "overflow"),
			MaxQueued: rapid.IntRange(1, 6).Draw(t, "queued"), MaxBatch: rapid.IntRange(1, 4).Draw(t, "batch"),
		}
		m.cfg.Encode = func(n uint64) (crdt.Event, error) {
			return crdt.Event{Kind: "step", Module: m.cfg.Name, Subject: strconv.FormatUint(n, 10)}, nil
		}
		if rapid.Bool().Draw(t, "numbered") {
			m.cfg.Number = func(n uint64) uint64 { return n }
		}
		m.open(t)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				m.crash(t)
			case 1, 2:
				m.flush(t)
			default:
				m.publish(t)
			}
		}
		m.log.fates = nil
		if err := m.b.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		m.publish(t)
		if err := m.b.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		m.check(t, l)
	})
}
