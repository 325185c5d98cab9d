package eventlog

import (
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// state is what is held, less the ops: the feeds of the file, kept in memory. It is what was read
// from the file or what a commit has made of it, never anything else.
type state struct {
	feeds  map[crdt.Author]*record.Feed // a value is never changed once it is here: it is replaced
	digest crdt.Digest
	next   uint64 // the offset of the next entry that arrives
	clock  crdt.Clock
	// ahead holds the authors whose last clock was ahead of the wall clock when it was stored, and
	// soonest the first of those clocks. Once the wall clock has come near, they count.
	ahead   map[crdt.Author]crdt.Clock
	soonest crdt.Clock
	shut    int
	entries uint64
	ops     uint64
	room    uint64 // that the feeds take, in bytes
	// trimmed, pruned and pruneSweep are the sums of what the feeds say, or the greatest.
	trimmed, pruned, pruneSweep uint64
	// sweep numbers the transactions that forgot something; 0 before there was one.
	sweep uint64
	// began is the last time that is on record for an offset, see times.go; zero before there is one. By
	// arrived all that is held had arrived.
	began, arrived time.Time
}

func newState() state {
	return state{feeds: make(map[crdt.Author]*record.Feed), ahead: make(map[crdt.Author]crdt.Clock)}
}

// feed returns a's feed. The caller does not write to it.
func (s *state) feed(a crdt.Author) crdt.Feed {
	if f := s.feeds[a]; f != nil {
		return f.Feed
	}
	return crdt.Feed{Author: a}
}

// feed returns what is held of a's feed. The caller does not write to it.
func (s *store) feed(a crdt.Author) crdt.Feed {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state.feed(a)
}

// frontier returns what is held. The heads are shared and never written to.
func (s *state) frontier() crdt.Frontier {
	f := make(crdt.Frontier, len(s.feeds))
	for a, feed := range s.feeds {
		if len(feed.Heads) > 0 {
			f[a] = feed.Heads
		}
	}
	return f
}

// set replaces what is kept of a feed.
func (s *state) set(a crdt.Author, f *record.Feed) {
	s.put(a, f)
	s.digest = s.digest.With(a, f.Heads)
}

// put is set for a caller that brings the digest up to date itself.
func (s *state) put(a crdt.Author, f *record.Feed) {
	if old := s.feeds[a]; old != nil {
		s.ops -= old.Ops
		s.entries -= old.Entries
		s.room -= room(old)
		s.trimmed -= old.Trimmed
		s.pruned -= old.Pruned
		if old.Shut != "" {
			s.shut--
		}
	}
	if f.Shut != "" {
		s.shut++
	}
	s.ops += f.Ops
	s.entries += f.Entries
	s.room += room(f)
	s.trimmed += f.Trimmed
	s.pruned += f.Pruned
	s.pruneSweep = max(s.pruneSweep, f.PruneSweep)
	s.feeds[a] = f
	s.clock = max(s.clock, f.Clock)
	if last := f.Ahead(); last > f.Clock {
		if len(s.ahead) == 0 || last < s.soonest {
			s.soonest = last
		}
		s.ahead[a] = last
	} else {
		delete(s.ahead, a)
	}
}

// clockAt returns the greatest clock held that is not ahead of now.
func (s *state) clockAt(now time.Time) crdt.Clock {
	if len(s.ahead) == 0 || s.soonest.Ahead(now) {
		return s.clock
	}
	s.soonest = crdt.MaxClock
	for a, c := range s.ahead {
		if c.Ahead(now) {
			s.soonest = min(s.soonest, c)
			continue
		}
		s.clock = max(s.clock, c)
		delete(s.ahead, a)
	}
	return s.clock
}

// opRoom is about what an op takes in the file beside its bytes: its keys, its arrival, its part of pages
// that are not full.
const opRoom = 256

// room returns about how many bytes a feed takes in the file.
func room(f *record.Feed) uint64 { return f.Bytes + f.Ops*opRoom }
