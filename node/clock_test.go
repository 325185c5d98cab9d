package node_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
)

// clock is a wall clock that is off by so much.
type clock struct{ off atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.off.Load())) }

// condition waits until the status of the node in dir shows the condition, or does not any more.
func awaitCondition(t *testing.T, dir, kind string, holds bool) (why string) {
	t.Helper()
	c := connect(t, dir)
	defer c.Close()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		status, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(status.Conditions, func(c api.Condition) bool { return c.Condition == kind })
		if (at >= 0) == holds {
			if holds {
				why = status.Conditions[at].Why
			}
			return why
		}
	}
	t.Fatalf("condition %q: still %t", kind, !holds)
	return ""
}

// TestANodeWithAWrongClockTrimsNothing runs two nodes that agree and one that is ten years ahead. It drops no
// body of theirs, says why, and goes on once its clock is right.
func TestANodeWithAWrongClockTrimsNothing(t *testing.T) {
	policy := eventlog.TrimPolicy{MinAge: 14 * 24 * time.Hour, MinCount: eventlog.NoCount}
	dir, id := newNode(t, crdt.LogID{})
	first := run(t, node.Config{Dir: dir, Trim: policy, TrimEvery: -1})
	other, _ := newNode(t, id)
	run(t, node.Config{Dir: other, Trim: policy, TrimEvery: -1, Join: []string{first.Addr().String()}})
	for range 150 {
		if _, err := first.Log().Append(t.Context(), crdt.Event{Kind: "seen", Retention: crdt.Trimmable}); err != nil {
			t.Fatal(err)
		}
	}
	wrong, _ := newNode(t, id)
	var wall clock
	third := run(t, node.Config{Dir: wrong, Trim: policy, TrimEvery: -1, Join: []string{first.Addr().String()}, Now: wall.now})
	await(t, wrong, 150)
	wall.off.Store(int64(10 * 365 * 24 * time.Hour)) // it jumps: what it holds looks ten years old
	if why := awaitCondition(t, wrong, "clock", true); why != "the clocks of most members are 3650d behind this node's: no body is trimmed until they agree" {
		t.Error(why)
	}
	c := connect(t, wrong)
	defer c.Close()
	report, err := c.Trim(t.Context(), api.TrimRequest{})
	if err != nil || report.Trimmed.Entries > 0 || report.ClockOff > -3649*24*3600 {
		t.Errorf("a trim by a wrong clock: %+v, %v", report, err)
	}
	status, err := c.TrimStatus(t.Context())
	if err != nil || status.ClockOff != report.ClockOff {
		t.Errorf("its status: clock off by %f, %v", status.ClockOff, err)
	}
	members, err := c.Members(t.Context())
	if err != nil || len(members) != 3 || members[1].ClockOff == nil || *members[1].ClockOff > -3649*24*3600 {
		t.Errorf("members: %+v, %v", members, err)
	}
	wall.off.Store(0)
	awaitCondition(t, wrong, "clock", false)
	if report, err := third.Trim(t.Context(), &eventlog.TrimPolicy{MinAge: -1, MinCount: eventlog.NoCount}); err != nil || report.Trimmed.Entries != 150 {
		t.Errorf("a trim by a clock that is right again: %+v, %v", report, err)
	}
}

// TestEntriesOfAClockThatIsBehindAreKept: what a node writes whose clock is an hour behind is as young elsewhere as
// it is, and nobody who is right is told that he is wrong.
func TestEntriesOfAClockThatIsBehindAreKept(t *testing.T) {
	policy := eventlog.TrimPolicy{MinAge: 30 * time.Minute, MinCount: eventlog.NoCount}
	dir, id := newNode(t, crdt.LogID{})
	first := run(t, node.Config{Dir: dir, Trim: policy, TrimEvery: -1})
	other, _ := newNode(t, id)
	run(t, node.Config{Dir: other, Trim: policy, TrimEvery: -1, Join: []string{first.Addr().String()}})
	behind, _ := newNode(t, id)
	var wall clock
	wall.off.Store(int64(-time.Hour))
	third := run(t, node.Config{Dir: behind, Trim: policy, TrimEvery: -1, Join: []string{first.Addr().String()}, Now: wall.now})
	for range 90 {
		if _, err := third.Log().Append(t.Context(), crdt.Event{Kind: "seen", Retention: crdt.Trimmable}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, dir, 90)
	awaitCondition(t, behind, "clock", true)
	report, err := first.Trim(t.Context(), nil)
	if err != nil || report.Trimmed.Entries > 0 || report.ClockOff != 0 {
		t.Errorf("a trim by a clock that is right: %+v, %v", report, err)
	}
}
