package findtest

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// mark is the environment variable that tells the process with the network of its own.
const mark = "QUIPU_TEST_ALONE"

// Alone runs the calling test again in a process with a network of its own, and reports whether this is
// that process. There it has first run the ip command with each of the lines; nothing is up before,
// loopback included. In the other process the test has ended, well or not, when Alone returns.
func Alone(t *testing.T, lines ...string) bool {
	t.Helper()
	if os.Getenv(mark) == "" {
		again(t)
		return false
	}
	for _, line := range lines {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
	return true
}

// again runs the calling test in a network namespace.
func again(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		lacking(t, "a network of its own needs the ip command of iproute2")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=4m")
	cmd.Env = append(os.Environ(), mark+"=1")
	cmd.SysProcAttr = ownNetwork()
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
	case len(out) == 0:
		lacking(t, "no network namespace can be made here: "+err.Error())
	default:
		t.Errorf("%v\n%s", err, out)
	}
}

// ownNetwork says that a process gets a network namespace, with a user namespace where only that allows
// one.
func ownNetwork() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return attr
}
