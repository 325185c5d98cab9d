package node_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/node"
)

// write appends an event to a node's log.
func write(t testing.TB, n *running, e crdt.Event) crdt.Place {
	t.Helper()
	e.Kind = "test"
	p, err := n.Log().Append(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// holdings returns what the node says of where the entry at p is.
func holdings(t *testing.T, n *running, p crdt.Place) map[crdt.Author]elsewhere.Holding {
	t.Helper()
	receipts, err := n.Log().Elsewhere().Receipts(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[crdt.Author]elsewhere.Holding)
	for _, r := range receipts {
		said[r.Author] = r.Holding
	}
	return said
}

// waitFor waits until the entry at p is elsewhere as wanted.
func waitFor(t *testing.T, n *running, p crdt.Place, want eventlog.Replication) {
	t.Helper()
	if _, err := n.Log().WaitReplicated(t.Context(), p, want); err != nil {
		t.Fatal(err)
	}
}

// A writer learns who has what it wrote, who has it not, and of whom nothing is heard; after it was started anew
// nothing is known until they have spoken.
func TestReceiptsAmongNodes(t *testing.T) {
	dirA, id := newNode(t, crdt.LogID{})
	dirB, _ := newNode(t, id)
	dirC, _ := newNode(t, id)
	b := run(t, node.Config{Dir: dirB})
	join := []string{b.Addr().String()}
	a, c := run(t, node.Config{Dir: dirA, Join: join}), run(t, node.Config{Dir: dirC, Join: join})
	both := eventlog.Replication{Names: []crdt.Author{b.Author(), c.Author()}}
	p := write(t, a, crdt.Event{})
	waitFor(t, a, p, both)
	waitFor(t, a, p, eventlog.Replication{All: true})
	if diff := cmp.Diff(map[crdt.Author]elsewhere.Holding{b.Author(): elsewhere.Holds, c.Author(): elsewhere.Holds}, holdings(t, a, p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if alone := a.Log().Unreplicated(); alone != (elsewhere.Alone{Known: true}) {
		t.Errorf("all is elsewhere, and %+v is not", alone)
	}

	c.stop()
	p = write(t, a, crdt.Event{})
	waitFor(t, a, p, eventlog.Replication{Nodes: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := a.Log().WaitReplicated(ctx, p, eventlog.Replication{All: true})
	not, ok := errors.AsType[*eventlog.NotReplicatedError](err)
	if !ok || len(not.Has) != 1 || not.Has[0].Author != b.Author() || len(not.HasNot) != 1 ||
		not.HasNot[0].Author != c.Author() || not.HasNot[0].Holding != elsewhere.Unheard || not.HasNot[0].Heard.IsZero() {
		t.Errorf("with c stopped: %v, %+v", err, not)
	}
	a.stop()
	b.stop()
	a = run(t, node.Config{Dir: dirA})
	if alone := a.Log().Unreplicated(); alone.Known || alone.Entries != 2 {
		t.Errorf("before anybody has spoken: %+v", alone)
	}
	if said := holdings(t, a, p); said[b.Author()] != elsewhere.Unheard || len(said) != 2 {
		t.Errorf("before anybody has spoken: %v", said)
	}
	join = []string{a.Addr().String()}
	run(t, node.Config{Dir: dirB, Join: join})
	run(t, node.Config{Dir: dirC, Join: join})
	waitFor(t, a, p, both)
}

// What is there without its body, or may have been forgotten, is no receipt.
func TestTrimmedAndPrunedThere(t *testing.T) {
	keeps := eventlog.TrimPolicy{KeepBodies: true, KeepPruned: true}
	dirA, id := newNode(t, crdt.LogID{})
	dirB, _ := newNode(t, id)
	dirC, _ := newNode(t, id)
	b := run(t, node.Config{Dir: dirB, Trim: eventlog.TrimPolicy{MinAge: -1, MinCount: eventlog.NoCount}})
	join := []string{b.Addr().String()}
	a, c := run(t, node.Config{Dir: dirA, Join: join, Trim: keeps}), run(t, node.Config{Dir: dirC, Join: join, Trim: keeps})
	low := write(t, a, crdt.Event{})
	gone := write(t, a, crdt.Event{Retention: crdt.Trimmable})
	stays := write(t, a, crdt.Event{})
	both := []crdt.Author{b.Author(), c.Author()}
	waitFor(t, a, stays, eventlog.Replication{Names: both})
	waitFor(t, a, gone, eventlog.Replication{Names: both[1:]})
	if said := holdings(t, a, gone); said[b.Author()] != elsewhere.Trimmed || said[c.Author()] != elsewhere.Holds {
		t.Errorf("of a trimmable entry: %v", said)
	}
	pruned, err := a.Log().Prune(t.Context(), eventlog.PruneRequest{Below: gone.Seq})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, a, pruned.Place, eventlog.Replication{Names: both})
	if said := holdings(t, a, low); said[b.Author()] != elsewhere.Pruned || said[c.Author()] != elsewhere.Holds {
		t.Errorf("of an entry below the floor: %v", said)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Log().WaitReplicated(ctx, gone, eventlog.Replication{All: true}); err == nil {
		t.Error("a body that may be gone was waited for in vain, and the wait ended well")
	}
}

// BenchmarkWaitReplicated appends entries one after the other to a node that is linked with another over loopback, each
// acked when it is durable here, or when the other has it durably too.
func BenchmarkWaitReplicated(b *testing.B) {
	dirA, id := newNode(b, crdt.LogID{})
	dirB, _ := newNode(b, id)
	peer := run(b, node.Config{Dir: dirB})
	a := run(b, node.Config{Dir: dirA, Join: []string{peer.Addr().String()}})
	one := eventlog.Replication{Nodes: 1}
	if _, err := a.Log().WaitReplicated(b.Context(), write(b, a, crdt.Event{}), one); err != nil {
		b.Fatal(err)
	}
	for _, wait := range []bool{false, true} {
		name := map[bool]string{false: "plain", true: "wait 1"}[wait]
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				p := write(b, a, crdt.Event{})
				if wait {
					if _, err := a.Log().WaitReplicated(b.Context(), p, one); err != nil {
						b.Fatal(err)
					}
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			for name, at := range map[string]int{"p50-µs": len(took) / 2, "p99-µs": len(took) * 99 / 100} {
				b.ReportMetric(float64(took[at].Microseconds()), name)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
