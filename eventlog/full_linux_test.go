package eventlog_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// fullFolder names to the child of a test the folder at which it mounts a disk of its own.
const fullFolder = "QUIPU_TEST_FULL_DIR"

// onSmallDisk runs the calling test again in a process with users and mounts of its own, and returns there a folder on a disk in
// memory of so many bytes. Else it returns "", and the test is over.
func onSmallDisk(t *testing.T, size string) string {
	t.Helper()
	if dir := os.Getenv(fullFolder); dir != "" {
		if err := unix.Mount("small", dir, "tmpfs", 0, "size="+size); err != nil {
			t.Fatalf("mount: %v", err)
		}
		return dir
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), fullFolder+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		if os.Getenv("QUIPU_E2E") != "" {
			t.Fatalf("no namespaces: %v", err)
		}
		t.Skipf("no namespaces: %v", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("on a small disk: %v\n%s", err, &out)
	}
	return ""
}

// TestAFullDisk fills a disk of a few MB by small appends, which write ahead, and by large ones: who appends is told that
// there is no room and that nothing was written, all that was acked is there, nothing has to be repaired, and once there is
// room the log goes on by itself.
func TestAFullDisk(t *testing.T) {
	dir := onSmallDisk(t, "6m")
	if dir == "" {
		return
	}
	for _, size := range []int{100, 3000, 100_000} {
		node := filepath.Join(dir, "log")
		l, err := eventlog.Create(node, eventlog.Birth{Genesis: new(eventlogtest.Genesis(t))}, config("a"))
		if err != nil {
			t.Fatal(err)
		}
		ballast := filepath.Join(dir, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		e := crdt.Event{Kind: "fill", ContentType: "text/plain", Payload: make([]byte, size)}
		acked := fillUp(t, l, e)
		for range 5 { // it is told again and again, and never that it may have happened
			if _, err := l.Append(t.Context(), e); noRoomIn(err) {
				continue
			} else if err != nil {
				t.Fatalf("without room: %v", err)
			}
			acked++ // what was free had room for one more
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Errorf("once there is room: %v", err)
		}
		if n := l.Stats().Next; n != acked+1 {
			t.Errorf("entries of %d bytes: %d are there, and %d were acked", size, n, acked+1)
		}
		if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
			t.Errorf("verify: %s, %v", &report, err)
		}
		if _, err := os.Lstat(l.Path() + ".unsynced"); err == nil {
			t.Error("a sync is said to have failed")
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(node); err != nil {
			t.Fatal(err)
		}
	}
}

// fillUp appends until there is no room, and returns how many entries were acked.
func fillUp(t *testing.T, l *eventlog.Log, e crdt.Event) (acked uint64) {
	t.Helper()
	for {
		_, err := l.Append(t.Context(), e)
		if noRoomIn(err) {
			return acked
		}
		if err != nil {
			t.Fatalf("append: %v", err)
		}
		if acked++; acked > 1<<20 {
			t.Fatal("the disk is not as small as that")
		}
	}
}

// noRoomIn reports whether an error says that nothing was written for want of room.
func noRoomIn(err error) bool {
	uncertain, ok := errors.AsType[*eventlog.UncertainError](err)
	return ok && uncertain.NoRoom()
}

// TestAFileThatMayNotGrow is the same where the system bounds the length of a file.
func TestAFileThatMayNotGrow(t *testing.T) {
	dir := onSmallDisk(t, "64m")
	if dir == "" {
		return
	}
	l, err := eventlog.Create(filepath.Join(dir, "log"), eventlog.Birth{Genesis: new(eventlogtest.Genesis(t))}, config("a"))
	if err != nil {
		t.Fatal(err)
	}
	e := crdt.Event{Kind: "fill", ContentType: "text/plain", Payload: make([]byte, 3000)}
	if _, err := l.Append(t.Context(), e); err != nil { // which makes the file as long as bbolt makes it at once
		t.Fatal(err)
	}
	info, err := os.Stat(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(info.Size()), Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	acked := 1 + fillUp(t, l, e)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), e); err != nil {
		t.Errorf("once it may grow: %v", err)
	}
	if n := l.Stats().Next; n != acked+1 {
		t.Errorf("%d entries are there, and %d were acked", n, acked+1)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
