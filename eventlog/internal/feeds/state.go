// Package feeds is what a log holds, less its ops, in memory: each feed's record, and what the records come to together.
//
// A [State] is changed a feed at a time, by [State.Put], which keeps the sums, the greatest clock and the digest up to date:
// nothing is ever counted anew. [Bounds] says whose feed takes up too much, and is shut. Nothing here has a lock, and no
// record in a State is written to: see package eventlog, which reads it from the file and changes it with each commit.
package feeds

import (
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/retention"
)

// State is what is held, less the ops: the feeds of the file, kept in memory. It is what was read
// from the file or what a commit has made of it, never anything else.
type State struct {
	Feeds  map[crdt.Author]*record.Feed // a value is never changed once it is here: it is replaced
	Digest crdt.Digest
	Next   uint64 // the offset of the next entry that arrives
	Clock  crdt.Clock
	// Ahead holds the authors whose last clock was ahead of the wall clock when it was stored, and
	// soonest the first of those clocks. Once the wall clock has come near, they count.
	Ahead   map[crdt.Author]crdt.Clock
	soonest crdt.Clock
	Shut    int // how many authors are
	Entries uint64
	Ops     uint64
	Room    uint64 // that the feeds take, in bytes
	// Trimmed, Pruned and PruneSweep are the sums of what the feeds say, or the greatest.
	Trimmed, Pruned, PruneSweep uint64
	// Sweep numbers the transactions that forgot something; 0 before there was one.
	Sweep uint64
	// Began is the last time that is on record for an offset, zero before there is one. By
	// Arrived all that is held had arrived.
	Began, Arrived time.Time
}

// New returns the state of a log that holds nothing.
func New() State {
	return State{Feeds: make(map[crdt.Author]*record.Feed), Ahead: make(map[crdt.Author]crdt.Clock)}
}

// Feed returns a's feed. The caller does not write to it.
func (s *State) Feed(a crdt.Author) crdt.Feed {
	if f := s.Feeds[a]; f != nil {
		return f.Feed
	}
	return crdt.Feed{Author: a}
}

// Frontier returns what is held. The heads are shared and never written to.
func (s *State) Frontier() crdt.Frontier {
	f := make(crdt.Frontier, len(s.Feeds))
	for a, feed := range s.Feeds {
		if len(feed.Heads) > 0 {
			f[a] = feed.Heads
		}
	}
	return f
}

// Set replaces what is kept of a feed.
func (s *State) Set(a crdt.Author, f *record.Feed) {
	s.Put(a, f)
	s.Digest = s.Digest.With(a, f.Heads)
}

// Put is Set for a caller that brings the digest up to date itself.
func (s *State) Put(a crdt.Author, f *record.Feed) {
	if old := s.Feeds[a]; old != nil {
		s.Ops -= old.Ops
		s.Entries -= old.Entries
		s.Room -= Room(old)
		s.Trimmed -= old.Trimmed
		s.Pruned -= old.Pruned
		if old.Shut != "" {
			s.Shut--
		}
	}
	if f.Shut != "" {
		s.Shut++
	}
	s.Ops += f.Ops
	s.Entries += f.Entries
	s.Room += Room(f)
	s.Trimmed += f.Trimmed
	s.Pruned += f.Pruned
	s.PruneSweep = max(s.PruneSweep, f.PruneSweep)
	s.Feeds[a] = f
	s.Clock = max(s.Clock, f.Clock)
	if last := f.Ahead(); last > f.Clock {
		if len(s.Ahead) == 0 || last < s.soonest {
			s.soonest = last
		}
		s.Ahead[a] = last
	} else {
		delete(s.Ahead, a)
	}
}

// ClockAt returns the greatest clock held that is not ahead of now.
func (s *State) ClockAt(now time.Time) crdt.Clock {
	if len(s.Ahead) == 0 || s.soonest.Ahead(now) {
		return s.Clock
	}
	s.soonest = crdt.MaxClock
	for a, c := range s.Ahead {
		if c.Ahead(now) {
			s.soonest = min(s.soonest, c)
			continue
		}
		s.Clock = max(s.Clock, c)
		delete(s.Ahead, a)
	}
	return s.Clock
}

// PerOp returns how many entries an op has on average, at least 1.
func (s *State) PerOp() uint64 { return max(1, s.Entries/max(1, s.Ops)) }

// RoomOfOthers returns about how many bytes the feeds of others take.
func (s *State) RoomOfOthers(self crdt.Author) uint64 {
	if own := s.Feeds[self]; own != nil {
		return s.Room - Room(own)
	}
	return s.Room
}

// Arrives takes note that a transaction of now has added ops, and begun a stretch if began is not zero.
func (s *State) Arrives(now, began time.Time) {
	if !began.IsZero() {
		s.Began, s.Arrived = began, began
	}
	if now.After(s.Arrived) {
		s.Arrived = now
	}
}

// ArrivedBy sets by when all that is held had arrived, of a log that is opened at now.
func (s *State) ArrivedBy(now time.Time) {
	s.Arrived = now
	if end := s.Began.Add(retention.LongestStretch); !s.Began.IsZero() && end.Before(now) {
		s.Arrived = end // later than that a stretch would have begun
	}
}

// OpRoom is about what an op takes in the file beside its bytes: its keys, its arrival, its part of pages
// that are not full.
const OpRoom = 256

// Room returns about how many bytes a feed takes in the file.
func Room(f *record.Feed) uint64 { return f.Bytes + f.Ops*OpRoom }
