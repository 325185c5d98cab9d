package integration

import (
	"testing"
	"time"
)

// TestNetnsManyNodes runs more nodes than link everyone, with 5 ms between each and the LAN. A node that
// is killed is missed by nobody but itself; in the end all hold all.
func TestNetnsManyNodes(t *testing.T) {
	requireNetns(t)
	t.Parallel()
	const n = 20
	hosts := newHosts(t, n)
	l := newLAN(t, 1)
	for i, h := range hosts {
		c := l.wire(h.space, "eth0", 1+i)
		h.at(l.addr(1 + i))
		c.weather(conditions{delay: 5 * time.Millisecond}, conditions{})
	}
	startHosts(hosts)
	allSee(t, members(hosts), n-1)
	loadAll(hosts, "load", 50)
	converged(t, members(hosts))
	hosts[n/2].kill()
	loadAll(hosts[:3], "while one is down", 50)
	converged(t, members(hosts[:3]))
	hosts[n/2].start()
	allSee(t, members(hosts), n-1)
	if all := sameLogsThatVerify(t, members(hosts)); len(all) != 50*n+150 {
		t.Errorf("%d entries, want %d", len(all), 50*n+150)
	}
}
