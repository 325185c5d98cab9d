package eventlog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// peers are those who can be asked in a test.
type peers struct {
	anybody bool
	missing []crdt.Author
	ownEnd  func(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error)
}

func (p *peers) Anybody() bool          { return p.anybody }
func (p *peers) Missing() []crdt.Author { return p.missing }
func (p *peers) OwnEnd(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
	return p.ownEnd(ctx, why)
}

// end returns where the log's own feed ends.
func end(l *eventlog.Log) (end crdt.Head) {
	if heads := l.Feed(l.Author()).Heads(); len(heads) > 0 {
		end = heads[len(heads)-1]
	}
	return end
}

// withPeers opens a log of the author that most tests have again, with somebody to ask.
func withPeers(t *testing.T, l *eventlog.Log, p *peers) *eventlog.Log {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := config("author")
	cfg.Peers = p
	return eventlogtest.Reopen(t, filepath.Dir(l.Path()), cfg)
}

// newUsed makes a log with a key that was used in it before.
func newUsed(t *testing.T, cfg eventlog.Config) *eventlog.Log {
	t.Helper()
	cfg.Key = eventlogtest.Key("author")
	genesis := eventlogtest.Genesis(t)
	l, err := eventlog.Create(t.TempDir(), eventlog.Birth{Log: genesis.Log(), UsedKey: true}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eventlogtest.Verify(t, l); l.Close() })
	return l
}

// on returns what the entry at a place says, which is to be one of kind RecoverKind.
func on(t *testing.T, l *eventlog.Log, place crdt.Place) string {
	t.Helper()
	e, err := l.Lookup(t.Context(), place)
	if err != nil || e.Kind != eventlog.RecoverKind {
		t.Fatalf("%s: %q, %v", place, e.Kind, err)
	}
	return string(e.Payload)
}

// TestALogThatNobodyKnowsGoesOnAtOnce, on record, where there is nobody to ask; where there is it asks.
func TestALogThatNobodyKnowsGoesOnAtOnce(t *testing.T) {
	home := t.TempDir()
	l := eventlogtest.Create(t, home, config("author"))
	mustAppend(t, l, "first")
	must(t, l.Close())
	for name, nobody := range map[string]eventlog.AskedPeers{"no peers": nil, "no place": &peers{}} {
		dir := t.TempDir()
		must(t, os.CopyFS(dir, os.DirFS(home)))
		cfg := config("author")
		cfg.Peers = nobody
		l := eventlogtest.Reopen(t, dir, cfg)
		if err := l.Health().Mute; err != nil || l.Recovering() == nil {
			t.Errorf("%s: mute %v, recovering %v", name, err, l.Recovering())
		}
		if p := mustAppend(t, l, "second"); p.Seq != 2 || l.Recovering() != nil {
			t.Errorf("%s: appended at %s", name, p)
		}
		if got := on(t, l, crdt.Place{Author: l.Author(), Seq: 1}); !strings.HasPrefix(got, `{"why":"copied","from":{"next":1,`) || !strings.HasSuffix(got, `,"alone":true}`) {
			t.Errorf("%s: on record: %s", name, got)
		}
	}
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(home)))
	cfg := config("author")
	cfg.Peers = &peers{anybody: true, missing: []crdt.Author{{7}}}
	l = eventlogtest.Reopen(t, dir, cfg)
	_, err := l.Append(t.Context(), note("x"))
	if state, ok := errors.AsType[*eventlog.RecoveringError](err); !ok || state.Why != eventlog.WhyCopied || len(state.Missing) != 1 {
		t.Errorf("append with somebody to ask: %v", err)
	}
}

// TestToldBeforeAnybodyHasIt: what is handed out of our own feed, and what comes of another, is on record with it, and so is
// that there was somebody to ask.
func TestToldBeforeAnybodyHasIt(t *testing.T) {
	for name, tell := range map[string]func(l *eventlog.Log){
		"read":  func(l *eventlog.Log) { readAll(t, l, l.Author()) },
		"apply": func(l *eventlog.Log) { apply(t, l, newStranger(t, "s").op(crdt.Op{}, "x")) },
		"peers": func(l *eventlog.Log) { mustAppend(t, withPeers(t, l, &peers{anybody: true}), "second") },
	} {
		l := eventlogtest.Create(t, t.TempDir(), config("author"))
		mustAppend(t, l, "first")
		tell(l)
		dir := t.TempDir()
		must(t, os.CopyFS(dir, os.DirFS(filepath.Dir(l.Path())))) // as a kill leaves it
		if err := eventlogtest.Reopen(t, dir, config("author")).Health().Mute; !errors.Is(err, eventlog.ErrRecovering) {
			t.Errorf("%s: mute %v", name, err)
		}
	}
}

// TestAppendsWait: appends, updates and followers go on when the state ends, each once and in its place; one whose
// context ends says both.
func TestAppendsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newUsed(t, eventlog.Config{WaitRecovering: true})
		apply(t, l, newStranger(t, "s").op(crdt.Op{}, "to be followed"))
		var wg sync.WaitGroup
		var places [3]crdt.Place
		wg.Go(func() { places[0] = mustAppend(t, l, "appended") })
		wg.Go(func() {
			all, err := l.AppendBatch(t.Context(), []crdt.Event{note("batch"), note("batch")})
			if err != nil || len(all) != 2 || all[1].Seq != all[0].Seq+1 {
				t.Errorf("batch: %v, %v", all, err)
			}
		})
		runs := 0
		wg.Go(func() {
			err := l.Update(t.Context(), func(tx *eventlog.Tx) (err error) {
				runs++
				places[1], err = tx.Append(note("updated"))
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		handled := 0
		wg.Go(func() {
			err := l.Follow(ctx, "f", eventlog.FollowConfig{Until: new(uint64(1))}, func(tx *eventlog.Tx, batch []eventlog.Entry) (err error) {
				handled++
				places[2], err = tx.Append(note("followed"))
				return err
			})
			if err != nil {
				t.Errorf("follow: %v", err)
			}
		})
		ends, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		if _, err := l.Append(ends, note("too late")); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, eventlog.ErrRecovering) {
			t.Errorf("append whose context ends: %v", err)
		}
		if err := l.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.SetCursor("g", 1) }); err != nil {
			t.Errorf("update beside those that wait: %v", err)
		}
		synctest.Wait()
		if n := l.Feed(l.Author()).Next(); n != 0 {
			t.Errorf("%d entries before the end is known", n)
		}
		if _, err := l.Recover(t.Context(), eventlog.Recovery{Alone: true}); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		cancel()
		seqs := map[uint64]bool{places[0].Seq: true, places[1].Seq: true, places[2].Seq: true}
		if n := l.Feed(l.Author()).Next(); n != 6 || len(seqs) != 3 || seqs[0] || runs != 2 || handled != 2 {
			t.Errorf("%d entries at %v, the update ran %d times, the handler %d times", n, places, runs, handled)
		}
	})
}

// TestSettle asks one at a time, says what keeps it, and goes on from where the feed ends for those who answered.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls, running int
		answer := make(chan error)
		p := &peers{anybody: true, missing: []crdt.Author{{9}}}
		p.ownEnd = func(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
			calls, running = calls+1, running+1
			defer func() { running-- }()
			if running > 1 || why.Why != eventlog.WhyKey || len(why.Missing) != 1 {
				t.Errorf("%d ask, about %+v", running, why)
			}
			select {
			case err := <-answer:
				return eventlog.Recovery{Asked: []crdt.Author{{8}}}, err
			case <-ctx.Done():
				return eventlog.Recovery{}, ctx.Err()
			}
		}
		l := newUsed(t, eventlog.Config{Peers: p})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // a hard reason has no end of its own
		defer cancel()
		err := l.Settle(ctx)
		if state, ok := errors.AsType[*eventlog.RecoveringError](err); !ok || !errors.Is(err, context.DeadlineExceeded) || len(state.Missing) != 1 {
			t.Errorf("settle until its context ends: %v", err)
		}
		copyRuns := errors.New("a copy runs")
		go func() { answer <- copyRuns }()
		if err := l.Settle(t.Context()); !errors.Is(err, copyRuns) {
			t.Errorf("settle: %v", err)
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := l.Settle(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		answer <- nil
		wg.Wait()
		if calls != 3 || l.Recovering() != nil {
			t.Errorf("asked %d times, recovering %v", calls, l.Recovering())
		}
	})
}

// TestASoftReason keeps appends for 5 s at most where there is somebody to ask, and not at all where there is not; it is
// told once more at each start until then, and leaves no entry. An own op that comes back makes it a hard one.
func TestASoftReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := told(t)
		dir := filepath.Dir(l.Path())
		eventlogtest.Remount(t, dir)
		alone := eventlogtest.Reopen(t, dir, config("author"))
		if state := alone.Recovering(); state == nil || state.Why != eventlog.WhyMoved || !state.Why.Soft() || state.Detail == "" {
			t.Fatalf("recovering: %+v", state)
		}
		if p := mustAppend(t, alone, "third"); p.Seq != 2 || alone.Recovering() == nil {
			t.Errorf("appended at %s, recovering %v", p, alone.Recovering())
		}
		p := &peers{anybody: true}
		p.ownEnd = func(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
			<-ctx.Done()
			return eventlog.Recovery{}, ctx.Err()
		}
		l = withPeers(t, alone, p)
		began := time.Now()
		if _, err := l.Append(t.Context(), note("x")); !errors.Is(err, eventlog.ErrRecovering) || time.Since(began) != 6*time.Second {
			t.Errorf("append while nobody asks: %v, after %v", err, time.Since(began))
		}
		began = time.Now()
		waited := make(chan error, 1)
		go func() {
			_, err := l.Append(t.Context(), note("waits"))
			waited <- err
		}()
		if err := l.Settle(t.Context()); err != nil || time.Since(began) != 5*time.Second {
			t.Errorf("settle: %v, after %v", err, time.Since(began))
		}
		if err := <-waited; err != nil {
			t.Errorf("append while somebody is asked: %v", err)
		}
		if p := mustAppend(t, l, "fourth"); p.Seq != 4 {
			t.Errorf("appended at %s", p)
		}
		l = withPeers(t, l, p)
		if l.Recovering() != nil {
			t.Errorf("recovering after it was settled: %v", l.Recovering())
		}
	})
}

// TestASoftReasonIsOverOnceItIsSettled: a command that asks nobody appends, and leaves the asking to whoever can.
func TestASoftReasonIsOverOnceItIsSettled(t *testing.T) {
	l := told(t)
	dir := filepath.Dir(l.Path())
	eventlogtest.Remount(t, dir)
	for name, nobody := range map[string]eventlog.AskedPeers{"no peers": nil, "no place": &peers{}} {
		cfg := config("author")
		cfg.Peers = nobody
		l := eventlogtest.Reopen(t, dir, cfg)
		mustAppend(t, l, "of a command")
		if state := l.Recovering(); state == nil || l.Health().Mute != nil {
			t.Errorf("%s: recovering %v, mute %v", name, state, l.Health().Mute)
		}
		must(t, l.Close())
	}
	asked := 0
	cfg := config("author")
	p := &peers{anybody: true}
	cfg.Peers = p
	l = eventlogtest.Reopen(t, dir, cfg)
	p.ownEnd = func(context.Context, *eventlog.RecoveringError) (eventlog.Recovery, error) {
		asked++
		return eventlog.Recovery{End: end(l)}, nil
	}
	if err := l.Settle(t.Context()); err != nil || asked != 1 || l.Recovering() != nil {
		t.Errorf("settle: %v, asked %d times, recovering %v", err, asked, l.Recovering())
	}
}

// TestAVerificationKeepsNobodyFromSettling, nor a compaction that waits for one: they may take minutes, a soft reason 5 s.
func TestAVerificationKeepsNobodyFromSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newUsed(t, eventlog.Config{})
		defer eventlog.HoldSweeps(t, l)()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Recover(ctx, eventlog.Recovery{Alone: true}); err != nil {
			t.Errorf("recover beside a verification: %v", err)
		}
	})
}

// TestAnOwnOpComesBackAfterAMove: the folder may be elsewhere, and is older, too. That is not over in 5 s.
func TestAnOwnOpComesBackAfterAMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRestored(t, 1, 2)
		must(t, r.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.SetCursor("f", 1) })) // which file it is gets on record
		must(t, r.Close())
		eventlogtest.Remount(t, r.dir)
		came := false
		r.cfg.Peers = &peers{anybody: true, ownEnd: func(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
			switch {
			case !came && why.Why == eventlog.WhyMoved:
				came = true
				apply(t, r.Log, readAll(t, r.original, r.Author()).Ops...)
			case !came || why.Why != eventlog.WhyOlder || why.Own.Next != 1 || why.Op == nil:
				t.Errorf("asked about %+v", why)
			}
			return eventlog.Recovery{End: r.end()}, nil
		}}
		r.Log = eventlogtest.Reopen(t, r.dir, r.cfg)
		if err := r.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := on(t, r.Log, crdt.Place{Author: r.Author(), Seq: 3}); !strings.HasPrefix(got, `{"why":"older","from":{"next":1,`) {
			t.Errorf("on record: %s", got)
		}
	})
}
