package node_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// A node that is kept from appending has not caught up, though it lacks nothing: neither its log nor its
// status says so before that is over.
func TestNodeWithAConditionHasNotCaughtUp(t *testing.T) {
	_, restored, peer := restoredBeside(t)

	n := run(t, node.Config{Dir: restored, Join: []string{peer.Addr().String()}})
	await(t, restored, 2)
	c := connect(t, restored)
	defer c.Close()
	statusWhen(t, c, func(s api.Status) bool { return len(s.Conditions) == 1 && s.Linked == 1 })
	// The second call compares anew: by then the node itself has heard what the first one has.
	for range 2 {
		if err := n.WaitCaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	recovered := time.Now()
	if _, err := c.Recover(t.Context(), api.RecoverRequest{}); err != nil {
		t.Fatal(err)
	}
	s := statusWhen(t, c, func(s api.Status) bool { return !s.CaughtUp.IsZero() })
	if s.CaughtUp.Before(recovered) {
		t.Errorf("it says that it had caught up at %s: it was kept from appending until %s", s.CaughtUp, recovered)
	}
}

// restoredBeside makes a node that has stopped, an older copy of its folder, and a running member that has the entry which
// the copy lacks.
func restoredBeside(t *testing.T) (dir, restored string, peer *running) {
	t.Helper()
	dir, id := newNode(t, crdt.LogID{})
	restored = filepath.Join(t.TempDir(), "restored")
	appendLine(t, dir, `{"kind":"before"}`)
	copyFolder(t, dir, restored)
	appendLine(t, dir, `{"kind":"after"}`)
	other, _ := newNode(t, id)
	peer = run(t, node.Config{Dir: other})
	original := run(t, node.Config{Dir: dir, Join: []string{peer.Addr().String()}})
	await(t, other, 2)
	original.stop()
	return dir, restored, peer
}

// copyFolder copies a node's folder as a backup does: with its files' modes.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	eventlogtest.Disguise(t, to)
	files, err := os.ReadDir(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Chmod(filepath.Join(to, f.Name()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// statusWhen asks for a node's status until it is as wanted.
func statusWhen(t *testing.T, c *client.Client, as func(api.Status) bool) api.Status {
	t.Helper()
	for {
		s, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if as(s) {
			return s
		}
	}
}
