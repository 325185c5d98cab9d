package gossiptest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Network is a set of hosts and the links between them. Its methods may be called from any
// goroutine, at any time.
type Network struct {
	seed uint64

	mu sync.Mutex
	// The fields below, and those of everything on the network, are guarded by mu. No call is made
	// and nothing is waited for while it is held.

	hosts       []*Host // by order of naming: the n-th has address 10.0.n/256.n%256
	links       map[pair]*link
	streams     map[*stream]bool // open ones; both ends of each
	loss        float64
	duplication float64
	minDelay    time.Duration
	maxDelay    time.Duration
	changed     chan struct{} // closed and replaced when links are blocked or healed
}

// NewNetwork returns a network without hosts, whose links carry everything at once. The seed decides
// the fate of packets.
func NewNetwork(seed uint64) *Network {
	return &Network{
		seed:    seed,
		links:   map[pair]*link{},
		streams: map[*stream]bool{},
		changed: make(chan struct{}),
	}
}

// Host returns the host of a name, and makes it when the name is new.
func (n *Network) Host(name string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h := n.named(name); h != nil {
		return h
	}
	number := len(n.hosts) + 1
	h := &Host{
		net:       n,
		name:      name,
		addr:      netip.AddrFrom4([4]byte{10, 0, byte(number >> 8), byte(number)}),
		listeners: map[uint16]*listener{},
		sockets:   map[uint16]*socket{},
		nextPort:  firstFreePort,
	}
	n.hosts = append(n.hosts, h)
	return h
}

// SetLoss makes links lose the share p (0 to 1) of the packets from now on. Streams lose nothing.
func (n *Network) SetLoss(p float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.loss = p
}

// SetDuplication makes links deliver the share p (0 to 1) of the packets twice from now on.
func (n *Network) SetDuplication(p float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.duplication = p
}

// SetDelay makes everything sent from now on take between least and most. Each packet draws its own
// delay, so packets overtake each other unless least is most; what is written to a stream keeps its
// order. Between the sockets of one host there is no delay.
func (n *Network) SetDelay(least, most time.Duration) {
	if least < 0 || most < least {
		panic(fmt.Sprintf("gossiptest: delay between %s and %s", least, most))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.minDelay, n.maxDelay = least, most
}

// SetBandwidth makes the streams from one host to another carry so many bytes a second together from
// now on; 0 takes the limit away.
func (n *Network) SetBandwidth(from, to string, bytes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link(n.must(from), n.must(to)).rate = bytes
}

// Partition splits the hosts into groups that cannot reach each other. Hosts in no group are in one
// more, together. What was blocked before is forgotten.
func (n *Network) Partition(groups ...[]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	side := make(map[*Host]int)
	for i, names := range groups {
		for _, name := range names {
			side[n.must(name)] = i + 1
		}
	}
	for _, from := range n.hosts {
		for _, to := range n.hosts {
			n.link(from, to).blocked = side[from] != side[to]
		}
	}
	n.wakeAll()
}

// Block stops everything from one host to another, and nothing the other way.
func (n *Network) Block(from, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link(n.must(from), n.must(to)).blocked = true
	n.wakeAll()
}

// Heal unblocks every link. Streams go on where they stalled. Loss, duplication and delay stay.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.links {
		l.blocked = false
	}
	n.wakeAll()
}

// Reachable reports whether both ways between two hosts are open.
func (n *Network) Reachable(a, b string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.reachable(n.must(a), n.must(b))
}

// Cut resets every stream between two hosts. New ones can be dialled at once.
func (n *Network) Cut(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	x, y := n.must(a), n.must(b)
	for s := range n.streams {
		if s.host == x && s.peer.host == y || s.host == y && s.peer.host == x {
			s.end(os.NewSyscallError("read", syscall.ECONNRESET))
		}
	}
}

// Crash takes away every listener, socket and stream of a host, as when a process is killed. Its own
// calls return net.ErrClosed; its peers find their streams reset, once a reset can reach them. The
// host can be used again at once.
func (n *Network) Crash(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.must(name)
	for _, l := range h.listeners {
		l.shut()
	}
	for _, s := range h.sockets {
		s.shut()
	}
	for s := range n.streams {
		if s.host == h {
			s.crash()
		}
	}
}

// named returns the host of a name, nil if there is none. The caller holds mu.
func (n *Network) named(name string) *Host {
	i := slices.IndexFunc(n.hosts, func(h *Host) bool { return h.name == name })
	if i < 0 {
		return nil
	}
	return n.hosts[i]
}

// must returns the host of a name and panics when there is none: the test has a typing error. The
// caller holds mu.
func (n *Network) must(name string) *Host {
	h := n.named(name)
	if h == nil {
		panic(fmt.Sprintf("gossiptest: no host %q", name))
	}
	return h
}

// link returns the link from one host to another. The caller holds mu.
func (n *Network) link(from, to *Host) *link {
	key := pair{from, to}
	l := n.links[key]
	if l == nil {
		l = &link{
			same: from == to,
			fate: rand.New(rand.NewPCG(n.seed, nameHash(from.name)<<1^nameHash(to.name))),
		}
		n.links[key] = l
	}
	return l
}

// reachable reports whether both ways between two hosts are open. The caller holds mu.
func (n *Network) reachable(a, b *Host) bool {
	return !n.link(a, b).blocked && !n.link(b, a).blocked
}

// wakeAll wakes whoever waits for a link. The caller holds mu.
func (n *Network) wakeAll() {
	close(n.changed)
	n.changed = make(chan struct{})
	for s := range n.streams {
		s.wake()
	}
}
