package eventlog_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

func TestHoldersAreNamedWithHowFarBehindTheyAre(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.cfg.Trim.MaxHold = 15
	k.reopen()
	k.add(crdt.Trimmable, 20)
	err := k.Update(t.Context(), func(tx *eventlog.Tx) error {
		return errors.Join(tx.SetCursor("reader", 12), tx.SetCursor("quipu.transition", 8))
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := k.Holders([]eventlog.Hold{{Name: "member x", Offset: 3}, {Name: "member y", Offset: 25}})
	if err != nil {
		t.Fatal(err)
	}
	want := []eventlog.Holder{
		{Hold: eventlog.Hold{Name: "member x", Offset: 3}, Behind: 17, Overrun: true},
		{Hold: eventlog.Hold{Name: "quipu.transition", Offset: 8}, Behind: 12, Prunes: true},
		{Hold: eventlog.Hold{Name: "reader", Offset: 12}, Behind: 8},
		{Hold: eventlog.Hold{Name: "member y", Offset: 25}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("holders (-want +got):\n%s", diff)
	}
}

func TestAPlanOfAPruneIsWhatThePruneDoes(t *testing.T) {
	k := newKeeper(t, "keeper")
	k.add(crdt.Persistent, 20)
	for _, r := range []eventlog.PruneRequest{{Below: 5}, {Keep: 12}, {Before: k.now.Add(time.Hour)}} {
		before := k.Stats()
		plan, err := k.PlanPrune(t.Context(), r)
		if err != nil || k.Stats().Ops != before.Ops {
			t.Fatalf("%+v: plan %+v, %v", r, plan, err)
		}
		done := k.prune(eventlog.PruneRequest{Below: plan.Floor})
		if done.Floor != plan.Floor || done.Entries != plan.Entries || plan.Entries == 0 || plan.Place != (crdt.Place{}) {
			t.Errorf("%+v: planned %+v, did %+v", r, plan, done)
		}
	}
	for _, r := range []eventlog.PruneRequest{{}, {Below: 1, Keep: 1}, {Below: 3}} {
		if plan, err := k.PlanPrune(t.Context(), r); err == nil {
			t.Errorf("%+v: planned %+v", r, plan)
		}
	}
}

func TestPoliciesAreCompared(t *testing.T) {
	given := eventlog.TrimPolicy{MinAge: time.Hour, MinCount: 10, MaxHold: 5}
	none := eventlog.TrimPolicy{MinAge: -1, MinCount: eventlog.NoCount, MaxHold: 5}
	for _, c := range []struct {
		p, q eventlog.TrimPolicy
		less bool
	}{
		{given, given, false},
		{none, given, true},
		{given, none, false},
		{eventlog.TrimPolicy{}, eventlog.TrimPolicy{}, false},
		{eventlog.TrimPolicy{MinCount: eventlog.NoCount}, eventlog.TrimPolicy{}, true},
		{eventlog.TrimPolicy{MinAge: time.Hour}, eventlog.TrimPolicy{}, true},
		{eventlog.TrimPolicy{MaxHold: 5}, eventlog.TrimPolicy{}, true},
		{eventlog.TrimPolicy{}, eventlog.TrimPolicy{KeepBodies: true}, true},
		{eventlog.TrimPolicy{}, eventlog.TrimPolicy{KeepPruned: true}, true},
		{eventlog.TrimPolicy{KeepBodies: true, MinAge: time.Hour}, eventlog.TrimPolicy{}, false},
	} {
		if got := c.p.KeepsLess(c.q); got != c.less {
			t.Errorf("%+v keeps less than %+v: %t, want %t", c.p, c.q, got, c.less)
		}
	}
	k := newKeeper(t, "keeper")
	for _, p := range []eventlog.TrimPolicy{given, none} {
		k.cfg.Trim = p
		k.reopen()
		if got := k.TrimPolicy(); got.KeepsLess(p) || p.KeepsLess(got) {
			t.Errorf("the log's policy is %+v, want %+v", got, p)
		}
	}
}
