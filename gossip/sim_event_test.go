package gossip_test

import (
	"fmt"
	"strings"
	"time"
)

// event is something that happens in a simulation. Its text says so in words. Its error is an invariant
// that broke.
type event interface {
	fmt.Stringer
	do(s *simulation) error
}

// appendEvent: a node appends a batch of entries with payloads of about size bytes.
type appendEvent struct {
	node    string
	entries int
	size    int
}

func (e appendEvent) String() string {
	return fmt.Sprintf("%s appends %d entries of %d bytes", e.node, e.entries, e.size)
}

func (e appendEvent) do(s *simulation) error { return s.nodes[e.node].append(e.entries, e.size) }

// burstEvent: several writers of a node append at once, each some entries, one by one.
type burstEvent struct {
	node    string
	writers int
	each    int
}

func (e burstEvent) String() string {
	return fmt.Sprintf("%d writers of %s append %d entries each", e.writers, e.node, e.each)
}

func (e burstEvent) do(s *simulation) error {
	n := s.nodes[e.node]
	for i := range e.writers {
		n.writers.Go(func() {
			for range e.each {
				time.Sleep(time.Duration(i+1) * time.Millisecond)
				s.note(n.append(1, 20))
			}
		})
	}
	return nil
}

// trouble takes note that the network is not what it was.
func (s *simulation) trouble() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubled = time.Now()
}

// weatherEvent: all links lose, double and delay from now on.
type weatherEvent struct {
	loss, duplication float64
	least, most       time.Duration
}

func (e weatherEvent) String() string {
	return fmt.Sprintf("weather: %.0f %% lost, %.0f %% doubled, delayed by %s to %s", 100*e.loss, 100*e.duplication, e.least, e.most)
}

func (e weatherEvent) do(s *simulation) error {
	s.trouble()
	s.net.SetLoss(e.loss)
	s.net.SetDuplication(e.duplication)
	s.net.SetDelay(e.least, e.most)
	return nil
}

// partitionEvent: the nodes are split into sides that cannot reach each other.
type partitionEvent struct{ sides [][]string }

func (e partitionEvent) String() string {
	var sides []string
	for _, side := range e.sides {
		sides = append(sides, strings.Join(side, " "))
	}
	return "partition: " + strings.Join(sides, " | ")
}

func (e partitionEvent) do(s *simulation) error {
	s.trouble()
	s.net.Partition(e.sides...)
	return nil
}

// blockEvent: nothing gets from one node to another, one way.
type blockEvent struct{ from, to string }

func (e blockEvent) String() string { return fmt.Sprintf("nothing gets from %s to %s", e.from, e.to) }

func (e blockEvent) do(s *simulation) error {
	s.trouble()
	s.net.Block(e.from, e.to)
	return nil
}

// healEvent: everybody can reach everybody.
type healEvent struct{}

func (healEvent) String() string { return "all links carry again" }

func (healEvent) do(s *simulation) error {
	s.trouble()
	s.net.Heal()
	return nil
}

// cutEvent: the connections between two nodes are reset.
type cutEvent struct{ a, b string }

func (e cutEvent) String() string { return fmt.Sprintf("connections of %s and %s are reset", e.a, e.b) }

func (e cutEvent) do(s *simulation) error {
	s.trouble()
	s.net.Cut(e.a, e.b)
	return nil
}

// slowEvent: what a node sends another on streams takes its time, until the next check.
type slowEvent struct {
	from, to string
	rate     int // bytes a second
}

func (e slowEvent) String() string {
	return fmt.Sprintf("streams from %s to %s carry %d bytes a second", e.from, e.to, e.rate)
}

func (e slowEvent) do(s *simulation) error {
	s.trouble()
	s.net.SetBandwidth(e.from, e.to, e.rate)
	return nil
}

// jumpEvent: the clock that a node's log reads jumps. Timers go on as they did, as they do in the world.
type jumpEvent struct {
	node string
	by   time.Duration
}

func (e jumpEvent) String() string { return fmt.Sprintf("the clock of %s jumps by %s", e.node, e.by) }

func (e jumpEvent) do(s *simulation) error {
	s.nodes[e.node].skew.Add(int64(e.by))
	return nil
}

// crashEvent: a node loses its power in the middle of a commit. The seed decides what is left of it.
type crashEvent struct {
	node string
	seed uint64
}

func (e crashEvent) String() string { return e.node + " loses its power" }

func (e crashEvent) do(s *simulation) error { return s.nodes[e.node].crash(e.seed) }

// stopEvent: a node is stopped cleanly.
type stopEvent struct{ node string }

func (e stopEvent) String() string { return e.node + " is stopped" }

func (e stopEvent) do(s *simulation) error { return s.nodes[e.node].stop() }

// startEvent: a node that is down is started.
type startEvent struct{ node string }

func (e startEvent) String() string { return e.node + " is started" }

func (e startEvent) do(s *simulation) error { return s.nodes[e.node].start() }

// cloneEvent: a node's folder is copied to another machine while it runs, and both write.
type cloneEvent struct{ node, twin string }

func (e cloneEvent) String() string {
	return fmt.Sprintf("%s is copied to %s, and both write", e.node, e.twin)
}

func (e cloneEvent) do(s *simulation) error { return s.clone(e.node, e.twin) }

// checkEvent: the network heals, everybody is started, and once all is quiet the invariants must hold.
type checkEvent struct{}

func (checkEvent) String() string { return "heal, start what is down, settle, check" }

func (checkEvent) do(s *simulation) error { return s.check() }

// quietEvent: after a check, when nobody writes, nothing is sent again and nobody lacks anything.
type quietEvent struct{}

func (quietEvent) String() string { return "nobody writes: all is quiet" }

func (quietEvent) do(s *simulation) error { return s.checkQuiet() }
