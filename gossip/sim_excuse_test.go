package gossip_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// simAware is how long two nodes have been up, and the network quiet, when the one is expected to know of the other.
const simAware = 30 * time.Second

// excuse takes note of why an author may have written twice at one place. Without one that is a fault.
func (s *simulation) excuse(a crdt.Author, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.excuses[a] == "" {
		s.excuses[a] = why
	}
}

func (s *simulation) excused(a crdt.Author) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.excuses[a] != ""
}

// holds returns before which seq a node holds a feed, up or down. The caller holds mu.
func (n *simNode) holds(a crdt.Author) uint64 {
	if n.open != nil {
		return n.open.Feed(a).Next()
	}
	var next uint64
	for _, h := range n.left[a] {
		next = max(next, h.Next)
	}
	return next
}

// frontier returns what a node holds, up or down. The caller holds mu.
func (n *simNode) frontier() crdt.Frontier {
	if n.open != nil {
		return n.open.Frontier()
	}
	return n.left
}

// aware reports whether two nodes have had the time to hear of each other.
func (s *simulation) aware(a, b *simNode) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	return a.open != nil && b.open != nil && now.Sub(a.upSince) > simAware && now.Sub(b.upSince) > simAware &&
		now.Sub(s.troubled) > simAware && s.net.Reachable(a.name, b.name)
}

// twins returns the other nodes that have the same key.
func (s *simulation) twins(n *simNode) (all []*simNode) {
	return slices.DeleteFunc(s.all(), func(m *simNode) bool { return m == n || m.author() != n.author() })
}

// simWatched is whom the log of a node asks, with each answer checked.
type simWatched struct {
	eventlog.AskedPeers
	node *simNode
}

func (w *simWatched) OwnEnd(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
	r, err := w.AskedPeers.OwnEnd(ctx, why)
	switch {
	case why.Why.Soft():
		w.node.endsSoftly(r, err)
	case err == nil:
		w.node.sim.note(w.node.ends(r))
	}
	return r, err
}

// ends checks that a node that takes its feed up leaves nothing behind that anybody holds who could be asked.
func (n *simNode) ends(r eventlog.Recovery) error {
	s, author := n.sim, n.author()
	for _, twin := range s.twins(n) {
		if s.aware(n, twin) {
			return brokenf(simEnds, "%s takes its feed up at %d, while %s runs with the same key", n.name, r.End.Next, twin.name)
		}
		s.excuse(author, "a copy that cannot be reached")
	}
	for _, m := range s.more(n, r.End.Next) {
		switch {
		case s.excused(author):
		case m.lie.Load().tellsOf(author):
			s.excuse(author, "who holds the end of its feed lies")
		case slices.Contains(r.Without, m.author()), n.word.Load(), s.late(n):
			s.excuse(author, "the operator's word")
		case !s.known(n, m):
			s.excuse(author, "nobody knows of who holds the end of its feed")
		default:
			return brokenf(simEnds, "%s takes its feed up at %d, and %s holds more of it", n.name, r.End.Next, m.name)
		}
	}
	return nil
}

// late reports whether a node has waited as long as it waits for anybody.
func (s *simulation) late(n *simNode) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sc.after > 0 && time.Since(n.upSince) > s.sc.after
}

// endsSoftly takes note of a node that goes on since one peer is enough for it, and that one did not have the end.
func (n *simNode) endsSoftly(r eventlog.Recovery, err error) {
	end := n.log.Feed(n.author()).Next()
	more := n.sim.more(n, end)
	asked := func(m *simNode) bool { return m.lie.Load() == nil && slices.Contains(r.Asked, m.author()) }
	if len(more) > 0 && (err != nil || !slices.ContainsFunc(more, asked)) {
		n.sim.excuse(n.author(), "rolled back, and who was asked did not see it")
	}
}

// more returns the nodes that hold more of a node's feed than up to next, but for those with its key.
func (s *simulation) more(n *simNode, next uint64) (all []*simNode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.all() {
		if m.author() != n.author() && m.holds(n.author()) > next {
			all = append(all, m)
		}
	}
	return all
}

// known reports whether a node has heard of another, or somebody has who is up and can be reached.
func (s *simulation) known(n, of *simNode) bool {
	for _, m := range s.all() {
		s.mu.Lock()
		g, met := m.running, m.met
		s.mu.Unlock()
		if m == of || m != n && (g == nil || !s.net.Reachable(m.name, n.name)) {
			continue
		}
		for _, r := range met {
			if r.Author == of.author() {
				return true
			}
		}
		if g == nil {
			continue
		}
		for _, member := range g.Members() {
			if member.Author == of.author() {
				return true
			}
		}
	}
	return false
}

// undecided says what a node does not know yet of its own feed that it must know by now, or nil.
func (s *simulation) undecided(n *simNode) error {
	mute := n.log.Health().Mute
	second := errors.Is(mute, eventlog.ErrSecondWriter)
	twins := slices.DeleteFunc(s.twins(n), func(m *simNode) bool { return m.log == nil })
	switch {
	case s.forked(n.author()) && !second:
		return brokenf(simCopies, "%s still appends %s after the heal", n.name, simSettle)
	case second || s.forked(n.author()):
		return nil
	case len(twins) == 0 && mute != nil:
		return brokenf(simEnds, "%s does not append %s after the heal: %v", n.name, simSettle, mute)
	case mute == nil && slices.ContainsFunc(twins, func(m *simNode) bool { return m.log.Health().Mute == nil }):
		return brokenf(simCopies, "%s and another with its key append %s after the heal", n.name, simSettle)
	}
	return nil
}

// forked reports whether any node holds two branches of a feed.
func (s *simulation) forked(a crdt.Author) bool {
	return slices.ContainsFunc(s.all(), func(n *simNode) bool {
		_, forked := n.log.Feed(a).Disputed()
		return forked
	})
}

// decided forgets the doubts about feeds that have come to nothing.
func (s *simulation) decided() {
	for _, n := range s.all() {
		if !s.forked(n.author()) && len(s.twins(n)) == 0 {
			n.unsure.Store(false)
			s.mu.Lock()
			delete(s.excuses, n.author())
			s.mu.Unlock()
		}
	}
}

// outlast waits until those who lie hold nobody up: once they are left out, at the latest. By then all can be reached.
func (s *simulation) outlast() error {
	told := s.sc.after > 0
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if err := errors.Join(s.checkRunning(), s.noted()); err != nil {
			return err
		}
		held := slices.DeleteFunc(s.all(), func(n *simNode) bool {
			return len(s.twins(n)) > 0 || n.log.Health().Mute == nil || errors.Is(n.log.Health().Mute, eventlog.ErrSecondWriter)
		})
		switch past := time.Since(began); {
		case len(held) == 0:
			return nil
		case past > simSettle+s.sc.after+simCopyStands:
			return brokenf(simEnds, "%s does not append %s after the heal: %v", held[0].name, past, held[0].log.Health().Mute)
		case past > simPatience && !told:
			told = true
			for _, n := range held {
				s.tell("   the operator of %s goes on without who is missing", n.name)
				n.without()
			}
		}
	}
}
