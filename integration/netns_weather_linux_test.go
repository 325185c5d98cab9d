package integration

import (
	"sync"
	"testing"
	"time"
)

// loadAll appends to all hosts at once.
func loadAll(hosts []*host, kind string, n int) {
	var wg sync.WaitGroup
	for _, h := range hosts {
		wg.Go(func() { h.load(kind, n) })
	}
	wg.Wait()
}

// TestNetnsDelayAndLoss runs five nodes, each behind 40 ms ± 10 ms and with 2 % of what it sends lost,
// some of it doubled and out of order. Load on all of them reaches all of them, and no lag is left.
func TestNetnsDelayAndLoss(t *testing.T) {
	requireNetns(t)
	t.Parallel()
	hosts := newHosts(t, 5)
	l := newLAN(t, 1)
	for i, h := range hosts {
		c := l.wire(h.space, "eth0", 1+i)
		h.at(l.addr(1 + i))
		c.weather(conditions{delay: 40 * time.Millisecond, jitter: 10 * time.Millisecond, loss: 0.02, duplicate: 0.01, reorder: 0.01}, conditions{})
	}
	startHosts(hosts)
	allSee(t, members(hosts), 4)
	loadAll(hosts, "load", 500)
	converged(t, members(hosts))
	noLag(t, members(hosts))
	all := sameLogsThatVerify(t, members(hosts))
	if len(all) != 5*500 {
		t.Errorf("%d entries, want %d", len(all), 5*500)
	}
}

// TestNetnsOneWayLoss breaks one direction of one node's cable: first it loses a third of what it
// sends, then all, while it still hears the others. They do not wait for it, and it catches up when it
// can be heard again.
func TestNetnsOneWayLoss(t *testing.T) {
	requireNetns(t)
	t.Parallel()
	hosts := newHosts(t, 3)
	l := newLAN(t, 1)
	l.plugAll(hosts[:2], 1)
	mute := hosts[2]
	c := l.wire(mute.space, "eth0", 3)
	mute.at(l.addr(3))
	startHosts(hosts)
	allSee(t, members(hosts), 2)

	c.weather(conditions{loss: 0.3}, conditions{})
	loadAll(hosts, "hard of hearing", 100)
	converged(t, members(hosts))

	c.weather(conditions{loss: 1}, conditions{})
	loadAll(hosts, "mute", 100)
	allSee(t, members(hosts[:2]), 1)
	converged(t, members(hosts[:2]))
	if got := hosts[0].status().Entries; got != 500 {
		t.Errorf("the others hold %d entries, want 500: all but the last 100 of the mute node", got)
	}

	c.weather(conditions{}, conditions{})
	allSee(t, members(hosts), 2)
	if all := sameLogsThatVerify(t, members(hosts)); len(all) != 600 {
		t.Errorf("%d entries, want 600", len(all))
	}
}

// TestNetnsPartition cuts the trunk between two bridges with three and two nodes. Both sides notice, and
// go on; healed, all hold what either side wrote.
func TestNetnsPartition(t *testing.T) {
	requireNetns(t)
	t.Parallel()
	hosts := newHosts(t, 5)
	left, right := newLAN(t, 1), newLAN(t, 1)
	cut, heal := trunk(left, right)
	left.plugAll(hosts[:3], 1)
	right.plugAll(hosts[3:], 4)
	startHosts(hosts)
	allSee(t, members(hosts), 4)
	loadAll(hosts, "before", 100)
	converged(t, members(hosts))

	cut()
	loadAll(hosts, "apart", 100)
	allSee(t, members(hosts[:3]), 2)
	allSee(t, members(hosts[3:]), 1)
	converged(t, members(hosts[:3]))
	converged(t, members(hosts[3:]))
	if l, r := hosts[0].status().Entries, hosts[4].status().Entries; l != 800 || r != 700 {
		t.Errorf("the sides hold %d and %d entries, want 800 and 700", l, r)
	}

	heal()
	allSee(t, members(hosts), 4)
	if all := sameLogsThatVerify(t, members(hosts)); len(all) != 1000 {
		t.Errorf("%d entries, want 1000", len(all))
	}
}
