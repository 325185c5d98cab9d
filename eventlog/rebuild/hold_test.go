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

// impatient is a log of 200 entries that a trim may take all of but the last 10, and that waits for nobody who is more
// than 50 entries behind.
func impatient(t *testing.T) *eventlog.Log {
	t.Helper()
	log := eventlogtest.Create(t, t.TempDir(), eventlog.Config{
		Key: eventlogtest.Key("a"), Trim: eventlog.TrimPolicy{MinAge: -1, MinCount: 10, MaxHold: 50},
	})
	for range 20 {
		fillTrimmable(t, log)
	}
	return log
}

// holderOf returns what is told of the one holder of a log.
func holderOf(t *testing.T, log *eventlog.Log) eventlog.Holder {
	t.Helper()
	all, err := log.Holders(nil)
	if err != nil || len(all) != 1 {
		t.Fatalf("holders %+v, %v: expected one", all, err)
	}
	return all[0]
}

// TestARangeOfAnyLengthIsHeld: what is to be folded is kept, however long it is and however much arrives meanwhile, and
// nothing else is.
func TestARangeOfAnyLengthIsHeld(t *testing.T) {
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal} {
		log := impatient(t)
		want := fold(t, log, order)
		c := &chain{name: "chain"}
		c.apply = func(n uint64) error {
			if took := trim(t, log); took > 0 {
				t.Fatalf("%s: a trim took %d of what is to be folded", order, took)
			}
			return killAt(100)(n)
		}
		cfg := rebuild.Config{Order: order, MaxEntries: 15}
		if _, err := rebuild.Run(t.Context(), log, "chain", cfg, c); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		for range 30 {
			fillTrimmable(t, log)
		}
		if took := trim(t, log); took != 290 {
			t.Errorf("%s: a trim took %d of the 290 that lie behind the range", order, took)
		}
		if h := holderOf(t, log); h.Offset != 0 || h.Upto != 200 || h.Behind != 200 || h.Overrun {
			t.Errorf("%s: the holder is %+v", order, h)
		}
		c.apply = nil
		if result := run(t, log, c, cfg); result.Entries != 200 || result.Gone > 0 {
			t.Errorf("%s: %+v", order, result)
		}
		wantResult(t, log, "chain", want)
		if took := trim(t, log); took != 200 {
			t.Errorf("%s: a trim afterwards took %d of 200", order, took)
		}
	}
}

// TestNobodyWhoIsGoneHolds: a rebuild that nobody goes on with holds for a week from where it was left, and no longer.
// Who goes on later is told what has gone meanwhile, by place, and begins a week of his own.
func TestNobodyWhoIsGoneHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := impatient(t)
		left := func(n uint64) {
			t.Helper()
			_, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{MaxEntries: 10}, &chain{name: "chain", apply: killAt(n)})
			if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
		}
		for _, n := range []uint64{50, 100} {
			left(n)
			time.Sleep(6 * 24 * time.Hour)
			if took := trim(t, log); took > 0 || holderOf(t, log).Overrun {
				t.Fatalf("a trim after six days took %d", took)
			}
		}
		time.Sleep(24 * time.Hour)
		if h := holderOf(t, log); !h.Overrun || !time.Now().Equal(h.Until) {
			t.Errorf("after a week the holder is %+v", h)
		}
		if took := trim(t, log); took != 190 {
			t.Errorf("a trim after a week took %d of 190", took)
		}
		c := &chain{name: "chain"}
		_, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{}, c)
		if gone, ok := errors.AsType[*eventlog.TrimmedError](err); !ok || gone.Seq != 100 || gone.First.Seq != 190 || c.loads != 1 {
			t.Errorf("gone on later: %v", err)
		}
		if h := holderOf(t, log); h.Overrun {
			t.Errorf("gone on later, the holder is %+v", h)
		}
		if result := run(t, log, c, rebuild.Config{SkipTrimmed: true}); result.Gone != 90 || result.Entries != 200 {
			t.Errorf("%+v", result)
		}
	})
}

// TestWhoWaitsHolds: a rebuild that waits for what is not here yet goes on with what it has kept, for as long as it waits,
// and holds a week longer.
func TestWhoWaitsHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, ahead := impatient(t), eventlogtest.OpenAs(t, "b")
		eventlogtest.Exchange(t, log, ahead)
		fill(t, ahead, 10)
		to := ahead.Frontier()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := rebuild.Run(ctx, log, "chain", rebuild.Config{To: to, Wait: -1}, &chain{name: "chain"})
			done <- err
		}()
		for range 9 {
			time.Sleep(24 * time.Hour)
			if took := trim(t, log); took > 0 {
				t.Fatalf("a trim took %d of what is to be folded", took)
			}
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		time.Sleep(6 * 24 * time.Hour)
		if took := trim(t, log); took > 0 {
			t.Errorf("a trim six days after it took %d", took)
		}
		time.Sleep(24 * time.Hour)
		if took := trim(t, log); took != 190 {
			t.Errorf("a trim a week after it took %d of 190", took)
		}
	})
}
