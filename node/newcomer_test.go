package node_test

import (
	"slices"
	"strings"
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

// TestANewcomerThatKeepsMoreSaysWhatItDoesNotGet joins a node to one that has trimmed what the newcomer's
// policy would have kept.
func TestANewcomerThatKeepsMoreSaysWhatItDoesNotGet(t *testing.T) {
	policy := eventlog.TrimPolicy{MinAge: -1, MinCount: eventlog.NoCount}
	dir, id := newNode(t, crdt.LogID{})
	first := run(t, node.Config{Dir: dir, Trim: policy, TrimEvery: -1})
	if _, err := first.Log().Append(t.Context(), crdt.Event{Kind: "seen", Retention: crdt.Trimmable}); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Trim(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	other, _ := newNode(t, id)
	second := run(t, node.Config{Dir: other, TrimEvery: -1, Join: []string{first.Addr().String()}})
	c := connect(t, other)
	defer c.Close()
	for {
		status, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(status.Starved) == 0 {
			continue
		}
		starved := status.Starved[0]
		if starved.Author != first.Author() || starved.Peer != first.Author() || !strings.Contains(starved.Error, "without its body") {
			t.Errorf("starved: %+v", starved)
		}
		break
	}
	if !second.Log().Feed(first.Author()).IsZero() {
		t.Error("the op is held without its body")
	}
}
