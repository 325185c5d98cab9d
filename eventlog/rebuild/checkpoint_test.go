package rebuild_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/rebuild"
)

// TestACheckpointIsNeverTenSecondsOld: however fast or slow entries are applied, a kill costs 10 s of work, or 5,000
// entries where these take longer.
func TestACheckpointIsNeverTenSecondsOld(t *testing.T) {
	for each, entries := range map[time.Duration]int{time.Microsecond: 3000, time.Millisecond: 30_000, 100 * time.Millisecond: 3000, 15 * time.Second: 300} {
		t.Run(each.String(), func(t *testing.T) {
			log := eventlogtest.Open(t)
			fill(t, log, entries)
			synctest.Test(t, func(t *testing.T) {
				saved, last := time.Now(), uint64(0)
				var longest time.Duration
				var most uint64
				c := &chain{name: "chain"}
				c.apply = func(n uint64) error {
					time.Sleep(each)
					longest, most = max(longest, time.Since(saved)), max(most, n-last)
					return nil
				}
				c.store = func(n uint64) error {
					saved, last = time.Now(), n
					return nil
				}
				told := 0
				cfg := rebuild.Config{Progress: func(rebuild.Progress) { told++ }}
				began := time.Now()
				if _, err := rebuild.Run(t.Context(), log, "chain", cfg, c); err != nil {
					t.Fatal(err)
				}
				if longest > 10*time.Second+50*time.Millisecond+2*each && most > 5000 {
					t.Errorf("a kill costs %s and %d entries", longest, most)
				}
				took := time.Since(began)
				if most := int(took/(10*time.Second)) + 1; c.stores > most {
					t.Errorf("%d checkpoints in %s", c.stores, took)
				}
				if least := int(took / time.Minute); told < least || told > int(took/(250*time.Millisecond))+2 {
					t.Errorf("told %d times in %s how far it is", told, took)
				}
			})
		})
	}
}

// TestProgressSaysHowFarAndHowFast: done, total, rate and how long it takes, from where the last run has come to.
func TestProgressSaysHowFarAndHowFast(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 10_000)
	synctest.Test(t, func(t *testing.T) {
		slow := func(fail func(uint64) error) *chain {
			return &chain{name: "chain", apply: func(n uint64) error {
				time.Sleep(10 * time.Millisecond)
				return fail(n)
			}}
		}
		if _, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{MaxEntries: 1000}, slow(killAt(4000))); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		var told []rebuild.Progress
		cfg := rebuild.Config{Progress: func(p rebuild.Progress) { told = append(told, p) }}
		result, err := rebuild.Run(t.Context(), log, "chain", cfg, slow(killAt(1<<30)))
		if err != nil || result.Resumed != 4000 {
			t.Fatalf("%+v, %v", result, err)
		}
		first, middle, last := told[0], told[len(told)/2], told[len(told)-1]
		if first.Done < 4000 || first.Done > 4100 || first.Total != 10_000 || first.Resumed != 4000 || last.Resumed != 4000 {
			t.Errorf("begins with %+v", first)
		}
		if middle.Rate < 90 || middle.Rate > 110 || (middle.Left-time.Duration(10_000-middle.Done)*10*time.Millisecond).Abs() > 5*time.Second {
			t.Errorf("in the middle %+v", middle)
		}
		if last.Done != 10_000 || last.Left != 0 {
			t.Errorf("ends with %+v", last)
		}
	})
}

// TestAnUnknownVersionIsAnError: a saved state that the program does not know is never left for a new one unasked, as in
// system D.
func TestAnUnknownVersionIsAnError(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 100)
	begin := func(version uint64) {
		t.Helper()
		c := &chain{name: "chain", apply: killAt(50)}
		if _, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{Version: version, MaxEntries: 10, Anew: true}, c); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	for saved, known := range map[uint64]uint64{7: 3, 3: 7} { // from the future, and one that Load has forgotten
		begin(saved)
		c := &chain{name: "chain", knows: known}
		for range 2 {
			_, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{Version: known}, c)
			wrong, ok := errors.AsType[*rebuild.VersionError](err)
			if !ok || !errors.Is(err, rebuild.ErrVersion) || wrong.Saved != saved || wrong.Known != known || c.news+len(c.applied) > 0 {
				t.Errorf("version %d: %v, and %+v", saved, err, c)
			}
		}
		if run(t, log, c, rebuild.Config{Version: known, Anew: true}); c.news != 1 {
			t.Errorf("%d times new", c.news)
		}
	}
	begin(3) // one that Load still knows
	c := &chain{name: "chain", knows: 3}
	if run(t, log, c, rebuild.Config{Version: 4}); c.loads != 1 || len(c.applied) != 50 {
		t.Errorf("%d times loaded, %d applied", c.loads, len(c.applied))
	}
	wantResult(t, log, "chain", fold(t, log, eventlog.ByAuthor))

	// A checkpoint of another form says nothing else.
	begin(0)
	err := log.Update(t.Context(), func(tx *eventlog.Tx) error {
		return tx.Bucket("quipu.rebuild").Put([]byte("chain"), []byte(`{"form":2,"order":{"not":"known"}}`))
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = rebuild.Run(t.Context(), log, "chain", rebuild.Config{}, &chain{name: "chain"})
	if wrong, ok := errors.AsType[*rebuild.VersionError](err); !ok || !wrong.Form || wrong.Saved != 2 {
		t.Errorf("another form: %v", err)
	}
	if all, err := rebuild.List(t.Context(), log); err != nil || len(all) != 1 || !errors.Is(all[0].Err, rebuild.ErrVersion) {
		t.Errorf("list: %+v, %v", all, err)
	}
	if err := rebuild.Drop(t.Context(), log, "chain"); err != nil {
		t.Error(err)
	}
	noHolds(t, log)
}

// TestAStoppedRunLosesNothing: a context that ends leaves a checkpoint.
func TestAStoppedRunLosesNothing(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	c := &chain{name: "chain", apply: func(n uint64) error {
		if n == 400 {
			cancel()
		}
		return nil
	}}
	if _, err := rebuild.Run(ctx, log, "chain", rebuild.Config{}, c); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	did := len(c.applied)
	c.apply = nil
	if run(t, log, c, rebuild.Config{}); c.loads != 1 || did+len(c.applied) != 1000 {
		t.Errorf("%d applied and then %d, %d times loaded", did, len(c.applied), c.loads)
	}
}

// TestACommitThatMayHaveHappened: the rebuild goes back to what is kept, as after a kill, and comes to the same.
func TestACommitThatMayHaveHappened(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 100)
	for failing := 1; failing <= 4; failing++ {
		c := &chain{name: "chain"}
		c.store = func(uint64) error {
			if c.stores == failing {
				return eventlog.ErrUncertain
			}
			return nil
		}
		result := run(t, log, c, rebuild.Config{MaxEntries: 30, Anew: true})
		if result.Before || c.finishes != 1 || c.loads+c.news != 2 && failing <= 3 || failing > 3 && c.news != 1 {
			t.Errorf("store %d: %+v, %d times loaded, %d new, %d finished", failing, result, c.loads, c.news, c.finishes)
		}
		wantResult(t, log, "chain", fold(t, log, eventlog.ByAuthor))
	}
}
