package node_test

import (
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node"
)

// TestNewcomerToATrimmedAndPrunedLog joins a node to one that has forgotten a part of its feed.
func TestNewcomerToATrimmedAndPrunedLog(t *testing.T) {
	policy := eventlog.TrimPolicy{MinAge: -1, MinCount: eventlog.NoCount}
	dir, id := newNode(t, crdt.LogID{})
	first := run(t, node.Config{Dir: dir, Trim: policy, TrimEvery: -1})
	for _, e := range []crdt.Event{
		{Kind: "old"}, {Kind: "old"}, {Kind: "seen", Retention: crdt.Trimmable}, {Kind: "seen", Retention: crdt.Trimmable},
	} {
		if _, err := first.Log().Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := first.Log().Prune(t.Context(), eventlog.PruneRequest{Below: 2}); err != nil {
		t.Fatal(err)
	}
	report, err := first.Trim(t.Context(), nil)
	if err != nil || report.Trimmed.Entries != 2 || report.Pruned.Entries != 2 {
		t.Fatalf("report: %+v, %v", report, err)
	}
	other, _ := newNode(t, id)
	second := run(t, node.Config{Dir: other, Trim: policy, TrimEvery: -1, Join: []string{first.Addr().String()}})
	await(t, other, 3) // the two without bodies, and the one that prunes
	if second.Log().Root() != first.Log().Root() {
		t.Error("the newcomer holds something else")
	}
	want := []eventlog.GoneFrom{{Author: first.Author(), First: 2, Trimmed: 2, Floor: 2}}
	if got := second.Log().Gone(); !slices.Equal(got, want) {
		t.Errorf("the newcomer says %+v, want %+v", got, want)
	}
}
