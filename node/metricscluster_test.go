package node_test

import (
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/gap"
	"github.com/quipulog/quipu/node"
)

// TestMetricsOfTwoNodes: the one tells of the other how they stand to each other, in both directions, and of what it has sent
// it; what is on no other node; and what takes reading: followers, and what programs lost.
func TestMetricsOfTwoNodes(t *testing.T) {
	a := runScraped(t)
	dir, _ := newNode(t, a.Log().ID())
	b := run(t, node.Config{Dir: dir, Join: []string{a.Addr().String()}})
	if err := b.WaitCaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Log().AppendBatch(t.Context(), []crdt.Event{{Kind: "one"}, {Kind: "two"}, {Kind: "three"}}); err != nil {
		t.Fatal(err)
	}
	lost := gap.Gap{Source: "till", Reason: "queue full", Count: 7}
	if err := a.Log().Update(t.Context(), func(tx *eventlog.Tx) error {
		if _, err := gap.AppendTx(tx, lost); err != nil {
			return err
		}
		return tx.SetCursor("books", 1)
	}); err != nil {
		t.Fatal(err)
	}
	await(t, dir, 4)
	peer, self := `{peer="`+b.Author().Short()+`"}`, `{author="`+a.Author().Short()+`"}`
	got := a.metricsWhen(func(all map[string]float64) bool {
		// The sample after which all of it is known.
		_, spoke := all["quipu_unreplicated_entries"]
		_, timed := all["quipu_peer_clock_offset_seconds"+peer]
		return spoke && timed && all["quipu_gap_events"] == 7 && all["quipu_peer_head_seq"+peer] == 4 && all[`quipu_follower_lag_entries{follower="books"}`] == 3 &&
			all[`quipu_unreplicated_entries`] == 0 && all["quipu_peer_lacks_entries"+peer] == 0
	})
	for series, v := range map[string]float64{
		"quipu_peer_linked" + peer: 1, "quipu_peer_behind_entries" + peer: 0, "quipu_peer_behind_seconds" + peer: 0, "quipu_peer_lacks_seconds" + peer: 0,
		`quipu_members{state="alive"}`: 1, "quipu_gap_entries": 1, "quipu_followers": 1, `quipu_follower_offset{follower="books"}`: 1,
		`quipu_follower_running{follower="books"}`: 0, "quipu_unreplicated_oldest_seconds": 0, "quipu_author_entries" + self: 4,
		"quipu_behind_entries": 0, "quipu_forked_authors": 0, `quipu_rejects_total{reason="signature"}`: 0,
	} {
		if is, there := got[series]; !there || is != v {
			t.Errorf("%s is %v (there: %t), want %v", series, is, there, v)
		}
	}
	if got["quipu_sent_bytes_total"] == 0 || got["quipu_received_bytes_total"] == 0 || got[`quipu_links{kind="tree"}`]+got[`quipu_links{kind="lazy"}`] != 1 {
		t.Errorf("sent %v, received %v bytes, links %v and %v", got["quipu_sent_bytes_total"], got["quipu_received_bytes_total"], got[`quipu_links{kind="tree"}`], got[`quipu_links{kind="lazy"}`])
	}
}

// TestVersionsOfMembers: two linked nodes know of each other of which version their programs are.
func TestVersionsOfMembers(t *testing.T) {
	dir, id := newNode(t, crdt.LogID{})
	other, _ := newNode(t, id)
	a := run(t, node.Config{Dir: dir, Version: "v1"})
	run(t, node.Config{Dir: other, Version: "v2", Join: []string{a.Addr().String()}})
	c := connect(t, dir)
	defer c.Close()
	var versions []string
	for !slices.Equal(versions, []string{"v1", "v2"}) { // which a test that hangs says it never is
		members, err := c.Members(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		versions = nil
		for _, m := range members {
			versions = append(versions, m.Version)
		}
	}
}
