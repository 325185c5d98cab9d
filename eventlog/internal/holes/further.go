package holes

import (
	"cmp"
	"slices"

	"github.com/quipulog/quipu/crdt"
)

// Of more holes than may be known, some are known at a time, in turn: by author and end, and after the last from the first
// on. In the place of those that are let go, a feed has a rest.
//
//	░ ░ ░ ░ ░ ░ ░ ░ ░ ░ ░ ░
//	  rest  ├─known─┤ rest
//	        at      first

// Further lets all holes go that are known, where there are more than may be known: others are looked for, in turn, from
// the first on that was not known. It does so if those known are the ones that were asked for, or from the first of all
// on where none are named. It returns how often all have been gone through; where there are no others, that is each time.
func (m *Marks) Further(asked []crdt.Span) (round uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case asked == nil:
		m.at, m.turns = crdt.Head{}, crdt.Author{}
	case !slices.Equal(asked, m.all()):
		return m.round
	case m.rests == 0:
		m.round++
		return m.round
	default:
		m.turn()
	}
	if m.rests > 0 {
		m.letGo()
	}
	return m.round
}

// turn moves on to the first hole that is not known.
func (m *Marks) turn() {
	m.line = nil
	a, f := m.inTurn()
	if f.first.Compare(m.at) < 0 && a == m.turns { // what is left of it comes after all others
		m.line = append(m.line, a)
		a, f = m.inTurn()
	}
	if cmp.Or(a.Compare(m.turns), f.first.Compare(m.at)) < 0 {
		m.round++
	}
	m.at, m.turns = f.first, a
}

// letGo has nothing be known of holes but where they are.
func (m *Marks) letGo() {
	m.least, m.line = max(m.least, m.held), nil
	for _, f := range m.feeds {
		if len(f.holes) > 0 {
			m.leave(f, f.holes)
			m.count.Add(-int64(len(f.holes)))
			f.holes, f.first = nil, crdt.Head{}
		}
	}
	m.held = 0
}

// leave adds holes, of which there is one at least, to the rest of their feed.
func (m *Marks) leave(f *marks, holes []crdt.Span) {
	if f.rest.Upto == 0 {
		m.rests++
		m.count.Add(1)
		f.rest = Stretch{From: holes[0].From, Upto: holes[0].Upto}
	}
	for _, h := range holes {
		f.rest = Stretch{From: min(f.rest.From, h.From), Upto: max(f.rest.Upto, h.Upto)}
	}
}

// inTurn returns the next feed with a rest, of which there is one.
func (m *Marks) inTurn() (crdt.Author, *marks) {
	for {
		if len(m.line) == 0 {
			for a, f := range m.feeds {
				if f.rest.Upto > 0 {
					m.line = append(m.line, a)
				}
			}
			slices.SortFunc(m.line, crdt.Author.Compare)
			i, _ := slices.BinarySearchFunc(m.line, m.turns, crdt.Author.Compare)
			m.line = slices.Concat(m.line[i:], m.line[:i])
		}
		a := m.line[0]
		m.line = m.line[1:]
		if f := m.feeds[a]; f != nil && f.rest.Upto > 0 {
			return a, f
		}
	}
}

// ordered returns holes of a's feed as they are to be known: those first that are known, and then in turn.
func (m *Marks) ordered(a crdt.Author, holes []crdt.Span, known map[crdt.Head]bool) []crdt.Span {
	rank := func(h crdt.Span) int {
		switch {
		case known[h.Head]:
			return 0
		case a != m.turns || h.Head.Compare(m.at) >= 0:
			return 1
		}
		return 2
	}
	return slices.SortedFunc(slices.Values(holes), func(g, h crdt.Span) int {
		return cmp.Or(cmp.Compare(rank(g), rank(h)), g.Head.Compare(h.Head))
	})
}

// Left returns where one hole is, how many are known, and whether there are others. Those that were let go count until
// others are known in the place of them.
func (m *Marks) Left() (one crdt.Place, n int, more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for a, f := range m.feeds {
		from := f.rest.From
		if len(f.holes) > 0 {
			from = f.holes[0].From
		}
		some := len(f.holes) > 0 || f.rest.Upto > 0
		if some && (one.Author.IsZero() || a.Compare(one.Author) < 0) {
			one = crdt.Place{Author: a, Seq: from}
		}
	}
	return one, max(m.held, m.least), m.rests > 0 || m.least > m.held
}
