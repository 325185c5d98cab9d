package eventlog_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestForgottenBranchesCountForLittle takes branches that end below the floor beyond the limit, but not
// without end.
//
//	a ─┬─ b ─ c ─ d (signs floor 3)
//	   ├─ 0
//	   ├─ 1         no heads any more
//	   …
func TestForgottenBranchesCountForLittle(t *testing.T) {
	dir, cfg := t.TempDir(), config("a")
	cfg.MaxBranches = 2
	l := eventlogtest.Create(t, dir, cfg)
	s := newStranger(t, "forker")
	trunk := s.chain(crdt.Op{}, 3, "trunk")
	d := s.seal(crdt.Header{Log: s.log, First: 3, Prev: trunk[2].ID, Clock: crdt.NextClock(s.now, trunk[2].Clock, 0), Floor: 3}, "d")
	apply(t, l, append(trunk, d)...)
	for i := range 7 {
		if o := apply(t, l, s.op(trunk[0], fmt.Sprint(i))); o.Err != nil || o.Ops != 1 {
			t.Fatalf("branch %d below the floor: %+v", i, o)
		}
	}
	if n := len(l.Feed(s.author()).Heads()); n != 1 {
		t.Fatalf("%d heads", n)
	}
	var shut *eventlog.ShutError
	if o := apply(t, l, s.op(trunk[0], "one too many")); !errors.As(o.Err, &shut) || shut.Reason != eventlog.ShutBranches {
		t.Errorf("a ninth branch: %+v", o)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.MaxBranches = 3
	l = eventlogtest.Reopen(t, dir, cfg)
	for i, op := range []crdt.Op{s.op(d, "x"), s.op(d, "y"), s.op(d, "z")} {
		if o := apply(t, l, op); o.Err != nil {
			t.Errorf("branch %d above the floor under a raised limit: %+v", i, o)
		}
	}
	if o := apply(t, l, s.op(d, "w")); !errors.As(o.Err, &shut) {
		t.Errorf("a fourth head: %+v", o)
	}
}
