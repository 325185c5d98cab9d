package backfill

import (
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Lacks reports whether somebody offers something of author that is not held here.
func (s *Schedule) Lacks(author crdt.Author) bool {
	l := s.lacks[author]
	return l != nil && len(l.offers) > 0
}

// Filling reports whether author is being asked for, or what was delivered of it waits to be placed.
func (s *Schedule) Filling(author crdt.Author) bool {
	l := s.lacks[author]
	return l != nil && (len(l.asks) > 0 || len(l.parked) > 0)
}

// Barred reports whether peer is not asked for author at present, since it did not make good what it
// claimed.
func (s *Schedule) Barred(peer, author crdt.Author, now time.Time) bool {
	p := s.known(peer)
	if p == nil {
		return false
	}
	a := p.avoided[author]
	return now.Before(p.barred) || now.Before(a.until) && a.regard == barred
}
