package plumtree

import (
	"container/heap"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// maxAnnouncers bounds the peers that are remembered to have named one missing message.
const maxAnnouncers = 8

// missing holds the messages that peers have named and that have not come: by feed, and by timer.
type missing struct {
	feeds  map[crdt.Author][]*absent // sorted by head; no feed is empty
	timers timers
	made   uint64
}

// absent is a missing message with its timer.
type absent struct {
	author        crdt.Author
	head          crdt.Head
	announcements []announcement // the oldest first, at most one of a peer
	first         *peer          // who named it first, and has it on its account
	since         time.Time      // when it was first named
	due           time.Time
	order         uint64 // of two that are due at once, the older is first
	at            int    // its place among the timers
}

// announcement is one IHave.
type announcement struct {
	peer crdt.Author
	hops int
}

// find returns the message, nil if it is not missing.
func (s *missing) find(author crdt.Author, head crdt.Head) *absent {
	if at, found := s.search(author, head); found {
		return s.feeds[author][at]
	}
	return nil
}

func (s *missing) search(author crdt.Author, head crdt.Head) (at int, found bool) {
	return slices.BinarySearchFunc(s.feeds[author], head, func(m *absent, h crdt.Head) int { return m.head.Compare(h) })
}

// add puts in a message that is not in.
func (s *missing) add(m *absent) {
	s.made++
	m.order = s.made
	at, _ := s.search(m.author, m.head)
	s.feeds[m.author] = slices.Insert(s.feeds[m.author], at, m)
	heap.Push(&s.timers, m)
	m.first.began++
}

// remove takes out a message that is in.
func (s *missing) remove(m *absent) {
	at, _ := s.search(m.author, m.head)
	s.set(m.author, slices.Delete(s.feeds[m.author], at, at+1))
	s.release(m)
}

// removeFunc takes out the messages of a feed that gone says are missing no more.
func (s *missing) removeFunc(author crdt.Author, gone func(crdt.Head) bool) {
	s.set(author, slices.DeleteFunc(s.feeds[author], func(m *absent) bool {
		if !gone(m.head) {
			return false
		}
		s.release(m)
		return true
	}))
}

func (s *missing) set(author crdt.Author, feed []*absent) {
	if len(feed) == 0 {
		delete(s.feeds, author)
		return
	}
	s.feeds[author] = feed
}

func (s *missing) release(m *absent) {
	heap.Remove(&s.timers, m.at)
	m.first.began--
}

// wait sets the timer of m.
func (s *missing) wait(m *absent, due time.Time) {
	m.due = due
	heap.Fix(&s.timers, m.at)
}

// announce adds that p has the message, unless enough others have said so.
func (m *absent) announce(p crdt.Author, hops int) {
	for i := range m.announcements {
		if m.announcements[i].peer == p {
			m.announcements[i].hops = hops
			return
		}
	}
	if len(m.announcements) < maxAnnouncers {
		m.announcements = append(m.announcements, announcement{p, hops})
	}
}

// retract takes out what p has said of m.
func (m *absent) retract(p crdt.Author) {
	m.announcements = slices.DeleteFunc(m.announcements, func(a announcement) bool { return a.peer == p })
}

// namedBy reports whether p has said that it has the message.
func (m *absent) namedBy(p crdt.Author) bool {
	return slices.ContainsFunc(m.announcements, func(a announcement) bool { return a.peer == p })
}

// closest returns the oldest of the announcements with the fewest hops.
func (m *absent) closest() (best announcement, found bool) {
	for _, a := range m.announcements {
		if !found || a.hops < best.hops {
			best, found = a, true
		}
	}
	return best, found
}

// timers is a heap, the message that is due first at the top.
type timers []*absent

func (h timers) Len() int { return len(h) }

func (h timers) Less(i, j int) bool {
	if d := h[i].due.Compare(h[j].due); d != 0 {
		return d < 0
	}
	return h[i].order < h[j].order
}

func (h timers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push is for package heap only.
func (h *timers) Push(x any) {
	m := x.(*absent)
	m.at = len(*h)
	*h = append(*h, m)
}

// Pop is for package heap only.
func (h *timers) Pop() any {
	old := *h
	m := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return m
}
