package integration

import (
	"fmt"
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
// all of it, of a node none or all of it, and the same command does it once more.
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
	kills := 0 // strace counts the calls of each thread, so only the first of each is sure to be met
	for _, call := range []string{"fdatasync:signal=SIGKILL:when=%d", "fsync:signal=SIGKILL:when=%d", "renameat:signal=SIGKILL:when=%d", "unlinkat:signal=SIGKILL:when=%d"} {
		for n := 1; ; n++ {
			r := &member{t: t, dir: filepath.Join(to, fmt.Sprintf("r%d-%s", n, call[:4])), author: m.author}
			if _, met := r.underStrace(fmt.Sprintf(call, n), "restore", "--key", key, file); !met {
				break
			}
			kills++
			_, stderr, code := r.try("", "restore", "--dir", r.dir, "--key", key, file)
			if code != 0 && !strings.Contains(stderr, "a node is never overwritten") {
				t.Errorf("%s, once more: exit code %d: %s", fmt.Sprintf(call, n), code, stderr)
				continue
			}
			r.on("verify")
			if all := r.entries(); len(all) != 3 {
				t.Errorf("%s: %d entries", fmt.Sprintf(call, n), len(all))
			}
		}
	}
	if kills < 4 {
		t.Errorf("it was killed %d times", kills)
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
