package plumtree

import (
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// peerShare is the part of MaxMissing that one peer may fill: one in so many. It keeps a peer that
// names what does not exist from hiding what the others name.
const peerShare = 4

// IHave takes in that p has a message, head of author's feed, which is not held here. Hops is what
// stood beside it: over how many links the message would have come from p. The first announcement sets
// the timer. Where it ends is left to chance, since a break in the tree cuts off many nodes at once:
// when one has mended it, what was missing comes to the others before their timers end.
func (t *Tree) IHave(p, author crdt.Author, head crdt.Head, hops int, now time.Time) {
	n := t.peers[p]
	if n == nil {
		return
	}
	m := t.missing.find(author, head)
	if m == nil {
		if len(t.missing.timers) >= t.cfg.MaxMissing || n.began >= max(1, t.cfg.MaxMissing/peerShare) {
			return
		}
		wait := t.cfg.IHaveTimeout + time.Duration(t.cfg.Rand.Int64N(int64(t.cfg.IHaveTimeout)))
		m = &absent{author: author, head: head, first: n, since: now, due: now.Add(wait)}
		t.missing.add(m)
	}
	m.announce(p, hops)
}

// Has takes in that author's feed has grown, over whatever way: those missing messages of it that
// holds reports to be held are missing no more, and their timers end.
func (t *Tree) Has(author crdt.Author, holds func(crdt.Head) bool) {
	t.missing.removeFunc(author, holds)
}

// Missing returns how many messages are known by name only.
func (t *Tree) Missing() int { return len(t.missing.timers) }

// Next returns when [Tree.Tick] will next have something to do: the zero time for never.
func (t *Tree) Next() time.Time {
	if len(t.missing.timers) == 0 {
		return time.Time{}
	}
	return t.missing.timers[0].due
}

// Tick returns the grafts that are due. A message whose timer has run out is asked of the peer that
// named it first, or of one that is eager already, so that the tree is not mended twice. All else that
// the same peer named at least half an IHaveTimeout ago is asked for along with it, one Graft a feed. A
// message that nobody is left to be asked for is given up.
func (t *Tree) Tick(now time.Time) []Action {
	var actions []Action
	for len(t.missing.timers) > 0 {
		m := t.missing.timers[0]
		if m.due.After(now) {
			break
		}
		if len(m.announcements) == 0 {
			t.missing.remove(m)
			continue
		}
		actions = append(actions, t.graft(t.announcer(m), m, now)...)
	}
	return actions
}

// announcer returns whom to ask for m.
func (t *Tree) announcer(m *absent) crdt.Author {
	for _, a := range m.announcements {
		if t.Eager(a.peer) {
			return a.peer
		}
	}
	return m.announcements[0].peer
}

// graft asks p for m, and for all else that p has named and that is late.
func (t *Tree) graft(p crdt.Author, m *absent, now time.Time) []Action {
	t.Grafted(p)
	t.troubled = now
	actions := []Action{t.ask(p, m, now)}
	late := make(map[crdt.Author]*absent)
	for _, m := range t.missing.timers {
		if now.Sub(m.since) < t.cfg.IHaveTimeout/2 || !m.namedBy(p) {
			continue
		}
		if last := late[m.author]; last == nil || last.head.Compare(m.head) < 0 {
			late[m.author] = m
		}
	}
	for _, author := range slices.SortedFunc(maps.Keys(late), crdt.Author.Compare) {
		actions = append(actions, t.ask(p, late[author], now))
	}
	return actions
}

// ask sets the timers of m, which p is asked for, and of all else of the same feed that p has named
// and will send along with it.
func (t *Tree) ask(p crdt.Author, m *absent, now time.Time) Action {
	for _, other := range t.missing.feeds[m.author] {
		if other.namedBy(p) {
			other.retract(p)
			t.missing.wait(other, now.Add(t.cfg.GraftTimeout))
		}
	}
	return Action{Kind: Graft, Peer: p, Author: m.author, Head: m.head}
}
