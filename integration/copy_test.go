package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// copyOf copies a member's folder, key and all, as somebody does who clones a machine.
func copyOf(t *testing.T, m *member) *member {
	t.Helper()
	twin := *m
	twin.dir = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(twin.dir, os.DirFS(m.dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(twin.dir, "quipu.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	twin.listen, twin.stderr = "127.0.0.1:0", new(daemonLog)
	return &twin
}

// TestTwoNodesWithOneKey copies a node's folder and runs both beside two others. Both copies find out,
// say so and stop appending; nothing that either acked is lost; the others hold both branches, equal
// and disputed, and go on.
func TestTwoNodesWithOneKey(t *testing.T) {
	members := newCluster(t, 3)
	one, others := members[0], members[1:]
	one.on("append", "--kind", "before")
	twin := copyOf(t, one)
	one.on("append", "--kind", "branch", "--subject", "of the one")
	twin.on("append", "--kind", "branch", "--subject", "of the copy")

	startAll(others)
	for _, m := range []*member{one, twin} {
		m.join = []string{others[0].listen}
		m.start()
	}
	for _, m := range []*member{one, twin} {
		eventually(t, "refusal to append", func() bool {
			_, stderr, code := m.try("", "append", "--dir", m.dir, "--kind", "late")
			return code == 1 && strings.Contains(stderr, "another node writes with our key")
		}, m.stderr.String)
	}
	for _, m := range others {
		eventually(t, "both branches", func() bool {
			log := m.on("log", "--format", "ndjson", "--author", one.author)
			return strings.Contains(log, `"of the one"`) && strings.Contains(log, `"of the copy"`) &&
				strings.Count(log, `"disputed":true`) >= 2 && !strings.Contains(strings.SplitN(log, "\n", 2)[0], "disputed")
		}, func() string { return m.on("log", "--format", "ndjson") })
		m.on("append", "--kind", "after")
	}
	one.stop()
	twin.stop()
	one.on("verify")
	twin.on("verify")
	sameLogsThatVerify(t, others)
}
