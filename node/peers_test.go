package node_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
)

// TestSettleAsksTheMembers restores a node from a backup while one of its members, of which the backup knows nothing
// but that it was there, is down: the log names who is missing, and goes on when that one is back.
func TestSettleAsksTheMembers(t *testing.T) {
	dir, id := newNode(t, crdt.LogID{})
	restored := filepath.Join(t.TempDir(), "restored")
	appendLine(t, dir, `{"kind":"before"}`)
	here, _ := newNode(t, id)
	away, _ := newNode(t, id)
	peer := run(t, node.Config{Dir: here})
	join := []string{peer.Addr().String()}
	original := run(t, node.Config{Dir: dir, Join: join})
	absent := run(t, node.Config{Dir: away, Join: join})
	await(t, away, 1)
	await(t, here, 1)
	c := connect(t, dir)
	statusWhen(t, c, func(s api.Status) bool { return s.Linked == 2 })
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	original.stop() // which writes down whom it has met
	copyFolder(t, dir, restored)
	original = run(t, node.Config{Dir: dir, Join: join})
	appendLine(t, dir, `{"kind":"after"}`)
	await(t, here, 2)
	author := original.Author()
	original.stop()
	absent.stop()

	n := run(t, node.Config{Dir: restored, Join: join})
	await(t, restored, 2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	settled := make(chan error, 1)
	go func() { settled <- n.Log().Settle(ctx) }()
	for !slices.Equal(n.Log().Recovering().Missing, []crdt.Author{absent.Author()}) {
		if ctx.Err() != nil {
			t.Fatalf("missing: %v, want %s", n.Log().Recovering().Missing, absent.Author())
		}
	}
	if words := n.Log().Recovering().Error(); !strings.Contains(words, absent.Author().Short()) {
		t.Errorf("it says: %s", words)
	}
	run(t, node.Config{Dir: away, Join: join})
	if err := <-settled; err != nil || n.Log().Recovering() != nil {
		t.Fatalf("settle: %v, then %v", err, n.Log().Recovering())
	}
	if place := appendLine(t, restored, `{"kind":"goes on"}`)[0]; place.Author != author || place.Seq != 3 {
		t.Errorf("it goes on at %s", place)
	}
}
