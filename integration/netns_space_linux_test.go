package integration

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The tests named TestNetns run daemons in network namespaces that they make themselves: one for each
// node and each bridge, with links between them that are slow, lossy or cut.
//
//	┌── node 0 ──┐   cable, 40 ms ± 10 ms, 2 % lost   ┌──── lan ────┐   veth   ┌── node 1 ──┐
//	│ eth0 .1    │────────────────────────────────────│ br0         │──────────│ eth0 .2    │
//	└────────────┘                                    └──────┬──────┘          └────────────┘
//	                                                   trunk │ veth, can be cut
//	                                                  ┌──────┴──────┐
//	                                                  │ br0         │  ...
//
// They need root, iproute2 and /dev/net/tun; the one of NAT needs nftables too. They run with QUIPU_E2E=1,
// and fail where something is missing then.

// space is a network namespace of a test.
type space struct {
	t    *testing.T
	name string // as ip netns knows it: quipu-PID-NUMBER-LABEL
}

const (
	netnsDir   = "/run/netns" // where ip netns keeps the namespaces
	resolveDir = "/etc/netns" // NAME/resolv.conf is /etc/resolv.conf for what ip netns exec NAME runs
)

// spaces numbers the namespaces of this process.
var spaces atomic.Int64

// newSpace makes a namespace with its loopback up; it goes away with the test, and the processes that
// are still in it then.
func newSpace(t *testing.T, label string) *space {
	t.Helper()
	s := &space{t: t, name: fmt.Sprintf("quipu-%d-%d-%s", os.Getpid(), spaces.Add(1), label)}
	t.Cleanup(func() {
		if err := removeSpace(s.name); err != nil {
			t.Errorf("remove namespace %s: %v", s.name, err)
		}
	})
	run(t, "ip", "netns", "add", s.name)
	s.ip("link set lo up")
	s.sysctl("net/ipv6/conf/all/disable_ipv6", "1") // its neighbour discovery only adds noise
	return s
}

// requireNetns skips the test unless QUIPU_E2E is set, and fails it then where no namespaces can be made or
// the tools are not there. Other runs have no time for them.
func requireNetns(t *testing.T, tools ...string) {
	t.Helper()
	if testing.Short() || os.Getenv("QUIPU_E2E") == "" {
		t.Skip("network namespaces: run it with QUIPU_E2E=1, as root")
	}
	err := removeStaleSpaces()
	for _, tool := range append([]string{"ip"}, tools...) {
		if _, lookErr := exec.LookPath(tool); lookErr != nil {
			err = errors.Join(err, lookErr)
		}
	}
	if os.Geteuid() != 0 {
		err = errors.Join(err, errors.New("making namespaces takes root"))
	}
	if _, statErr := os.Stat(tunDevice); statErr != nil {
		err = errors.Join(err, statErr)
	}
	if err == nil {
		err = tryNamespaces()
	}
	if err != nil {
		t.Fatalf("network namespaces cannot be made here (apt install iproute2 nftables): %v", err)
	}
}

// tryNamespaces makes a namespace with a TAP device once, to see whether this process may: root in a
// container often may not.
var tryNamespaces = sync.OnceValue(func() error {
	name := fmt.Sprintf("quipu-%d-0-try", os.Getpid())
	out, err := exec.Command("ip", "netns", "add", name).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip netns add: %w: %s", err, out)
	}
	err = inNamespace(name, func() error {
		tap, err := openTAP("eth0")
		if err != nil {
			return err
		}
		return tap.Close()
	})
	return errors.Join(err, removeSpace(name))
})

var spaceName = regexp.MustCompile(`^quipu-(\d+)-\d+-`)

// removeStaleSpaces removes what test processes that were killed have left behind.
var removeStaleSpaces = sync.OnceValue(func() error {
	entries, err := os.ReadDir(netnsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		owner := spaceName.FindStringSubmatch(e.Name())
		if owner == nil {
			continue
		}
		pid, atoiErr := strconv.Atoi(owner[1])
		if atoiErr != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		err = errors.Join(err, removeSpace(e.Name()))
	}
	return err
})

// removeSpace ends the processes in a namespace and removes it; none is no error.
func removeSpace(name string) error {
	if _, err := os.Stat(filepath.Join(netnsDir, name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	pids, err := exec.Command("ip", "netns", "pids", name).Output()
	if err != nil {
		return fmt.Errorf("ip netns pids: %w", err)
	}
	for _, field := range strings.Fields(string(pids)) {
		if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	if out, err := exec.Command("ip", "netns", "delete", name).CombinedOutput(); err != nil {
		return fmt.Errorf("ip netns delete: %w: %s", err, out)
	}
	return os.RemoveAll(filepath.Join(resolveDir, name))
}

// run runs a program that must succeed.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// ip runs an ip command in the namespace: s.ip("link set %s up", dev).
func (s *space) ip(format string, args ...any) {
	s.t.Helper()
	run(s.t, "ip", append([]string{"-n", s.name}, strings.Fields(fmt.Sprintf(format, args...))...)...)
}

// do calls f on a thread that is in the namespace. Sockets and devices that f opens stay there.
func (s *space) do(f func() error) {
	s.t.Helper()
	if err := inNamespace(s.name, f); err != nil {
		s.t.Fatalf("in %s: %v", s.name, err)
	}
}

// sysctl writes a file below /proc/sys for the namespace.
func (s *space) sysctl(path, value string) {
	s.t.Helper()
	s.do(func() error { return os.WriteFile(filepath.Join("/proc/sys", path), []byte(value), 0) })
}

// inNamespace calls f on a thread that is in the named namespace.
func inNamespace(name string, f func() error) error {
	failed := make(chan error, 1)
	go func() { failed <- visit(name, f) }()
	return <-failed
}

// visit moves the calling goroutine's thread into a namespace, calls f and moves the thread back. If it
// cannot be moved back it stays locked, so that it serves nobody else.
func visit(name string, f func() error) error {
	there, err := os.Open(filepath.Join(netnsDir, name))
	if err != nil {
		return err
	}
	defer there.Close()
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter namespace: %w", err)
	}
	err = f()
	if homeErr := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); homeErr != nil {
		return errors.Join(err, fmt.Errorf("leave namespace: %w", homeErr))
	}
	runtime.UnlockOSThread()
	return err
}
