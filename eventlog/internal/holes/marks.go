package holes

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/quipulog/quipu/crdt"
)

// Most bounds the holes that are known, and the stretches that are to be looked at, each. What is met beyond that is
// met again once there is room.
const Most = 10_000

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
}

// marks are those of one feed.
type marks struct {
	look  []Stretch   // where there may be holes that are not known
	holes []crdt.Span // ascending by end
	turn  uint64      // counts what was put back
	lacks bool        // ops are not even there, or may be so
}

// Met takes note that an op of a's at a seq cannot be read, or that none is there, and reports whether that is the first
// mark.
func (m *Marks) Met(a crdt.Author, seq uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.covers(a, seq) || m.count.Load() >= Most {
		return false
	}
	f := m.of(a)
	f.look = append(f.look, Stretch{From: seq, Upto: seq + 1})
	m.some.Store(true)
	return m.count.Add(1) == 1
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
		slices.ContainsFunc(f.look, func(s Stretch) bool { return s.From <= seq && seq < s.Upto }))
}

// Open takes note of the authors of whose feeds a file says that something cannot be read, one after the other in b.
func (m *Marks) Open(b []byte) {
	for a := range slices.Chunk(b, len(crdt.Author{})) {
		if len(a) < len(crdt.Author{}) {
			continue
		}
		m.Look(crdt.Author(a), Stretch{Upto: crdt.MaxSeq})
		m.mu.Lock()
		m.of(crdt.Author(a)).lacks = true
		m.mu.Unlock()
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

// Lacks reports whether of a's feed ops are missing, or may be, so that whoever reads it may not notice, and from which
// seq on.
func (m *Marks) Lacks(a crdt.Author) (from uint64, lacks bool) {
	if m.count.Load() == 0 {
		return 0, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.feeds[a]
	if f == nil || !f.lacks {
		return 0, false
	}
	if len(f.holes) > 0 {
		from = f.holes[0].From
	}
	return from, true
}

// Look takes note that there may be holes in a stretch of a's feed.
func (m *Marks) Look(a crdt.Author, s Stretch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.of(a); m.count.Load() < Most && !slices.Contains(f.look, s) {
		f.look = append(f.look, s)
		m.count.Add(1)
		m.some.Store(true)
	}
	m.tidy(a)
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
	if f := m.feeds[a]; f != nil && len(f.look)+len(f.holes) == 0 {
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

// Filled takes note that ops of a stretch were put back: what is left of the holes there is to be looked for. Until then
// they stay, since what leads to their ends is what they lacked.
func (m *Marks) Filled(a crdt.Author, s Stretch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.of(a)
	f.turn++
	for _, h := range f.holes {
		if again := (Stretch{From: h.From, Upto: h.Upto}); h.From < s.Upto && s.From < h.Upto && !slices.Contains(f.look, again) {
			f.look = append(f.look, again)
			m.count.Add(1)
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
	f.look = slices.DeleteFunc(f.look, func(s Stretch) bool { return s.Upto <= below })
	f.holes = slices.DeleteFunc(f.holes, func(h crdt.Span) bool { return h.Upto <= below })
	m.count.Add(int64(len(f.look) + len(f.holes)))
	m.tidy(a)
}

// Next returns a stretch that is to be looked at, if there is one, and a number that [Marks.Looked] is told.
func (m *Marks) Next() (a crdt.Author, s Stretch, turn uint64, found bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for a, f := range m.feeds {
		if len(f.look) > 0 {
			return a, f.look[0], f.turn, true
		}
	}
	return a, s, 0, false
}

// Looked takes note of the holes that a look at a stretch of a's feed has found. Those that were known there and were not
// found again are no more. Where something was put back since the turn, the look is for nothing. In those of missing, ops
// are not even there.
func (m *Marks) Looked(a crdt.Author, s Stretch, turn uint64, found, missing []crdt.Span) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.of(a)
	if f.turn != turn {
		return
	}
	m.count.Add(-int64(len(f.look) + len(f.holes)))
	f.look = slices.DeleteFunc(f.look, func(o Stretch) bool { return s.From <= o.From && o.Upto <= s.Upto })
	f.holes = slices.DeleteFunc(f.holes, func(h crdt.Span) bool {
		again := slices.ContainsFunc(found, func(o crdt.Span) bool { return o.Head == h.Head })
		return again || s.From <= h.From && h.Upto <= s.Upto
	})
	f.lacks = len(missing) > 0 || f.lacks && s.Upto < crdt.MaxSeq
	f.holes = append(f.holes, found[:min(len(found), max(0, Most-int(m.count.Load())))]...)
	slices.SortFunc(f.holes, func(a, b crdt.Span) int { return a.Head.Compare(b.Head) })
	m.count.Add(int64(len(f.look) + len(f.holes)))
	m.tidy(a)
}

// All returns the holes that are known, by author and end.
func (m *Marks) All() []crdt.Span {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []crdt.Span
	for _, a := range slices.SortedFunc(maps.Keys(m.feeds), crdt.Author.Compare) {
		all = append(all, m.feeds[a].holes...)
	}
	return all
}
