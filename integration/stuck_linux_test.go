package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// limitFiles bounds the size of the files that the member's daemon writes, in bytes.
func (m *member) limitFiles(most uint64) {
	m.t.Helper()
	limit := unix.Rlimit{Cur: most, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(m.daemon.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		m.t.Fatal(err)
	}
}

// TestStuckNodeSaysSo: a node that has no room for what its peers send says so in its status and in its log,
// another node shows that it is stuck and how much it lacks, nobody says that it has caught up, and it goes
// on by itself when there is room.
func TestStuckNodeSaysSo(t *testing.T) {
	t.Parallel()
	members := newCluster(t, 2)
	startAll(members)
	a, b := members[0], members[1]
	converged(t, members)
	info, err := os.Stat(filepath.Join(b.dir, "quipu.db"))
	if err != nil {
		t.Fatal(err)
	}
	b.limitFiles(uint64(info.Size()) + 64<<10)
	line := fmt.Sprintf(`{"kind":"fill","contentType":"text/plain","payload":"%s"}`+"\n", strings.Repeat("x", 4000))
	for range 3 {
		if _, stderr, code := a.try(strings.Repeat(line, 100), "append", "--dir", a.dir, "--ndjson"); code != 0 {
			t.Fatal(stderr)
		}
	}

	var told string
	eventually(t, "word of what b lacks", func() bool {
		told = b.on("status") + b.on("members") + a.on("members")
		_, stderr, code := b.try("", "status", "--dir", b.dir, "--check")
		return code == 1 && strings.Contains(stderr, "stuck since") && strings.Contains(told, "\ncaught up no: behind by ") &&
			strings.Contains(told, "\nstuck     since ") && stuckRow(a.on("members", "--format", "json"))
	}, func() string { return told })
	if strings.Contains(told, "caught up yes") {
		t.Errorf("it says that it has caught up:\n%s", told)
	}
	_, stderr, code := b.try(strings.Repeat("x", 200_000), "append", "--dir", b.dir, "--kind", "own", "--content-type", "text/plain", "--payload", "-")
	if code != 1 || !strings.Contains(stderr, "no room on the disk, nothing was written") {
		t.Errorf("an append without room ended with %d: %s", code, stderr)
	}
	if _, stderr, code := b.try("", "status", "--dir", b.dir, "--check=ready"); code != 1 || !strings.Contains(stderr, "stuck since") {
		t.Errorf("is it ready? %d: %s", code, stderr)
	}
	if _, stderr, code := a.try("", "status", "--dir", a.dir, "--check=ready"); code != 0 {
		t.Errorf("is the other one ready? %d: %s", code, stderr)
	}
	if n := strings.Count(b.stderr.String(), `level=WARN msg="condition begins" condition=stuck`); n != 1 {
		t.Errorf("logged %d times:\n%s", n, b.stderr)
	}

	b.limitFiles(unix.RLIM_INFINITY)
	eventually(t, "node that is well again", func() bool {
		_, told, code = b.try("", "status", "--dir", b.dir, "--check")
		return code == 0
	}, func() string { return told })
	sameLogsThatVerify(t, members)
}

// stuckRow reports whether the JSON of members shows node1 as stuck and lacking something.
func stuckRow(members string) bool {
	var all []struct {
		Name       string   `json:"name"`
		Lacks      uint64   `json:"lacks"`
		Conditions []string `json:"conditions"`
	}
	if err := json.Unmarshal([]byte(members), &all); err != nil {
		return false
	}
	for _, m := range all {
		if m.Name == "node1" && m.Lacks > 0 && slices.Contains(m.Conditions, "stuck") {
			return true
		}
	}
	return false
}
