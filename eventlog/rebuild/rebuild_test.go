package rebuild_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

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

// TestWaitingCanBeCalledOff: whoever waits for what is not here ends with its context, and the range stays.
func TestWaitingCanBeCalledOff(t *testing.T) {
	log, ahead := eventlogtest.OpenAs(t, "a"), eventlogtest.OpenAs(t, "b")
	fill(t, ahead, 10)
	to := ahead.Frontier()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := rebuild.Run(ctx, log, "chain", rebuild.Config{To: to, Wait: -1}, &chain{name: "chain"})
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
