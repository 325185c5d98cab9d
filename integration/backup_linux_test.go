package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBackupWithoutRoom: there is no file, what was there before is whole, and nothing else is left.
func TestBackupWithoutRoom(t *testing.T) {
	t.Parallel()
	m := newCluster(t, 1)[0]
	m.start()
	line := `{"kind":"fill","contentType":"text/plain","payload":"` + strings.Repeat("x", 4000) + `"}` + "\n"
	m.try(strings.Repeat(line, 200), "append", "--dir", m.dir, "--ndjson", "-")
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	file := filepath.Join(to, "a.backup")
	limited := func(flags ...string) string {
		t.Helper()
		out, err := exec.Command("sh", append([]string{"-c", `ulimit -f 256; exec "$@"`, "sh", name, "backup", "--dir", m.dir, file}, flags...)...).CombinedOutput()
		if err == nil {
			t.Errorf("it has succeeded: %s", out)
		}
		return string(out)
	}
	if said := limited(); !strings.HasPrefix(said, "quipu: back up: ") || !strings.Contains(said, "file too large") {
		t.Errorf("it said %q", said)
	}
	if left := namesIn(t, to); left != "" {
		t.Errorf("left are %s", left)
	}
	m.on("backup", file)
	limited("--force")
	m.quipu("backup", "--check", file)
	if left := namesIn(t, to); left != "a.backup" {
		t.Errorf("left are %s", left)
	}
}

// namesIn returns the names of what is in a folder.
func namesIn(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	return strings.Join(names, " ")
}

// TestKilledBackupsAndRestores kills both at each of their calls that make something last. Of a backup there is none then or
// all of it, of a node none or all of it, and the same command does it once more. Without QUIPU_E2E=1 it is, of a restore, the
// first of each call and one more that is drawn.
func TestKilledBackupsAndRestores(t *testing.T) {
	t.Parallel()
	m := newCluster(t, 1)[0]
	for range 3 {
		m.on("append", "--kind", "before")
	}
	to := t.TempDir()
	file, key := filepath.Join(to, "a.backup"), filepath.Join(m.dir, "quipu.key")
	for _, call := range []string{"fsync:signal=SIGKILL:when=%d", "renameat:signal=SIGKILL:when=%d"} {
		for n := 1; ; n++ {
			_, met := m.underStrace(fmt.Sprintf(call, n), "backup", "--force", file)
			if !met {
				break
			}
			if _, err := os.Stat(file); err == nil {
				m.quipu("backup", "--check", file)
			}
		}
	}
	m.on("backup", "--force", file)
	kills := map[string]int{} // strace counts the calls of each thread, so only the first of each is sure to be met
	for _, with := range [][]string{{"--key", key}, {"--new-key"}} {
		for _, call := range restoreCalls {
			for _, n := range killedAt() {
				r := &member{t: t, dir: filepath.Join(to, fmt.Sprintf("r%d-%s%s", n, call, with[0])), author: m.author}
				at := fmt.Sprintf("%s:signal=SIGKILL:when=%d", call, n)
				if _, met := r.underStrace(at, "restore", append(with, file)...); !met {
					break
				}
				kills[call]++
				r.restoreAgain(at, append(with, file)...)
			}
		}
	}
	for _, call := range restoreCalls {
		if kills[call] < 2 { // with either key
			t.Errorf("it was killed %d times at %s", kills[call], call)
		}
	}
}

// killedAt returns which of the calls of one name a restore is killed at, as long as there are so many.
func killedAt() []int {
	if os.Getenv("QUIPU_E2E") == "" || testing.Short() {
		return []int{1, 2 + rand.IntN(6)}
	}
	return []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
}

// restoreCalls are the calls to the system by which a restore changes what is on disk.
var restoreCalls = []string{"mkdirat", "pwrite64", "fdatasync", "fsync", "renameat", "linkat", "unlinkat"}

// restoreAgain looks at what a restore has left that was killed, and runs it again: before there is a node nothing of it is read.
func (m *member) restoreAgain(at string, args ...string) {
	m.t.Helper()
	_, keyErr := os.Lstat(filepath.Join(m.dir, "quipu.key"))
	if _, stderr, code := m.try("", "log", "--dir", m.dir); code != 0 && keyErr == nil || code != 3 && keyErr != nil {
		m.t.Errorf("%s: a key: %v; the log is read with exit code %d: %s", at, keyErr, code, stderr)
	}
	_, stderr, code := m.try("", append([]string{"restore", "--dir", m.dir}, args...)...)
	if code != 0 && (keyErr != nil || !strings.Contains(stderr, "a node is never overwritten")) {
		m.t.Errorf("%s, once more: exit code %d: %s", at, code, stderr)
		return
	}
	m.on("verify")
	if all := m.entries("--kind", "before"); len(all) != 3 {
		m.t.Errorf("%s: %d entries", at, len(all))
	}
	m.try("", "append", "--dir", m.dir, "--kind", "after") // which has the folder to itself
	if left := namesIn(m.t, m.dir); strings.Contains(left, "restoring") || strings.Contains(left, ".new-") {
		m.t.Errorf("%s: left are %s", at, left)
	}
}

// TestRestoreKilledInTheMiddle: while half of a backup has come there is no node; the next one takes away what is left.
func TestRestoreKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	m := newCluster(t, 1)[0]
	line := `{"kind":"fill","contentType":"text/plain","payload":"` + strings.Repeat("x", 60_000) + `"}` + "\n"
	m.try(strings.Repeat(line, 200), "append", "--dir", m.dir, "--ndjson", "-")
	file, key := filepath.Join(t.TempDir(), "a.backup"), filepath.Join(m.dir, "quipu.key")
	m.on("backup", file)
	all, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	r := &member{t: t, dir: filepath.Join(t.TempDir(), "new"), author: m.author}
	cmd := exec.Command(name, "restore", "--dir", r.dir, "--key", key, "-")
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(all[:len(all)/2]); err != nil { // what a pipe does not hold has been read
		t.Fatal(err)
	}
	if _, stderr, code := r.try("", "restore", "--dir", r.dir, "--key", key, file); code != 1 || !strings.Contains(stderr, "restores a node in") {
		t.Errorf("a second one beside it: exit code %d: %s", code, stderr)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if _, stderr, code := r.try("", "append", "--dir", r.dir, "--kind", "n"); code != 3 || !strings.Contains(stderr, "run it again") {
		t.Errorf("an append: exit code %d: %s", code, stderr)
	}
	r.quipu("restore", "--dir", r.dir, "--key", key, file)
	r.on("verify")
	if left := namesIn(t, r.dir); strings.Contains(left, "restoring") || strings.Contains(left, "new") {
		t.Errorf("left are %s", left)
	}
}
