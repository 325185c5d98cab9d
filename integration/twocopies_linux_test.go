package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTwoCopiesRecoverAtOnce starts two copies of a node that is gone, beside two others. One of them at most goes on,
// without a fork; the other says that it meets a copy, and what to type. When one is stopped, the other goes on by
// itself.
func TestTwoCopiesRecoverAtOnce(t *testing.T) {
	if testing.Short() || os.Getenv("QUIPU_E2E") == "" {
		t.Skip("takes some seconds: run it with QUIPU_E2E=1")
	}
	t.Parallel()
	members := newCluster(t, 3)
	startAll(members)
	allSee(t, members, 2)
	acked := make(acks)
	original, others := members[2], members[:2]
	acked.append(original, "before", 3, "--wait", "all")
	original.stop()
	var copies []*member
	for range 2 {
		c := original.twinIn(filepath.Join(t.TempDir(), "copy"))
		run(t, "cp", "-a", original.dir, c.dir)
		c.start()
		c.wantReady("copied")
		copies = append(copies, c)
	}
	meets := func(m *member) bool { return strings.Contains(m.on("status"), "--new-key") }
	stopped := 0
	eventually(t, "word of a copy that meets another", func() bool {
		stopped = 0
		if !meets(copies[0]) {
			stopped = 1
		}
		return meets(copies[stopped])
	}, func() string { return copies[0].stderr.String() + "\nTHE OTHER\n" + copies[1].stderr.String() })
	if _, stderr, code := copies[stopped].try("", "append", "--dir", copies[stopped].dir, "--kind", "late"); code != 1 || !strings.Contains(stderr, "--new-key") {
		t.Errorf("one that meets a copy appends with %d: %s", code, stderr)
	}
	copies[stopped].kill()
	left := copies[1-stopped]
	acked.append(left, "goes on", 1, "--wait-recovered")
	left.wantTakenUp("copied", 2)
	others = append(others, left)
	converged(t, others)
	acked.kept(t, others)
	sameLogsThatVerify(t, others)
}
