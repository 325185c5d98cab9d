package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ownMounts is the environment variable that tells the process with mounts of its own.
const ownMounts = "QUIPU_TEST_OWN_MOUNTS"

// withOwnMounts runs the calling test again in a process whose mounts are its own, and so those of the daemons and
// commands that it runs. It reports whether this is that process; else the test is over.
func withOwnMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv(ownMounts) != "" {
		return true
	}
	if testing.Short() || os.Getenv("QUIPU_E2E") == "" {
		t.Skip("mounts: run it with QUIPU_E2E=1, as root")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), ownMounts+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("in a process with mounts of its own: %v\n%s", err, out)
	}
	return false
}

// bind shows one file or folder in the place of another until the test ends.
func bind(t *testing.T, from, to string) {
	t.Helper()
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		t.Fatalf("bind %s to %s: %v", from, to, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(to, 0); err != nil {
			t.Errorf("unmount %s: %v", to, err)
		}
	})
}

// says shows a file with a text in the place of another until the test ends.
func says(t *testing.T, path, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	bind(t, file, path)
}

// move is something that happens to a folder that has lost nothing, while no daemon runs in it, or one was killed.
type move struct {
	name  string
	tools []string
	// under prepares the place of the folder before there is a node in it; nil for nothing.
	under func(t *testing.T, dir string)
	// move happens to the member's folder, in whose stead it may name another.
	move func(t *testing.T, m *member)
	soft bool // the node asks one other, and goes on
}

var moves = []move{
	{name: "nothing", move: func(*testing.T, *member) {}},
	{name: "renamed", move: func(t *testing.T, m *member) {
		run(t, "mv", m.dir, m.dir+"-renamed")
		m.dir += "-renamed"
	}},
	{name: "compacted", move: func(t *testing.T, m *member) { m.on("compact") }},
	{name: "another machine id", soft: true, move: func(t *testing.T, _ *member) {
		says(t, "/etc/machine-id", "00112233445566778899aabbccddeeff")
	}},
	{name: "another start of the machine", soft: true, move: func(t *testing.T, _ *member) {
		says(t, "/proc/sys/kernel/random/boot_id", "12345678-1234-1234-1234-123456789abc")
	}},
	{name: "a bind mount to another folder", soft: true, move: func(t *testing.T, m *member) {
		to := t.TempDir()
		bind(t, m.dir, to)
		m.dir = to
	}},
	{name: "an image on a loop device, mounted again", soft: true, tools: []string{"mkfs.ext4", "mount", "umount"},
		under: func(t *testing.T, dir string) { newImage(t, dir) },
		move: func(t *testing.T, m *member) {
			run(t, "umount", filepath.Dir(m.dir))
			run(t, "mount", "-o", "loop", imageOf(m.dir), filepath.Dir(m.dir))
		}},
	{name: "FUSE that numbers its files anew", soft: true, tools: []string{"bindfs", "umount"},
		under: func(t *testing.T, dir string) { newFUSE(t, dir) },
		move: func(t *testing.T, m *member) {
			at := filepath.Dir(m.dir)
			run(t, "umount", at)
			run(t, "cp", "-a", behind(at), behind(at)+"-copy")
			run(t, "rm", "-r", behind(at))
			run(t, "mv", behind(at)+"-copy", behind(at))
			run(t, "bindfs", behind(at), at)
		}},
}

// imageOf is the file whose file system holds a member's folder.
func imageOf(dir string) string { return filepath.Dir(dir) + ".image" }

// newImage makes a file system in a file, and mounts it at the parent of dir until the test ends.
func newImage(t *testing.T, dir string) {
	t.Helper()
	at := filepath.Dir(dir)
	f, err := os.Create(imageOf(dir))
	if err == nil {
		err = f.Truncate(32 << 20)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	run(t, "mkfs.ext4", "-q", imageOf(dir))
	run(t, "mount", "-o", "loop", imageOf(dir), at)
	t.Cleanup(func() { run(t, "umount", at) })
}

// behind is the folder that a FUSE shows at a place.
func behind(at string) string { return at + "-behind" }

// newFUSE mounts a FUSE at the parent of dir until the test ends.
func newFUSE(t *testing.T, dir string) {
	t.Helper()
	at := filepath.Dir(dir)
	run(t, "mkdir", behind(at))
	run(t, "bindfs", behind(at), at)
	t.Cleanup(func() { run(t, "umount", at) })
}

// TestMoves has a node's folder lose nothing in every way that looks as if it might have. The node says nothing of
// it, asks at most one other, appends at once, and puts nothing on record.
func TestMoves(t *testing.T) {
	if !withOwnMounts(t) {
		return
	}
	for _, mv := range moves {
		t.Run(mv.name, func(t *testing.T) {
			needs(t, mv.tools...)
			members, m := newMoved(t, mv)
			acked := make(acks)
			for i := range 3 {
				acked.append(m, "before", 2)
				if i%2 == 0 {
					m.kill()
				} else {
					m.stop()
				}
				if i == 1 {
					mv.move(t, m)
				}
				if i == 2 && mv.soft {
					acked.append(m, "without a daemon", 1)
				}
				m.start()
				m.wantReady("")
			}
			acked.append(m, "after", 2)
			converged(t, members)
			acked.kept(t, members)
			if all := m.recoveries(); len(all) > 0 {
				t.Errorf("the feed was taken up %+v", all)
			}
			said := m.stderr.String()
			if asked := strings.Count(said, "why=moved"); mv.soft != (asked > 0) {
				t.Errorf("soft is %v, and the log says %d times that the folder has moved:\n%s", mv.soft, asked, said)
			}
			for _, word := range []string{"level=WARN", "level=ERROR"} {
				if strings.Contains(said, word+` msg="nothing is appended`) || strings.Contains(said, "condition=recovering") {
					t.Errorf("its log has a warning:\n%s", said)
				}
			}
			sameLogsThatVerify(t, members)
		})
	}
}

// newMoved starts two daemons, the second of which is to be moved.
func newMoved(t *testing.T, mv move) ([]*member, *member) {
	t.Helper()
	members := newCluster(t, 2)
	m := members[1]
	if mv.under != nil {
		run(t, "rm", "-r", m.dir)
		mv.under(t, m.dir)
		m.create("node1", "--log", members[0].log)
	}
	startAll(members)
	allSee(t, members, 1)
	return members, m
}

// TestRolledBackVolume puts back an older image of the file system that a node's folder is on, as a snapshot of a volume
// is restored: inode and birth time are those that they were. It is mounted anew, so that the node asks one other first,
// and learns that its feed is longer.
func TestRolledBackVolume(t *testing.T) {
	if !withOwnMounts(t) {
		return
	}
	needs(t, "mkfs.ext4", "mount", "umount")
	members := newCluster(t, 3)
	m := members[1]
	newImage(t, m.dir)
	m.create("node1", "--log", members[0].log)
	startAll(members)
	allSee(t, members, 2)
	acked := make(acks)
	acked.append(m, "before", 3, "--wait", "all")
	m.stop()
	at, image := filepath.Dir(m.dir), imageOf(m.dir)
	run(t, "umount", at)
	run(t, "cp", image, image+".snapshot")
	run(t, "mount", "-o", "loop", image, at)
	m.start()
	acked.append(m, "after", 3, "--wait", "all")
	m.kill()
	run(t, "umount", at)
	run(t, "cp", image+".snapshot", image)
	run(t, "mount", "-o", "loop", image, at)
	m.start()
	acked.append(m, "at once", 1, "--wait-recovered")
	m.wantTakenUp("older", 2)
	converged(t, members)
	acked.kept(t, members)
	sameLogsThatVerify(t, members)
}
