package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

const (
	// slowRate is the rate of a slow line, in bits a second.
	slowRate = 2_000_000
	// history is how many entries a node that comes late has to catch up with.
	history = 50_000
)

// slowCluster makes three hosts on a LAN. The first two run and hold the history; the third, behind a
// slow line, has yet to start.
func slowCluster(t *testing.T) (hosts []*host, line *cable) {
	t.Helper()
	hosts = newHosts(t, 3)
	l := newLAN(t, 1)
	l.plugAll(hosts[:2], 1)
	line = l.wire(hosts[2].space, "eth0", 3)
	hosts[2].at(l.addr(3))
	slow := conditions{delay: 10 * time.Millisecond, rate: slowRate}
	line.weather(slow, slow)
	startHosts(hosts[:2])
	hosts[0].load("history", history)
	converged(t, members(hosts[:2]))
	hosts[2].join = []string{hosts[0].listen}
	return hosts, line
}

// tailed is the output of a running "quipu tail".
type tailed struct {
	t     *testing.T
	lines *bufio.Scanner
}

// tail runs "quipu tail" for the entries of a kind, the ones that are there included.
func (m *member) tail(kind string) *tailed {
	m.t.Helper()
	name, err := binary()
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.CommandContext(m.t.Context(), name, "tail", "--dir", m.dir, "--kind", kind, "--from-start", "--format", "ndjson")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	giveUp := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	m.t.Cleanup(func() {
		giveUp.Stop()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return &tailed{m.t, bufio.NewScanner(stdout)}
}

// next waits for the next entry.
func (l *tailed) next() entry {
	l.t.Helper()
	if !l.lines.Scan() {
		l.t.Fatalf("the tail ended (%v) before its next entry within %s", l.lines.Err(), patience)
	}
	var e entry
	if err := json.Unmarshal(l.lines.Bytes(), &e); err != nil {
		l.t.Fatal(err)
	}
	return e
}

// TestNetnsSlowLine lets a node catch up over a slow line while the others write on. What they write
// reaches them while the slow one is still busy; in the end it has all, most of it once and compressed.
func TestNetnsSlowLine(t *testing.T) {
	requireNetns(t)
	t.Parallel()
	hosts, line := slowCluster(t)
	fast, slow := hosts[:2], hosts[2]
	live := fast[1].tail("live")
	slow.start()
	eventually(t, "estimate of the time left", func() bool {
		s := slow.status()
		return s.Entries > 0 && s.Behind.Entries > 0 && s.Behind.Left > 0
	}, slow.stderr.String)

	var took []time.Duration
	const rounds = 10
	for n := range rounds {
		subject := fmt.Sprintf("round %d", n)
		began := time.Now()
		fast[0].on("append", "--kind", "live", "--subject", subject)
		if e := live.next(); e.Subject != subject {
			t.Fatalf("%q arrived, want %q", e.Subject, subject)
		}
		took = append(took, time.Since(began))
	}
	if held := slow.status().Entries; held >= history {
		t.Errorf("the slow node held all %d entries before the others had %d live ones: they waited for it, or the line is not slow", held, rounds)
	}
	converged(t, members(hosts))
	noLag(t, members(hosts))
	t.Logf("append to tail beside the slow line: median %s, worst %s", slices.Sorted(slices.Values(took))[rounds/2], slices.Max(took))
	counts := slow.status().Counts
	taken, received, carried := counts["quipu_taken_payload_bytes_total"], counts["quipu_received_payload_bytes_total"], line.back.bytes.Load()
	t.Logf("the line carried %d bytes; the node received %d bytes of ops and took %d", carried, received, taken)
	if carried > taken/2 {
		t.Errorf("the line carried %d bytes for %d of ops: it pays to compress here", carried, taken)
	}
	if received > taken+taken/4 {
		t.Errorf("%d bytes of ops were received and %d of them new: too much came twice", received, taken)
	}
	if all := sameLogsThatVerify(t, members(hosts)); len(all) != history+rounds {
		t.Errorf("%d entries, want %d", len(all), history+rounds)
	}
}

// TestNetnsKilledBackfillResumes kills a node with SIGKILL while it catches up. Started again it takes
// what it lacked and nothing twice: the ops that it takes then are those that it did not hold.
func TestNetnsKilledBackfillResumes(t *testing.T) {
	requireNetns(t)
	t.Parallel()
	hosts, line := slowCluster(t)
	late := hosts[2]
	late.start()
	eventually(t, "a fifth of the history", func() bool { return late.status().Entries > history/5 }, late.stderr.String)
	late.kill()
	held := late.status()
	if held.Entries >= history {
		t.Fatalf("it held all %d entries before it was killed", held.Entries)
	}
	line.weather(conditions{}, conditions{})
	late.start()
	converged(t, members(hosts))
	s := late.status()
	if took := s.Counts["quipu_taken_ops_total"]; took != s.Ops-held.Ops {
		t.Errorf("it took %d ops after the kill; it held %d of %d", took, held.Ops, s.Ops)
	}
	twice := s.Counts["quipu_duplicate_ops_total"]
	t.Logf("killed with %d of %d ops; then %d taken, %d twice", held.Ops, s.Ops, s.Counts["quipu_taken_ops_total"], twice)
	if twice > s.Ops/10 {
		t.Errorf("%d of %d ops came twice", twice, s.Ops)
	}
	sameLogsThatVerify(t, members(hosts))
}

// TestNetnsStuckNode stops a node's process, as a debugger or a machine without memory does: its
// connections stay open and take nothing. The others go on without it, and it catches up once it runs
// again.
func TestNetnsStuckNode(t *testing.T) {
	requireNetns(t)
	t.Parallel()
	hosts := newHosts(t, 3)
	l := newLAN(t, 1)
	l.plugAll(hosts, 1)
	startHosts(hosts)
	allSee(t, members(hosts), 2)
	well, stuck := hosts[:2], hosts[2]
	stuck.signal(syscall.SIGSTOP)
	loadAll(well, "load", 10_000)
	converged(t, members(well))
	allSee(t, members(well), 1)
	stuck.signal(syscall.SIGCONT)
	allSee(t, members(hosts), 2)
	if all := sameLogsThatVerify(t, members(hosts)); len(all) != 20_000 {
		t.Errorf("%d entries, want 20,000", len(all))
	}
}
