package identity_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/quipulog/quipu/eventlog/internal/identity"
)

// TestOf renames, grows and copies a file for real.
func TestOf(t *testing.T) {
	dir := t.TempDir()
	path, moved := filepath.Join(dir, "f"), filepath.Join(dir, "moved")
	must(t, os.WriteFile(path, []byte("old"), 0o600))
	was := of(t, path)
	if was.Inode == 0 || was.Device == 0 || was.FS == "" || was.Boot == [16]byte{} {
		t.Errorf("not all is known of a file: %+v", was)
	}
	must(t, os.Rename(path, moved))
	must(t, os.Truncate(moved, 1<<20))
	if is := of(t, moved); is != was {
		t.Errorf("renamed and grown it is %+v, was %+v", is, was)
	}
	must(t, os.Link(moved, path))
	must(t, os.Remove(moved))
	if is := of(t, path); is != was {
		t.Errorf("under another link it is %+v, was %+v", is, was)
	}
	must(t, os.WriteFile(moved, []byte("copy"), 0o600))
	is := of(t, moved)
	if verdict, detail := identity.Compare(was, is); verdict == identity.Same || !strings.HasPrefix(detail, fmt.Sprintf("inode %d, was %d", is.Inode, was.Inode)) {
		t.Errorf("a copy: %s: %q", verdict, detail)
	}
}

// alone is the environment variable that tells the process with mounts of its own.
const alone = "QUIPU_TEST_MOUNTS"

// TestOfElsewhere has the machine id and the boot id changed for real, and the file seen through another mount, in a process with
// mounts of its own: nothing of what names a machine need be injected.
func TestOfElsewhere(t *testing.T) {
	if os.Getenv(alone) == "" {
		withMounts(t)
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, unix.Mount("tmpfs", "/etc", "tmpfs", 0, ""))
	must(t, unix.Mount("tmpfs", "/var/lib", "tmpfs", 0, ""))
	must(t, os.Mkdir("/var/lib/dbus", 0o755))
	nowhere := of(t, path)
	if nowhere.Host != [16]byte{} {
		t.Errorf("without a machine id the host is %x", nowhere.Host)
	}
	hosts := map[[16]byte]string{}
	for _, set := range []struct{ path, text string }{
		{"/var/lib/dbus/machine-id", "0123456789abcdef0123456789abcdef\n"},
		{"/etc/machine-id", "uninitialized\n"},
		{"/etc/machine-id", "fedcba9876543210fedcba9876543210\n"},
	} {
		must(t, os.WriteFile(set.path, []byte(set.text), 0o644))
		is := of(t, path)
		hosts[is.Host] = set.text
		if strings.Contains(set.text, fmt.Sprintf("%x", is.Host)) {
			t.Errorf("the machine id is given away: %x", is.Host)
		}
	}
	if len(hosts) != 2 || hosts[[16]byte{}] != "" {
		t.Errorf("hosts: %q", hosts)
	}

	was := of(t, path)
	boot := filepath.Join(dir, "boot")
	must(t, os.WriteFile(boot, []byte("12345678-1234-1234-1234-123456789abc\n"), 0o644))
	must(t, unix.Mount(boot, "/proc/sys/kernel/random/boot_id", "", unix.MS_BIND, ""))
	wantCompared(t, was, of(t, path), "another start of the machine")
	must(t, os.WriteFile("/etc/machine-id", []byte("00000000000000000000000000000001\n"), 0o644))
	wantCompared(t, was, of(t, path), "another host; another start of the machine")
	must(t, unix.Unmount("/proc/sys/kernel/random/boot_id", 0))
	wantCompared(t, was, of(t, path), "another host")

	was = of(t, path)
	there := t.TempDir()
	must(t, unix.Mount(dir, there, "", unix.MS_BIND, ""))
	is := of(t, filepath.Join(there, "f"))
	if was.Mount != 0 { // the kernel numbers mounts
		wantCompared(t, was, is, fmt.Sprintf("mount %d, was %d", is.Mount, was.Mount))
	}
	must(t, unix.Unmount(there, 0))
	if is := of(t, path); is != was {
		t.Errorf("in the end it is %+v, was %+v", is, was)
	}
}

func wantCompared(t *testing.T, was, is identity.Identity, detail string) {
	t.Helper()
	if verdict, got := identity.Compare(was, is); verdict != identity.Soft || got != detail {
		t.Errorf("%s: %q, want soft: %q", verdict, got, detail)
	}
}

// withMounts runs the calling test again in a process whose mounts are its own.
func withMounts(t *testing.T) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), alone+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
	case len(out) > 0:
		t.Errorf("%v\n%s", err, out)
	case os.Getenv("QUIPU_E2E") != "":
		t.Fatalf("mounts of its own: %v", err)
	default:
		t.Skipf("no process with mounts of its own can be made here: %v", err)
	}
}

func of(t *testing.T, path string) identity.Identity {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	is, err := identity.Of(f)
	must(t, err)
	return is
}
