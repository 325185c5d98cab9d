package gossiptest

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// pair names a link: one way from a host to another.
type pair struct{ from, to *Host }

// link is one way from a host to another. Its fields are guarded by the network's mutex.
type link struct {
	same    bool // from a host to itself: nothing happens on the way
	blocked bool
	rate    int       // bytes of streams a second; 0 for no limit
	free    time.Time // when what was written before is through, if there is a limit
	fate    *rand.Rand
	traffic Traffic
}

// Traffic is what one host has sent to another.
type Traffic struct {
	Packets     uint64 // sent, lost or not; copies are not counted
	PacketBytes uint64 // in them
	Lost        uint64 // packets that the link lost, or that were blocked
	StreamBytes uint64 // written to streams
	Dials       uint64 // streams opened
}

// Traffic returns what has been sent from one host to another.
func (n *Network) Traffic(from, to string) Traffic {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.link(n.must(from), n.must(to)).traffic
}

// delay draws how long something takes on the link. The caller holds the network's mutex.
func (n *Network) delay(l *link) time.Duration {
	if l.same || n.maxDelay == 0 {
		return 0
	}
	return n.minDelay + time.Duration(l.fate.Int64N(int64(n.maxDelay-n.minDelay)+1))
}

// through returns when size bytes that are written now have gone through the link's bandwidth. The
// caller holds the network's mutex.
func (l *link) through(size int) time.Time {
	now := time.Now()
	if l.rate == 0 || size == 0 {
		return now
	}
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(float64(size) / float64(l.rate) * float64(time.Second)))
	return l.free
}

// copies draws how many times a packet arrives: 0, 1 or 2. The caller holds the network's mutex.
func (n *Network) copies(l *link) int {
	switch {
	case l.same:
		return 1
	case l.blocked:
		return 0
	case n.loss > 0 && l.fate.Float64() < n.loss:
		return 0
	case n.duplication > 0 && l.fate.Float64() < n.duplication:
		return 2
	}
	return 1
}

// nameHash returns a number for a host's name.
func nameHash(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}
