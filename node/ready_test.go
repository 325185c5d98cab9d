package node_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
)

// failing returns the words for which a node does not meet a demand.
func failing(n *node.Node, d api.Demand) (words []string) {
	for _, c := range api.Failing(n.Unready(), d) {
		words = append(words, c.Condition)
	}
	return words
}

// failsFor waits until a node fails a demand for these words alone, or for none.
func failsFor(t *testing.T, n *node.Node, d api.Demand, want ...string) {
	t.Helper()
	for got := failing(n, d); !slices.Equal(got, want); got = failing(n, d) {
		if t.Context().Err() != nil {
			t.Fatalf("%s: %q, want %q", d, got, want)
		}
	}
}

// TestALoneNodeIsReady: from the beginning, and it has caught up with all the others, of whom there are none.
func TestALoneNodeIsReady(t *testing.T) {
	dir, _ := newNode(t, crdt.LogID{})
	n, err := node.New(node.Config{Dir: dir, Listen: "127.0.0.1:0", Secret: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	if got := failing(n, api.DemandReady); got != nil {
		t.Errorf("before it runs: %q", got)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	failsFor(t, run(t, node.Config{Dir: dir}).Node, api.DemandWell)
}

// TestUnreachablePeersLeaveANodeReady: a node that reaches nobody serves, at its start as later. It is not said to have
// caught up: nobody knows.
func TestUnreachablePeersLeaveANodeReady(t *testing.T) {
	nobody, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := nobody.Addr().String()
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	a, log := newNode(t, crdt.LogID{})
	b, _ := newNode(t, log)
	na := run(t, node.Config{Dir: a, Join: []string{gone}})
	failsFor(t, na.Node, api.DemandReady)
	failsFor(t, na.Node, api.DemandCaughtUp, api.UnreadyUnlinked)

	nb := run(t, node.Config{Dir: b, Join: []string{na.Addr().String()}})
	failsFor(t, nb.Node, api.DemandWell)
	failsFor(t, na.Node, api.DemandWell)
	nb.stop()
	failsFor(t, na.Node, api.DemandCaughtUp, api.UnreadyUnlinked)
	if got := failing(na.Node, api.DemandReady); got != nil {
		t.Errorf("cut off: %q", got)
	}
}

// TestANodeThatMayNotAppendIsNotReady: one that may not know the end of its own feed, until it does, and one beside whom
// somebody else writes, for good. Their members are ready, linked or not.
func TestANodeThatMayNotAppendIsNotReady(t *testing.T) {
	dir, restored, peer := restoredBeside(t)

	n := run(t, node.Config{Dir: restored, Join: []string{peer.Addr().String()}})
	failsFor(t, n.Node, api.DemandReady, "recovering")
	saidEverywhere(t, n, peer, "recovering")
	failsFor(t, peer.Node, api.DemandWell)
	c := connect(t, restored)
	defer c.Close()
	if _, err := c.Recover(t.Context(), api.RecoverRequest{}); err != nil {
		t.Fatal(err)
	}
	failsFor(t, n.Node, api.DemandWell)

	// The copy has gone on; the original, which nobody told so, does as well.
	n.stop()
	appendLine(t, dir, `{"kind":"fork"}`)
	again := run(t, node.Config{Dir: dir, Join: []string{peer.Addr().String()}})
	failsFor(t, again.Node, api.DemandReady, "second writer")
	saidEverywhere(t, again, peer, "second writer")
	if err := again.Log().Health().Mute; !errors.Is(err, eventlog.ErrSecondWriter) {
		t.Errorf("mute: %v", err)
	}
	if got := failing(peer.Node, api.DemandReady); got != nil {
		t.Errorf("the member is not ready: %q", got)
	}
}

// TestANodeThatStopsIsNotReady: from when it takes no more until it is gone.
func TestANodeThatStopsIsNotReady(t *testing.T) {
	a, log := newNode(t, crdt.LogID{})
	b, _ := newNode(t, log)
	n := run(t, node.Config{Dir: a})
	nb := run(t, node.Config{Dir: b, Join: []string{n.Addr().String()}})
	failsFor(t, nb.Node, api.DemandWell) // so the other one knows of it
	failsFor(t, n.Node, api.DemandWell)
	nb.stop()
	appendLine(t, a, `{"kind":"on no other node"}`)
	waiting, callOff := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		_, err := n.Stop(waiting, 1<<40)
		stopped <- err
	}()
	failsFor(t, n.Node, api.DemandReady, api.UnreadyStopping)
	if why := n.Dead(); why != nil {
		t.Errorf("a restart is to help one that stops: %v", why)
	}
	callOff()
	if err := <-stopped; err == nil {
		t.Error("it has stopped")
	}
	failsFor(t, n.Node, api.DemandReady)
}

// saidEverywhere waits until a node's status, itself among the members, and a member that is linked with it say the same
// word of it, and nothing else.
func saidEverywhere(t *testing.T, n, member *running, word string) {
	t.Helper()
	c := connect(t, n.dir)
	defer c.Close()
	statusWhen(t, c, func(s api.Status) bool { return len(s.Conditions) == 1 && s.Conditions[0].Condition == word })
	for _, who := range []*running{n, member} {
		says := func() bool {
			return slices.ContainsFunc(who.Members(), func(m api.Member) bool {
				return m.Author == n.Author() && slices.Equal(m.Conditions, []string{word})
			})
		}
		for !says() {
			if t.Context().Err() != nil {
				t.Fatalf("%s does not say %q of the node", who.dir, word)
			}
		}
	}
}
