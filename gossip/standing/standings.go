package standing

import (
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// maxGone bounds the peers that are remembered without a link.
const maxGone = 256

// Standing is where the present process of a peer stands with a feed.
type Standing struct {
	Author crdt.Author // whose node it is
	Member bool
	Linked bool
	Heard  time.Time // when it last said something of the feed; zero if it has not
	// Heads are those that it named, and of this node's own feed those that it was seen to share. They may be heads
	// that there are not.
	Heads []crdt.Head
	// Below is an offset here: of the feed, it has all that arrived before that.
	Below uint64
	// Told is an offset here: what arrived before that was here when it last said all that it has of the feed.
	Told uint64
	Shut bool // it takes no more of the author
	// Keeps is what it does not forget; nil if it has not said.
	Keeps *Keeps
}

// Standings is what all peers said. Its methods may be called from any goroutine.
type Standings struct {
	self crdt.Author // whose own feed is written here

	mu sync.Mutex
	// The fields below are guarded by mu.

	processes map[crdt.Author]*Process // by id
	latest    map[crdt.Author]*Process // by author, that which was last linked
	changed   chan struct{}            // closed at the next change; nil if nobody waits for it
}

// New returns standings of nobody, for a node that writes the feed of self.
func New(self crdt.Author) *Standings {
	return &Standings{self: self, processes: make(map[crdt.Author]*Process), latest: make(map[crdt.Author]*Process)}
}

// Linked takes note of a link to the process id of an author, and returns it. A process that was not known has said
// nothing yet, whatever those before it said. [Standings.Unlinked] is called when the link ends.
func (s *Standings) Linked(author, id crdt.Author) *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.processes[id]
	if p == nil {
		p = &Process{of: s, author: author, id: id, said: make(map[crdt.Author]saying)}
		s.processes[id] = p
	}
	p.links++
	if before := s.latest[author]; before != p {
		s.latest[author] = p
		if before != nil && before.links == 0 {
			delete(s.processes, before.id)
		}
	}
	s.change()
	return p
}

// Unlinked takes note that a link to a process has ended.
func (s *Standings) Unlinked(p *Process, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.links--; p.links > 0 {
		return
	}
	p.part(now)
	if s.latest[p.author] != p {
		delete(s.processes, p.id)
	}
	s.change()
	s.sweep()
}

// sweep forgets who has been without a link for longest, of too many. The caller holds the lock.
func (s *Standings) sweep() {
	gone, oldest := 0, (*Process)(nil)
	for _, p := range s.latest {
		if p.links == 0 {
			if gone++; oldest == nil || p.apart.Before(oldest.apart) {
				oldest = p
			}
		}
	}
	if gone > maxGone {
		delete(s.latest, oldest.author)
		delete(s.processes, oldest.id)
	}
}

// change wakes those who wait for a change. The caller holds the lock.
func (s *Standings) change() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// Changed returns a channel that is closed when a peer says something, or a link begins or ends.
func (s *Standings) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// Of returns where the peers stand with a feed, in no order.
func (s *Standings) Of(feed crdt.Author) []Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Standing, 0, len(s.latest))
	for a, p := range s.latest {
		at := p.at(feed)
		heard := p.last.at
		if said := p.said[feed].at; said.After(heard) {
			heard = said
		}
		all = append(all, Standing{
			Author: a, Linked: p.links > 0, Heard: heard, Heads: at.heads, Below: at.below, Told: at.told, Shut: p.shuts(feed), Keeps: p.keeps,
		})
	}
	return all
}
