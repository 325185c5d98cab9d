package transition_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/rebuild"
	"github.com/quipulog/quipu/eventlog/transition"
)

// projected returns the stage of each of some subjects as the projection has them.
func projected(t *testing.T, l *eventlog.Log, subjects int) (all []string) {
	t.Helper()
	err := l.View(t.Context(), func(tx *eventlog.ReadTx) error {
		for i := range subjects {
			stage, err := transition.Stage(tx, fmt.Sprint("subject ", i))
			if err != nil {
				return err
			}
			all = append(all, stage)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestRebuildMakesTheProjectionOfAReplay: whatever stood in the projection, whoever moved what in which order, with
// clocks that are minutes off, what a rebuild makes is where a replay sees each subject; the same bytes on every node
// and in either order; and what is not of the range is caught up with.
func TestRebuildMakesTheProjectionOfAReplay(t *testing.T) {
	const subjects = 12
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var logs []*eventlog.Log
		for i := range 3 {
			off := time.Duration(rng.IntN(20)-10) * time.Second
			logs = append(logs, openAt(t, fmt.Sprint(seed, i), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(off)))
		}
		move := func(n int) {
			for range n {
				l := logs[rng.IntN(3)]
				mustAppend(t, l, transition.Move{Subject: fmt.Sprint("subject ", rng.IntN(subjects)), To: fmt.Sprint("stage ", rng.IntN(9))})
				if rng.IntN(3) == 0 {
					eventlogtest.Exchange(t, logs[rng.IntN(3)], logs[rng.IntN(3)])
				}
			}
			for i := range 6 {
				eventlogtest.Exchange(t, logs[i%3], logs[(i+1)%3])
			}
		}
		move(60)
		to := logs[0].Frontier()
		move(40)
		var hash [32]byte
		for i, l := range logs {
			for _, cfg := range []rebuild.Config{{}, {Order: eventlog.Causal}, {To: to}, {To: to, Order: eventlog.Causal, MaxEntries: 7}} {
				spoil(t, l, subjects)
				cfg.Anew = true
				done, err := transition.Rebuild(t.Context(), l, cfg)
				if err != nil || done.Before || done.Subjects == 0 {
					t.Fatalf("%+v, %v", done, err)
				}
				if cfg.To != nil {
					if i > 0 && done.Hash != hash {
						t.Errorf("seed %d: node %d comes to %x, another to %x", seed, i, done.Hash, hash)
					}
					hash = done.Hash
				}
				got := projected(t, l, subjects)
				for n, stage := range got {
					if want := replay(t, l).Subject(fmt.Sprint("subject ", n)).Stage; stage != want {
						t.Errorf("seed %d, node %d, %+v: subject %d is in %q, a replay says %q", seed, i, cfg.Order, n, stage, want)
					}
				}
			}
			mustAppend(t, l, transition.Move{Subject: "subject 0", To: "end"})
			if got := projected(t, l, 1)[0]; got != "end" {
				t.Errorf("seed %d: after a move, it is in %q", seed, got)
			}
		}
	}
}

// spoil writes nonsense into the projection.
func spoil(t *testing.T, l *eventlog.Log, subjects int) {
	t.Helper()
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		bucket := tx.Bucket(transition.Kind)
		for i := range subjects {
			key := append([]byte{0}, fmt.Sprint("subject ", i)...)
			if was := bucket.Get(key); was != nil && i%2 == 0 {
				if err := bucket.Put(key, append(was[:80:80], "nowhere"...)); err != nil {
					return err
				}
			}
		}
		return bucket.Put(append([]byte{0}, "nobody"...), make([]byte, 100))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestARebuildGoesOnWithItsTracks: a rebuild that was stopped on the way comes to the same; until it has finished the
// projection that was there serves.
func TestARebuildGoesOnWithItsTracks(t *testing.T) {
	a, b := openAt(t, "a", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), openAt(t, "b", time.Date(2026, 1, 2, 3, 4, 8, 0, time.UTC))
	for i := range 200 {
		l := a
		if i%3 == 0 {
			l = b
		}
		mustAppend(t, l, transition.Move{Subject: fmt.Sprint("subject ", i%20), To: fmt.Sprint("stage ", i)})
		if i%7 == 0 {
			eventlogtest.Exchange(t, a, b)
		}
	}
	eventlogtest.Exchange(t, b, a)
	if _, err := a.Append(t.Context(), crdt.Event{Kind: "beside"}); err != nil {
		t.Fatal(err)
	}
	whole, err := transition.Rebuild(t.Context(), a, rebuild.Config{Order: eventlog.Causal})
	if err != nil {
		t.Fatal(err)
	}
	before := projected(t, a, 20)
	cfg := rebuild.Config{Order: eventlog.Causal, Anew: true, MaxEntries: 30}
	runs := 0
	for done := false; !done; runs++ {
		ctx, cancel := context.WithCancel(t.Context())
		cfg.Progress = func(p rebuild.Progress) { cancel() } // at the first word
		again, err := transition.Rebuild(ctx, a, cfg)
		cancel()
		cfg.Anew = false
		if done = err == nil; done && again.Hash != whole.Hash {
			t.Errorf("stopped on the way it comes to %x, else to %x", again.Hash, whole.Hash)
		}
		if !done && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		for i, stage := range projected(t, a, 20) {
			if stage != before[i] {
				t.Errorf("subject %d is in %q meanwhile, was in %q", i, stage, before[i])
			}
		}
	}
	if runs < 3 {
		t.Errorf("it was stopped %d times", runs-1)
	}
}
