package backfill

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// maxWaiting bounds the stretches of one feed that were pushed and wait to be placed.
const maxWaiting = 32

// Waiting takes in that entries of author from first up to next were pushed here and wait for those
// before them: they need not be asked for. Nobody has checked them yet.
func (s *Schedule) Waiting(author crdt.Author, first, next uint64, bytes int, now time.Time) {
	l := s.lacks[author]
	if l == nil {
		return
	}
	waiting := 0
	for i := range l.pending {
		p := &l.pending[i]
		if p.peer != nil {
			continue
		}
		if waiting++; p.next == first {
			p.next, p.bytes, p.at = next, p.bytes+int64(bytes), now
			s.account(l)
			return
		}
	}
	if waiting < maxWaiting {
		l.pending = append(l.pending, stretch{from: first, next: next, bytes: int64(bytes), at: now})
		s.account(l)
	}
}

// Unwaited takes note that what was pushed of author and waited was not what it seemed to be.
func (s *Schedule) Unwaited(author crdt.Author) {
	if l := s.lacks[author]; l != nil {
		l.pending = slices.DeleteFunc(l.pending, func(p stretch) bool { return p.peer == nil })
		s.account(l)
	}
}
