package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// loss is what becomes of the folder of a node that is stopped, of which there is a backup that is older than the feed.
type loss struct {
	name  string
	tools []string // beside cp and rm
	lose  func(t *testing.T, m *member, backup string)
	// why is what the node says that it may not know the end of its own feed for; ready is what its ready line says of
	// that, which may not know it yet.
	why, ready string
	always     bool // it happens without QUIPU_E2E=1, too
}

var losses = []loss{
	{"cp -a", nil, func(t *testing.T, m *member, backup string) {
		run(t, "rm", "-r", m.dir)
		run(t, "cp", "-a", backup, m.dir)
	}, "copied", "copied", true},
	{"tar", []string{"tar"}, func(t *testing.T, m *member, backup string) {
		file := filepath.Join(t.TempDir(), "backup.tar")
		run(t, "tar", "-cf", file, "-C", backup, ".")
		run(t, "rm", "-r", m.dir)
		run(t, "mkdir", m.dir)
		run(t, "tar", "-xpf", file, "-C", m.dir)
	}, "copied", "copied", false},
	{"rsync to nothing", []string{"rsync"}, func(t *testing.T, m *member, backup string) {
		run(t, "rm", "-r", m.dir)
		run(t, "rsync", "-a", backup+"/", m.dir)
	}, "copied", "copied", false},
	{"rsync over the folder", []string{"rsync"}, func(t *testing.T, m *member, backup string) {
		run(t, "rsync", "-a", "--delete", "--ignore-times", backup+"/", m.dir)
	}, "copied", "copied", false},
	{"rsync into the files", []string{"rsync"}, func(t *testing.T, m *member, backup string) {
		run(t, "rsync", "-a", "--inplace", "--ignore-times", backup+"/", m.dir)
	}, "rolled back", "rolled-back", false},
	{"cp into the log", nil, func(t *testing.T, m *member, backup string) {
		run(t, "cp", filepath.Join(backup, "quipu.db"), filepath.Join(m.dir, "quipu.db"))
	}, "rolled back", "rolled-back", false},
	{"cp into all files", nil, func(t *testing.T, m *member, backup string) {
		run(t, "cp", "-a", backup+"/.", m.dir)
	}, "rolled back", "rolled-back", false},
	// What the file and all beside it cannot tell, its own entries do that come back.
	{"rolled back from below", nil, func(t *testing.T, m *member, backup string) {
		run(t, "cp", filepath.Join(backup, "quipu.db"), filepath.Join(m.dir, "quipu.db"))
		run(t, "rm", filepath.Join(m.dir, "quipu.db.seen"))
	}, "older", "", true},
	{"a bit that flips in the last op", nil, func(t *testing.T, m *member, _ string) {
		flip(t, filepath.Join(m.dir, "quipu.db"), payloadOf(lastKind))
	}, "head", "head", true},
	{"a lost disk, with the key kept elsewhere", nil, func(t *testing.T, m *member, backup string) {
		run(t, "rm", "-r", m.dir)
		m.quipu("init", "--dir", m.dir, "--name", "again", "--log", m.log, "--key", filepath.Join(backup, "quipu.key"))
		run(t, "cp", "-a", filepath.Join(backup, "secret"), m.dir)
	}, "key", "key", false},
}

// lastKind is the kind of the entry that a loss finds at the end of the feed; no other entry has it.
const lastKind = "the-last-one-before-the-loss"

// flip changes one bit wherever a text stands in a file.
func flip(t *testing.T, path, text string) {
	t.Helper()
	all, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := bytes.ReplaceAll(all, []byte(text), []byte("u"+text[1:]))
	if bytes.Equal(spoilt, all) {
		t.Fatalf("%s does not hold %q", path, text)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(spoilt, 0); err != nil { // into the same file
		t.Fatal(err)
	}
}

// needs skips a test where a program is missing, or fails it with QUIPU_E2E=1.
func needs(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			lacking(t, "it needs "+tool)
		}
	}
}

// TestLosses has a node's folder lost or put back to an older state in every way that there is a program for, while the
// feed has gone on and the other two hold it. Each time the node knows why it may not know the end of its own
// feed, asks both, goes on by itself behind what was acked, says so on record, and gives no number twice.
func TestLosses(t *testing.T) {
	t.Parallel()
	for _, l := range losses {
		if os.Getenv("QUIPU_E2E") == "" && !l.always {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			needs(t, l.tools...)
			members := newCluster(t, 3)
			startAll(members)
			allSee(t, members, 2)
			acked := make(acks)
			m := members[1]
			acked.append(members[0], "another's", 1)
			acked.append(m, "before", 3, "--wait", "all")
			m.stop()
			backup := filepath.Join(t.TempDir(), "backup")
			run(t, "cp", "-a", m.dir, backup)
			m.start()
			acked.append(m, "after", 3)
			acked.append(m, lastKind, 1, "--wait", "all")
			if l.why == "rolled back" {
				m.stop() // one that was killed has last left word of what the log holds when it started
			} else {
				m.kill()
			}

			l.lose(t, m, backup)
			m.start()
			m.wantReady(l.ready)
			if l.ready != "" {
				acked.append(m, "at once", 1, "--wait-recovered")
			}
			m.wantTakenUp(l.why, 2)
			m.stop()
			m.start() // which is no reason
			m.wantReady("")
			acked.append(m, "and on", 1)
			converged(t, members)
			acked.kept(t, members)
			sameLogsThatVerify(t, members)
		})
	}
}
