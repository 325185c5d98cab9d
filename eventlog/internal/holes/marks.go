package holes

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/quipulog/quipu/crdt"
)

// Most bounds the holes that are known, and mostLooks the stretches of a feed that are to be looked at. What is beyond is
// looked for once half of the holes that are known are no more, or [Marks.Further] lets them go; stretches that are more
// become one.
const (
	Most      = 10_000
	mostLooks = 64
)

// Filled is a stretch of a feed that was put back.
type Filled struct {
	Author crdt.Author
	Stretch
}

// Marks are the holes of a log that are known, and where there may be others. The zero Marks are of a log without any.
// Its methods may be called from any goroutine.
type Marks struct {
	mu    sync.Mutex
	feeds map[crdt.Author]*marks
	count atomic.Int64 // of holes and stretches
	some  atomic.Bool  // there were some since the last call of Cleared
	// What follows is guarded by mu.
	held  int           // holes
	rests int           // feeds with a rest
	told  bool          // that there are some
	at    crdt.Head     // from where on the rest of turns is looked at, which begins again at the end
	turns crdt.Author   // whose feed comes first of those with a rest, in turn
	line  []crdt.Author // feeds that may have a rest, in turn; empty if that is not known
	round uint64        // how often all were gone through
	least int           // holes that there were when they were let go, until those in place of them are known
}

// marks are those of one feed.
type marks struct {
	look  []Stretch   // where there may be holes that are not known
	holes []crdt.Span // ascending by end
	rest  Stretch     // where there are more, to be looked at once there is room; empty for none
	first crdt.Head   // the first hole of the rest, in turn; zero for the beginning of the feed
	turn  uint64      // counts what was put back
}

// Met takes note that an op of a's at a seq cannot be read, or that none is there, and reports whether that is the first
// mark.
func (m *Marks) Met(a crdt.Author, seq uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.covers(a, seq) {
		return false
	}
	m.look(m.of(a), Stretch{From: seq, Upto: seq + 1})
	return m.count.Load() == 1
}

// look takes note of a stretch. The caller holds the lock.
func (m *Marks) look(f *marks, s Stretch) {
	if slices.Contains(f.look, s) {
		return
	}
	if m.count.Add(1); len(f.look) == mostLooks {
		for _, o := range f.look {
			s = Stretch{From: min(s.From, o.From), Upto: max(s.Upto, o.Upto)}
		}
		m.count.Add(-mostLooks)
		f.look = f.look[:0]
	}
	f.look = append(f.look, s)
	m.some.Store(true)
}

// Overfull reports, once each time, whether there are more holes than may be known: those are looked for later.
func (m *Marks) Overfull() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	tell := m.rests > 0 && !m.told
	m.told = m.rests > 0
	return tell
}

// Cleared reports whether there are no marks any more, once after there were some.
func (m *Marks) Cleared() bool { return m.count.Load() == 0 && m.some.Swap(false) }

// Covers reports whether an op of a's at a seq is in a hole, or may be.
func (m *Marks) Covers(a crdt.Author, seq uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.covers(a, seq)
}

func (m *Marks) covers(a crdt.Author, seq uint64) bool {
	f := m.feeds[a]
	return f != nil && (slices.ContainsFunc(f.holes, func(h crdt.Span) bool { return h.From <= seq && seq < h.Upto }) ||
		slices.ContainsFunc(f.look, func(s Stretch) bool { return s.From <= seq && seq < s.Upto }) || f.rest.From <= seq && seq < f.rest.Upto)
}

// Open takes note of the authors of whose feeds a file says that something cannot be read, one after the other in b.
func (m *Marks) Open(b []byte) {
	for a := range slices.Chunk(b, len(crdt.Author{})) {
		if len(a) < len(crdt.Author{}) {
			continue
		}
		m.Look(crdt.Author(a), Stretch{Upto: crdt.MaxSeq})
	}
}

// Kept returns what [Marks.Open] is to be told.
func (m *Marks) Kept() (b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range slices.SortedFunc(maps.Keys(m.feeds), crdt.Author.Compare) {
		b = append(b, a[:]...)
	}
	return b
}

// Look takes note that there may be holes in a stretch of a's feed.
func (m *Marks) Look(a crdt.Author, s Stretch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.look(m.of(a), s)
}

// Again has all holes that are known looked at once more.
func (m *Marks) Again() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.feeds {
		for _, h := range f.holes {
			m.look(f, Stretch{From: h.From, Upto: h.Upto})
		}
	}
}

// of returns the marks of a feed for changing.
func (m *Marks) of(a crdt.Author) *marks {
	if m.feeds == nil {
		m.feeds = make(map[crdt.Author]*marks)
	}
	f := m.feeds[a]
	if f == nil {
		f = &marks{}
		m.feeds[a] = f
	}
	return f
}

// tidy forgets a feed without marks.
func (m *Marks) tidy(a crdt.Author) {
	if f := m.feeds[a]; f != nil && len(f.look)+len(f.holes) == 0 && f.rest.Upto == 0 {
		delete(m.feeds, a)
	}
}

// Any reports whether a feed of a has holes, or may have.
func (m *Marks) Any(a crdt.Author) bool {
	if m.count.Load() == 0 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.feeds[a] != nil
}

// Of returns the holes of a's feed that are known.
func (m *Marks) Of(a crdt.Author) []crdt.Span {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.feeds[a]; f != nil {
		return slices.Clone(f.holes)
	}
	return nil
}

// Parts reports whether an op has the last seq of a hole, and is not the one that was there: the author has forked.
func (m *Marks) Parts(op crdt.Op) bool {
	return slices.ContainsFunc(m.Of(op.Author), func(h crdt.Span) bool {
		return op.First < h.Upto && h.Upto <= op.Next() && op.ID != h.Head.ID
	})
}

// Filled takes note that ops of a stretch were put back: what is left of the holes there is to be looked for. Until then
// they stay, since what leads to their ends is what they lacked.
func (m *Marks) Filled(a crdt.Author, s Stretch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.of(a)
	f.turn++
	for _, h := range f.holes {
		if h.From < s.Upto && s.From < h.Upto {
			m.look(f, Stretch{From: h.From, Upto: h.Upto})
		}
	}
	m.tidy(a)
}

// Forgotten takes note that what lies below a seq of a's feed is not held any more: there are no holes there. A look that is
// under way does not know that.
func (m *Marks) Forgotten(a crdt.Author, below uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.feeds[a]
	if f == nil {
		return
	}
	f.turn++
	m.count.Add(-int64(len(f.look) + len(f.holes)))
	m.held -= len(f.holes)
	f.look = slices.DeleteFunc(f.look, func(s Stretch) bool { return s.Upto <= below })
	f.holes = slices.DeleteFunc(f.holes, func(h crdt.Span) bool { return h.Upto <= below })
	m.held += len(f.holes)
	m.count.Add(int64(len(f.look) + len(f.holes)))
	if f.rest.Upto > 0 && f.rest.Upto <= below {
		f.rest, m.rests = Stretch{}, m.rests-1
		m.count.Add(-1)
	}
	m.tidy(a)
}

// Next returns a stretch that is to be looked at, if there is one, and a number that [Marks.Looked] is told. Where there are
// more holes than may be known, that is once half of them are no more.
func (m *Marks) Next() (a crdt.Author, s Stretch, turn uint64, found bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count.Load() > int64(m.held+m.rests) {
		for a, f := range m.feeds {
			if len(f.look) > 0 {
				return a, f.look[0], f.turn, true
			}
		}
	}
	if m.rests == 0 || m.held > Most/2 {
		m.least = 0
		return a, s, 0, false
	}
	a, f := m.inTurn()
	s, f.rest, m.rests = f.rest, Stretch{}, m.rests-1
	f.look = append(f.look, s)
	return a, s, f.turn, true
}

// Looked takes note of the holes that a look at a stretch of a's feed has found. Those that were known there and were not
// found again are no more. Where something was put back since the turn, the look is for nothing.
func (m *Marks) Looked(a crdt.Author, s Stretch, turn uint64, found []crdt.Span) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.of(a)
	if f.turn != turn {
		return
	}
	m.count.Add(-int64(len(f.look) + len(f.holes)))
	m.held -= len(f.holes)
	again, known := make(map[crdt.Head]bool, len(found)), make(map[crdt.Head]bool, len(f.holes))
	for _, h := range found {
		again[h.Head] = true
	}
	for _, h := range f.holes {
		known[h.Head] = true
	}
	f.look = slices.DeleteFunc(f.look, func(o Stretch) bool { return s.From <= o.From && o.Upto <= s.Upto })
	f.holes = slices.DeleteFunc(f.holes, func(h crdt.Span) bool {
		return again[h.Head] || s.From <= h.From && h.Upto <= s.Upto
	})
	if room := max(0, Most-m.held-len(f.holes)); len(found) > room {
		found = m.ordered(a, found, known)
		if f.rest.Upto == 0 {
			f.first = found[room].Head
		}
		m.leave(f, found[room:])
		found = found[:room]
	}
	f.holes = append(f.holes, found...)
	slices.SortFunc(f.holes, func(a, b crdt.Span) int { return a.Head.Compare(b.Head) })
	m.held += len(f.holes)
	m.count.Add(int64(len(f.look) + len(f.holes)))
	m.tidy(a)
}

// All returns the holes that are known, by author and end.
func (m *Marks) All() []crdt.Span {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all()
}

func (m *Marks) all() (all []crdt.Span) {
	for _, a := range slices.SortedFunc(maps.Keys(m.feeds), crdt.Author.Compare) {
		all = append(all, m.feeds[a].holes...)
	}
	return all
}
