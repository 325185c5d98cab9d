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

// Claims reports whether peer offers something of author that has not come, and whether that is a branch
// beside what is held rather than what comes after it.
func (s *Schedule) Claims(peer, author crdt.Author) (claimed, fork bool) {
	p := s.known(peer)
	if p == nil || p.offers[author] == nil {
		return false, false
	}
	return true, p.offers[author].fork
}

// Filling reports whether author is being asked for, or what was delivered of it waits to be placed.
func (s *Schedule) Filling(author crdt.Author) bool {
	l := s.lacks[author]
	return l != nil && (len(l.asks) > 0 || len(l.pending) > 0)
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
