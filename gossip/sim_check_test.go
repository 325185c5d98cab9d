package gossip_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// simSettle is how long after a heal it may take, in fake time, until all hold the same. Measured: five
// seconds mostly, now and then half a minute.
const simSettle = 2 * time.Minute

// How long it may take until a node knows the end of its own feed.
const (
	simPatience   = time.Minute      // of an operator with those who are missing
	simCopyStands = 11 * time.Minute // a copy that was seen to write counts as running for 10 minutes
)

// Bounds of what a cluster at rest may keep.
const (
	simGoroutinesNode = 40 // of a node, and as many for the test; measured: 20
	simGoroutinesLink = 8  // of each end of a link; measured: 3
)

// check heals the network, starts what is down, waits until all hold the same and checks the
// invariants.
func (s *simulation) check() error {
	s.net.Heal()
	for _, n := range s.all() {
		for _, to := range s.names {
			s.net.SetBandwidth(n.name, to, 0)
		}
		n.writers.Wait()
		if err := n.start(); err != nil {
			return err
		}
	}
	s.trouble()
	if err := cmp.Or(s.outlast(), s.repent(), s.settle(), s.checkLogs(), s.checkViews(), s.checkMemory()); err != nil {
		return err
	}
	s.decided()
	return nil
}

// settle waits until frontiers are equal, copies have stopped and tails have caught up.
func (s *simulation) settle() error {
	began := time.Now()
	for {
		synctest.Wait() // tails have met what they must
		if err := cmp.Or(s.checkRunning(), s.noted()); err != nil {
			return err
		}
		waits := s.waitsFor()
		if waits == nil {
			s.slowest = max(s.slowest, time.Since(began))
			s.tell("   settled after %s", time.Since(began).Round(time.Millisecond))
			return nil
		}
		if time.Since(began) > simSettle {
			return waits
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// checkRunning reports a node that has ended by itself.
func (s *simulation) checkRunning() error {
	for _, n := range s.all() {
		select {
		case <-n.done:
			return brokenf(simRuns, "%s ended: %v", n.name, n.err)
		default:
		}
	}
	return nil
}

// honest returns the nodes whose key is theirs alone.
func (s *simulation) honest() []*simNode {
	return slices.DeleteFunc(s.all(), func(n *simNode) bool { return s.excused(n.author()) })
}

// waitsFor says what is not as it must become, or nil.
func (s *simulation) waitsFor() error {
	for _, n := range s.all() {
		if err := s.undecided(n); err != nil {
			return err
		}
	}
	first := s.honest()[0]
	root, frontier := first.log.Root(), first.log.Frontier()
	for _, n := range s.all() {
		switch {
		case !s.excused(n.author()) && n.log.Root() != root:
			return brokenf(simConverge, "%s and %s do not hold the same %s after the heal", first.name, n.name, simSettle)
		case s.excused(n.author()) && !n.agrees(frontier):
			return brokenf(simConverge, "%s, which was copied, does not agree with %s %s after the heal", n.name, first.name, simSettle)
		case n.tail.reached() != n.log.Stats().Next:
			return brokenf(simTails, "%s: the tail stands at %d of %d", n.name, n.tail.reached(), n.log.Stats().Next)
		}
	}
	return nil
}

// agrees reports whether a node with a second writer holds what the others do. Of its own feed it need
// not hold what it did not write, but all that it wrote has to be there.
func (n *simNode) agrees(others crdt.Frontier) bool {
	own := n.log.Frontier()
	for _, h := range own[n.author()] {
		if !slices.Contains(others[n.author()], h) {
			return false
		}
	}
	for a, heads := range others.All() {
		if a != n.author() && !slices.Equal(own[a], heads) {
			return false
		}
	}
	return true
}

// checkLogs verifies every log and every tail.
func (s *simulation) checkLogs() error {
	for _, n := range s.all() {
		report, err := n.log.Verify(context.Background())
		if err != nil || !report.OK() || report.Offences > 0 {
			return brokenf(simVerifies, "%s: %s %v %v", n.name, &report, err, report.Problems)
		}
		if err := n.tail.check(); err != nil {
			return err
		}
	}
	return nil
}

// simView is an entry as a node shows it.
type simView struct {
	simEntry
	sum      [32]byte // of the payload
	disputed bool
}

func (v simView) String() string {
	return fmt.Sprintf("%s/%d of op %s, disputed %v", v.author.Short(), v.seq, v.op, v.disputed)
}

// views returns the whole log of a node in author order.
func (n *simNode) views() ([]simView, error) {
	var all []simView
	for e, err := range n.log.Entries(context.Background(), eventlog.Query{}) {
		if err != nil {
			return nil, brokenf(simSame, "%s: %v", n.name, err)
		}
		all = append(all, simView{simEntry{e.Author, e.Seq, e.Op}, sha256.Sum256(e.Payload), e.Disputed})
	}
	return all, nil
}

// checkViews compares what the nodes show with each other and with what was acked.
func (s *simulation) checkViews() error {
	first := s.honest()[0]
	want, err := first.views()
	if err != nil {
		return err
	}
	for _, n := range s.all() {
		got, err := n.views()
		if err != nil {
			return err
		}
		if err := s.compareViews(first.name, want, n.name, got); err != nil {
			return err
		}
	}
	return nil
}

// compareViews compares the log of an honest node with that of another, and with what was acked.
func (s *simulation) compareViews(honest string, want []simView, other string, got []simView) error {
	return cmp.Or(s.nodes[other].sameViews(honest, slices.Clone(want), slices.Clone(got)), s.checkForks(want), s.checkAcked(want))
}

// sameViews compares the log of a node with that of another, less its own feed where it is copied.
func (n *simNode) sameViews(other string, want, got []simView) error {
	if n.sim.excused(n.author()) {
		mine := func(v simView) bool { return v.author == n.author() }
		want, got = slices.DeleteFunc(want, mine), slices.DeleteFunc(got, mine)
	}
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			return brokenf(simSame, "%s lacks %s, which %s has", n.name, want[i], other)
		case i >= len(want):
			return brokenf(simSame, "%s has %s, which %s lacks", n.name, got[i], other)
		case want[i] != got[i]:
			return brokenf(simSame, "%s has %s where %s has %s", n.name, got[i], other, want[i])
		}
	}
	return nil
}

// checkForks looks for places with two entries: there is an excuse for their author, and both are disputed.
func (s *simulation) checkForks(log []simView) error {
	for i, v := range log {
		twice := i > 0 && log[i-1].author == v.author && log[i-1].seq == v.seq
		switch {
		case twice && !s.excused(v.author):
			return brokenf(simForks, "two entries at %s/%d, without an excuse", v.author.Short(), v.seq)
		case twice && !(v.disputed && log[i-1].disputed):
			return brokenf(simForks, "two entries at %s/%d are not marked", v.author.Short(), v.seq)
		}
	}
	return nil
}

// checkAcked looks for every acked entry in a log that all have.
func (s *simulation) checkAcked(log []simView) error {
	type place struct {
		author crdt.Author
		seq    uint64
		sum    [32]byte
	}
	held := make(map[place]bool, len(log))
	for _, v := range log {
		held[place{v.author, v.seq, v.sum}] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.acked {
		if !held[place{a.author, a.seq, a.sum}] {
			return brokenf(simHeld, "%s took an entry as %s/%d that is not there", a.by, a.author.Short(), a.seq)
		}
	}
	return nil
}

// Bounds of the quiet after a check, in fake time.
const (
	simQuietFor = 5 * time.Second // must pass without ops on the network
	simQuietIn  = time.Minute     // how long it may take to get there
)

// checkQuiet waits until no ops are sent any more, and nobody thinks that it lacks something.
func (s *simulation) checkQuiet() error {
	var last uint64
	began := time.Now()
	for since := began; time.Since(since) < simQuietFor; time.Sleep(100 * time.Millisecond) {
		now, busy := uint64(0), error(nil)
		for _, n := range s.all() {
			now += n.Status().Counts.PayloadReceived
			for _, m := range n.Members() {
				if m.Behind > 0 {
					busy = brokenf(simQuiet, "%s is %d entries behind %s (%s) %s after all was settled", n.name, m.Behind, m.Name, m.Author.Short(), simQuietIn)
				}
			}
		}
		if now != last {
			busy = cmp.Or(busy, brokenf(simQuiet, "ops are still sent %s after all was settled", simQuietIn))
		}
		if busy != nil {
			last, since = now, time.Now()
		}
		if busy != nil && time.Since(began) > simQuietIn {
			return busy
		}
	}
	return s.noted()
}

// checkMemory counts what a cluster at rest keeps.
func (s *simulation) checkMemory() error {
	synctest.Wait()
	links := 0
	for _, n := range s.all() {
		members := n.Members()
		if len(members) >= len(s.names)+s.keys { // who wrote with another key before is dead to them
			return brokenf(simMemory, "%s knows %d members of %d", n.name, len(members), len(s.names)-1)
		}
		for _, m := range members {
			if m.Linked {
				links++
			}
		}
		if c := n.Status().Transport; c.Open > 8*len(s.names) || c.HalfOpen > 8*len(s.names) {
			return brokenf(simMemory, "%s has %d connections and %d half open", n.name, c.Open, c.HalfOpen)
		}
	}
	most := simGoroutinesNode*(len(s.names)+1) + simGoroutinesLink*links
	if now := runtime.NumGoroutine(); now > most {
		var stacks strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		return brokenf(simMemory, "%d goroutines with %d nodes and %d ends of links, expected at most %d\n%.8000s",
			now, len(s.names), links, most, stacks.String())
	}
	return nil
}
