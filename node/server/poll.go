package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/quipulog/quipu/eventlog"
)

// poll answers a tail once: with the entries that are there, or as soon as some are, and where the next call goes on. After
// wait it answers with none. Where it goes on may be behind entries that the query does not take.
func (s *server) poll(w http.ResponseWriter, r *http.Request, q eventlog.Query, wait time.Duration) {
	if err := s.checkTail(q); err != nil {
		s.refuse(w, r, err)
		return
	}
	limit, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	q.Order = eventlog.Arrival
	for {
		// Taken before reading, the channel is closed by whatever the reading does not see; all that is below the
		// bound it sees.
		changed, bound := s.log.Changed(), s.log.Stats().Next
		p, err := s.page(r.Context(), q)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		after := s.log.CursorAt(bound)
		if p.next != "" || p.behind > after.Offset {
			after.Offset = p.behind
		}
		if len(p.entries) > 0 || errors.Is(limit.Err(), context.DeadlineExceeded) {
			s.tellPage(w, r, p.entries, "after", after.String())
			return
		}
		q.After, q.FromOffset = after, 0
		select {
		case <-changed:
		case <-limit.Done():
			if err := r.Context().Err(); err != nil {
				s.refuse(w, r, err)
				return
			}
		}
	}
}
