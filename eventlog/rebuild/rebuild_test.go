package rebuild_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/rebuild"
)

// killAt makes a chain fail once it has applied n entries.
func killAt(n uint64) func(uint64) error {
	return func(applied uint64) error {
		if applied >= n {
			return errKilled
		}
		return nil
	}
}

// TestTheRangeIsFixedWhenItBegins: what arrives while a rebuild is under way, or between two runs, is not of it.
func TestTheRangeIsFixedWhenItBegins(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 1000)
	want := fold(t, log, eventlog.ByAuthor)
	if _, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{MaxEntries: 100}, &chain{name: "chain", apply: killAt(450)}); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	fill(t, log, 1000)
	c := &chain{name: "chain"}
	result := run(t, log, c, rebuild.Config{})
	if result.Entries != 1000 || len(c.applied) != 600 || c.loads != 1 || c.news != 0 {
		t.Errorf("%d entries, %d of them after the kill, %d times loaded, %d times new", result.Entries, len(c.applied), c.loads, c.news)
	}
	wantResult(t, log, "chain", want)
	if run(t, log, c, rebuild.Config{Anew: true}).Entries != 2000 {
		t.Error("a rebuild that begins anew ends where the one before did")
	}
	wantResult(t, log, "chain", fold(t, log, eventlog.ByAuthor))
}

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
		if _, err := rebuild.Run(t.Context(), log, "chain", cfg, slow(killAt(1<<30))); err != nil {
			t.Fatal(err)
		}
		first, middle, last := told[0], told[len(told)/2], told[len(told)-1]
		if first.Done < 4000 || first.Done > 4100 || first.Total != 10_000 {
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

// TestAnotherRangeIsAnError: a rebuild under way is not gone on with over something else.
func TestAnotherRangeIsAnError(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 100)
	to := log.Frontier()
	if _, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{MaxEntries: 10}, &chain{name: "chain", apply: killAt(50)}); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	fill(t, log, 1)
	for _, cfg := range []rebuild.Config{{Order: eventlog.Causal}, {To: log.Frontier()}, {To: to, Clock: 1}, {From: to}} {
		_, err := rebuild.Run(t.Context(), log, "chain", cfg, &chain{name: "chain"})
		if other, ok := errors.AsType[*rebuild.RangeError](err); !ok || !other.Under.To.Equal(to) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	run(t, log, &chain{name: "chain"}, rebuild.Config{To: to})
	for _, cfg := range []rebuild.Config{{Order: eventlog.Arrival}, {MaxEntries: -1}} {
		if _, err := rebuild.Run(t.Context(), log, "other", cfg, &chain{}); !errors.Is(err, rebuild.ErrConfig) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	for _, name := range []string{"", "\xff", strings.Repeat("n", 250)} {
		if _, err := rebuild.Run(t.Context(), log, name, rebuild.Config{}, &chain{}); !errors.Is(err, rebuild.ErrConfig) {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

// TestAPoisonedProjectionStopsNoOther: of several, each ends as it does alone, and each is where it is. In system D one
// that is bad keeps all waiting.
func TestAPoisonedProjectionStopsNoOther(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 2000)
	want := fold(t, log, eventlog.Causal)
	poison := errors.New("poison")
	bad := &chain{name: "bad", apply: func(n uint64) error {
		if n == 700 {
			return poison
		}
		return nil
	}}
	badStore := &chain{name: "bad store", store: func(uint64) error { return poison }}
	cfg := rebuild.Config{Order: eventlog.Causal, MaxEntries: 300}
	jobs := []rebuild.Job{{Name: "first", Config: cfg, Projection: &chain{name: "first"}}, {Name: "bad", Config: cfg, Projection: bad},
		{Name: "bad store", Config: cfg, Projection: badStore}, {Name: "last", Config: cfg, Projection: &chain{name: "last"}}}
	for i, o := range rebuild.All(t.Context(), log, jobs...) {
		good := i == 0 || i == 3
		if o.Name != jobs[i].Name || (o.Err == nil) != good || !good && !errors.Is(o.Err, poison) {
			t.Errorf("%d: %+v", i, o)
		}
		if good {
			wantResult(t, log, o.Name, want)
		}
		if at, ok := errors.AsType[*rebuild.ApplyError](o.Err); i == 1 && (!ok || at.Place.Seq != 700 || at.Kind != "kind-0") {
			t.Errorf("bad: %v", o.Err)
		}
	}
	all, err := rebuild.List(t.Context(), log)
	if err != nil || len(all) != 4 || all[0].Name != "bad" || all[0].Done != 600 || !all[0].Finished.IsZero() || all[3].Done != 2000 || all[3].Finished.IsZero() {
		t.Errorf("list: %+v, %v", all, err)
	}
	bad.apply = nil // mended
	run(t, log, bad, cfg)
	wantResult(t, log, "bad", want)
}

// TestUsableIsTheProgramsChoice: a transaction learns whether the state that it reads is being made.
func TestUsableIsTheProgramsChoice(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 100)
	usable := func(name string) (err error) {
		_ = log.View(t.Context(), func(tx *eventlog.ReadTx) error { err = rebuild.Usable(tx, name); return nil })
		return err
	}
	for _, unusable := range []bool{false, true} {
		name := fmt.Sprint(unusable)
		c := &chain{name: name, apply: killAt(60)}
		if _, err := rebuild.Run(t.Context(), log, name, rebuild.Config{Unusable: unusable, MaxEntries: 25}, c); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		err := usable(name)
		if said, ok := errors.AsType[*rebuild.UnusableError](err); ok != unusable || ok && (!errors.Is(err, rebuild.ErrUnusable) || said.Done != 50 || said.Total != 100) {
			t.Errorf("%s: %v", name, err)
		}
		c.apply = nil
		run(t, log, c, rebuild.Config{})
		if err := usable(name); err != nil {
			t.Errorf("%s, finished: %v", name, err)
		}
	}
}

// TestASnapshotIsWhereAFoldBegins: what From covers is not applied, in either order, and may be gone.
func TestASnapshotIsWhereAFoldBegins(t *testing.T) {
	log, other := eventlogtest.OpenAs(t, "a"), eventlogtest.OpenAs(t, "b")
	fill(t, log, 30)
	fill(t, log, 20)
	fill(t, other, 50)
	eventlogtest.Exchange(t, other, log)
	from := log.Frontier()
	fill(t, other, 30)
	fill(t, log, 20)
	eventlogtest.Exchange(t, other, log)
	if pruned, err := log.Prune(t.Context(), eventlog.PruneRequest{Below: 40}); err != nil {
		t.Fatalf("%+v, %v", pruned, err)
	}
	if report, err := log.Trim(t.Context(), eventlog.TrimOptions{}); err != nil || log.Feed(log.Author()).First() != 30 {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal} {
		c := &chain{name: order.String()}
		result := run(t, log, c, rebuild.Config{Order: order, From: from, MaxEntries: 7})
		if result.Gone > 0 || !result.Range.From.Equal(from) {
			t.Errorf("%s: %+v", order, result)
		}
		for _, p := range c.applied {
			if p.Seq < 50 {
				t.Errorf("%s: %s was applied, which the snapshot covers", order, p)
			}
		}
		if len(c.applied) < 50 { // and what the prune has written
			t.Errorf("%s: %d applied", order, len(c.applied))
		}
	}
}

// TestAClockBoundsTheRange: what was written after it is no part of the range, in either order.
func TestAClockBoundsTheRange(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	log := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("a"), Now: func() time.Time { return now }})
	fill(t, log, 300)
	bound := crdt.ClockAt(now) + 1<<16
	now = now.Add(time.Hour)
	fill(t, log, 300)
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal} {
		c := &chain{name: order.String()}
		result := run(t, log, c, rebuild.Config{Order: order, Clock: bound})
		if result.Entries != 300 || c.count() != 300 {
			t.Errorf("%s: %+v, %d applied", order, result, c.count())
		}
	}
}

// TestTwoRunsOfOneRebuild: the later one has it.
func TestTwoRunsOfOneRebuild(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 100)
	var inner error
	first := &chain{name: "chain"}
	first.apply = func(n uint64) error {
		if n == 30 {
			_, inner = rebuild.Run(context.WithoutCancel(t.Context()), log, "chain", rebuild.Config{}, &chain{name: "chain"})
		}
		return nil
	}
	if _, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{MaxEntries: 20}, first); !errors.Is(err, rebuild.ErrTaken) || inner != nil {
		t.Errorf("%v; the later: %v", err, inner)
	}
	if first.finishes > 0 {
		t.Error("both have finished")
	}
	wantResult(t, log, "chain", fold(t, log, eventlog.ByAuthor))
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

// TestWaitingCanBeCalledOff: whoever waits for what is not here ends with its context, and the range stays.
func TestWaitingCanBeCalledOff(t *testing.T) {
	log, ahead := eventlogtest.OpenAs(t, "a"), eventlogtest.OpenAs(t, "b")
	fill(t, ahead, 10)
	to := ahead.Frontier()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := rebuild.Run(ctx, log, "chain", rebuild.Config{To: to, Wait: true}, &chain{name: "chain"})
		done <- err
	}()
	for waits := false; !waits; {
		all, err := rebuild.List(t.Context(), log)
		if err != nil {
			t.Fatal(err)
		}
		waits = len(all) > 0
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	fill(t, ahead, 10)
	eventlogtest.Exchange(t, ahead, log)
	if c := (&chain{name: "chain"}); run(t, log, c, rebuild.Config{}).Entries != 10 || c.count() != 10 {
		t.Errorf("%d applied", c.count())
	}
}
