package gossip

import (
	"context"
	"log/slog"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// tellOfDeaths tells the log which members have died since it was last called, and which are back. Only of
// one that was linked is it known that it did not say that it leaves.
func (s *state) tellOfDeaths(now time.Time) {
	for _, m := range s.g.members.Members() {
		c := s.calls[m.Author]
		died, was := s.dead[m.Author]
		switch gone := s.linkTo(m.Author) == nil && s.unlinked(m, now) == Dead; {
		case gone && !was && c != nil && c.met && len(s.dead) < maxCalls:
			s.dead[m.Author] = m.Since
			s.tellOf(m.Author, "member is dead", "name", m.Name, "addr", m.Addr)
		case !gone && was:
			delete(s.dead, m.Author)
			if s.left[m.Author].IsZero() {
				s.tellOf(m.Author, "member is back", "name", m.Name, "addr", m.Addr, "after", now.Sub(died).Round(time.Second))
			}
		}
	}
}

// tellOf warns of what has become of a member.
func (s *state) tellOf(a crdt.Author, what string, attrs ...any) {
	level := s.loops.Level(slog.LevelWarn, crdt.Author{}, time.Now())
	s.g.logger.Log(context.Background(), level, what, append([]any{"peer", a.Short()}, attrs...)...)
}
