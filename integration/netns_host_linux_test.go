package integration

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// start runs the host's daemon in its namespace and waits until it serves.
func (h *host) start() {
	h.t.Helper()
	name, err := binary()
	if err != nil {
		h.t.Fatal(err)
	}
	// ip replaces itself by the daemon, so that the process is the daemon's.
	args := append([]string{"netns", "exec", h.space.name, name, "start", "--dir", h.dir, "--listen", h.listen}, h.flags...)
	for _, addr := range h.join {
		args = append(args, "--join", addr)
	}
	h.daemon = exec.Command("ip", args...)
	h.daemon.Stderr = h.stderr
	stdout, err := h.daemon.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.daemon.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(h.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready ") {
		h.t.Fatalf("start %s printed %q (%v); its log:\n%s", h.dir, line, err, h.stderr)
	}
	go io.Copy(io.Discard, stdout)
}

// startHosts starts every host; all join the first.
func startHosts(hosts []*host) {
	for i, h := range hosts {
		if i > 0 {
			h.join = []string{hosts[0].listen}
		}
		h.start()
	}
}

// load appends n entries of one kind with one command and waits for the last ack. The payload is like
// what programs write: JSON that says the same again and again, with an id that it never says again.
func (h *host) load(kind string, n int) {
	h.t.Helper()
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"kind":%q,"subject":"device/%d","payload":{"id":"%016x","unit":"celsius","quality":"good"}}`+"\n", kind, i%100, rand.Uint64())
	}
	out, stderr, code := h.try(lines.String(), "append", "--dir", h.dir, "--ndjson", "-")
	if acked := strings.Count(out, "\n"); code != 0 || acked != n {
		h.t.Fatalf("append to %s: exit %d with %d of %d acked: %s", h.dir, code, acked, n, stderr)
	}
}

// noLag waits until every member's status says that it has caught up with all others.
func noLag(t *testing.T, members []*member) {
	t.Helper()
	var behind []string
	eventually(t, "end of the lag", func() bool {
		behind = behind[:0]
		for _, m := range members {
			if s := m.status(); s.Behind.Entries > 0 || s.CaughtUp.IsZero() {
				behind = append(behind, fmt.Sprintf("%s is behind: %+v", m.dir, s))
			}
			for _, p := range m.peers() {
				if p.Behind > 0 {
					behind = append(behind, fmt.Sprintf("%s lacks %d entries of %s", m.dir, p.Behind, p.Addr))
				}
			}
		}
		return len(behind) == 0
	}, func() string { return strings.Join(behind, "\n") })
}
