package gossip

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wallclock"
)

// linked is who is linked, as the loop sees it.
type linked struct {
	links map[linkID]*peering
	peers map[crdt.Author][]*peering // the same by who is at the other end, in the order in which they came
	// ownEnds are the calls of AskOwnEnd that have not returned.
	ownEnds []*ownEndAsking
	copied  struct { // a copy of this node that was seen to write: when, and in words
		at  time.Time
		err error
	}
	// beyond is by peer an op of ours that it has sent, and that cannot be placed: the end of our feed lies beyond what is
	// here.
	beyond map[crdt.Author]crdt.Head
	// heardOf is when peers have last heard of members that this node knows itself and that are not there.
	heardOf map[crdt.Author]time.Time
}

// peering is a link as the loop sees it.
type peering struct {
	*link
	comparing
	knowing
}

func newLinked() *linked {
	return &linked{
		links: make(map[linkID]*peering), peers: make(map[crdt.Author][]*peering),
		beyond: make(map[crdt.Author]crdt.Head), heardOf: make(map[crdt.Author]time.Time),
	}
}

// linkTo returns the newest link to an author, nil if there is none.
func (k *linked) linkTo(a crdt.Author) *peering {
	if all := k.peers[a]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// peering returns how the loop sees a link, nil if it is not in any more.
func (k *linked) peering(l *link) *peering {
	if p := k.links[l.id]; p != nil && p.link == l {
		return p
	}
	return nil
}

// clockOff returns how this node's wall clock stands to those of all but another process of its own author.
func (k *linked) clockOff(self crdt.Author, now time.Time) ClockOff {
	var known []time.Duration
	for a := range k.peers {
		if off, measured := k.linkTo(a).clock.Off(now); measured && a != self {
			known = append(known, off)
		}
	}
	return wallclock.Vote(known)
}

// add takes a link in.
func (k *linked) add(p *peering) {
	k.links[p.id] = p
	k.peers[p.peer] = append(k.peers[p.peer], p)
}

// remove takes a link out.
func (k *linked) remove(p *peering) {
	delete(k.links, p.id)
	same := slices.DeleteFunc(k.peers[p.peer], func(other *peering) bool { return other == p })
	if k.peers[p.peer] = same; len(same) == 0 {
		delete(k.peers, p.peer)
	}
}
