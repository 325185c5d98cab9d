package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// twinIn returns another node of the member's key, which is to run in a copy of its folder.
func (m *member) twinIn(dir string) *member {
	twin := *m
	twin.dir, twin.daemon, twin.listen, twin.stderr = dir, nil, "127.0.0.1:0", new(daemonLog)
	return &twin
}

// copyOf copies a member's folder, key and all, as somebody does who clones a machine.
func copyOf(t *testing.T, m *member) *member {
	t.Helper()
	twin := m.twinIn(filepath.Join(t.TempDir(), "copy"))
	if err := os.CopyFS(twin.dir, os.DirFS(m.dir)); err != nil {
		t.Fatal(err)
	}
	eventlogtest.Disguise(t, twin.dir)
	for _, private := range []string{"quipu.key", "quipu.yaml", "secret"} {
		if err := os.Chmod(filepath.Join(twin.dir, private), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return twin
}

// TestTwoNodesWithOneKey copies a node's folder and runs both beside two others. Both copies find out,
// say so and stop appending; nothing that either acked is lost; the others hold both branches, equal
// and disputed, and go on.
func TestTwoNodesWithOneKey(t *testing.T) {
	t.Parallel()
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
		}, func() string {
			return one.stderr.String() + "\nTWIN\n" + twin.stderr.String() + "\nOTHER\n" + others[0].stderr.String()
		})
	}
	for _, m := range others {
		eventually(t, "both branches", func() bool {
			log := m.on("log", "--format", "ndjson", "--author", one.author)
			return strings.Contains(log, `"of the one"`) && strings.Contains(log, `"of the copy"`) &&
				strings.Count(log, `"disputed":true`) >= 2 && !strings.Contains(strings.SplitN(log, "\n", 2)[0], "disputed")
		}, func() string { return m.on("log", "--format", "ndjson") })
		m.on("append", "--kind", "after")
	}
	wantForksExplained(t, others[0], one.author)
	// The copies hold everything too.
	converged(t, append(members, twin))
	for _, m := range []*member{one, twin} {
		if shown := m.on("forks", "show", one.author); strings.Count(shown, "  written here\n") != 1 {
			t.Errorf("which branch was written here:\n%s", shown)
		}
		m.stop()
		m.on("verify")
	}
	sameLogsThatVerify(t, others)
}

// wantForksExplained looks at the fork of author, which has two branches after one entry, with the
// commands that people have for it.
func wantForksExplained(t *testing.T, m *member, author string) {
	t.Helper()
	list := m.on("forks", "list", "--format", "ndjson")
	var f struct {
		Author                   string
		Branches, Entries, First int
	}
	if err := json.Unmarshal([]byte(list), &f); err != nil {
		t.Fatalf("forks list: %v:\n%s", err, list)
	}
	if f.Author != author || f.Branches != 2 || f.Entries < 2 || f.First != 1 {
		t.Errorf("forks list:\n%s", list)
	}
	shown := m.on("forks", "show", author)
	for _, want := range []string{"Nothing is lost", "of the one", "of the copy", "after seq 0, op ", "proof     verified"} {
		if !strings.Contains(shown, want) {
			t.Errorf("forks show does not say %q:\n%s", want, shown)
		}
	}
	only := m.on("log", "--disputed", "only", "--format", "ndjson")
	if strings.Count(only, "\n") != f.Entries || strings.Count(only, `"disputed":true`) != f.Entries {
		t.Errorf("log --disputed only, of %d entries:\n%s", f.Entries, only)
	}
	if hidden := m.on("log", "--disputed", "hide", "--format", "ndjson"); strings.Contains(hidden, `"disputed"`) || !strings.Contains(hidden, `"before"`) {
		t.Errorf("log --disputed hide:\n%s", hidden)
	}
}
