package backfill

// check holds the schedule against its bounds.
func (m *model) check() {
	m.t.Helper()
	s, cfg := m.sched, m.sched.cfg
	live, cost := 0, int64(0)
	for _, a := range s.asks {
		if !a.givenUp {
			live++
		}
	}
	for _, l := range s.lacks {
		cost += l.cost
		if most := int64(cfg.SpanBytes) * int64(cfg.Window+1); l.cost > most {
			m.t.Fatalf("spans of one author take up %d bytes, more than %d", l.cost, most)
		}
		m.checkOverlap(l)
	}
	if live != s.live || live > cfg.All {
		m.t.Fatalf("%d asks are live, %d counted, at most %d allowed", live, s.live, cfg.All)
	}
	if cost != s.cost {
		m.t.Fatalf("%d bytes are counted for spans, and they take up %d", s.cost, cost)
	}
	for _, p := range s.peers {
		if len(p.asks) > cfg.PerPeer {
			m.t.Fatalf("%d asks of one peer", len(p.asks))
		}
	}
}

// checkOverlap fails when two asks of an author are about the same.
func (m *model) checkOverlap(l *lack) {
	m.t.Helper()
	for i, a := range l.asks {
		for _, b := range l.asks[:i] {
			if a.Span == nil || b.Span == nil || max(a.reached, a.Span.From) < b.Span.Upto && max(b.reached, b.Span.From) < a.Span.Upto {
				m.t.Fatalf("asked twice for the same: %+v and %+v", a.Span, b.Span)
			}
		}
	}
}
