package eventlog

import (
	"maps"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/feeds"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// What one feed, all feeds of others together, and the number of feeds may take up here. An author past one
// of them is shut, and nobody else is; our own feed is bound by none.

// maxTurned bounds the authors that were turned away whose names are kept.
const maxTurned = 4096

// beyond returns which bound of this node is in the way of another op of a feed, "" if none is.
func (tx *writeTx) beyond(state *record.Feed, op crdt.Op) ShutReason {
	cfg, size := &tx.store.cfg, uint64(op.Size()+feeds.OpRoom)
	tx.store.mu.RLock()
	authors, others := len(tx.store.state.Feeds), tx.store.state.RoomOfOthers(tx.store.author)
	tx.store.mu.RUnlock()
	switch {
	case op.Author == tx.store.author:
		return ""
	case state.Feed.IsZero() && authors+tx.begun+1 > cfg.MaxAuthors:
		return ShutAuthors
	case cfg.MaxAuthorBytes > 0 && feeds.Room(state)+size > cfg.MaxAuthorBytes:
		return ShutShare
	case cfg.MaxBytes > 0 && others+tx.taken+size > cfg.MaxBytes:
		return ShutQuota
	}
	return ""
}

// shutFor takes no more of an op's author for a reason. Of one of whom nothing is held nothing is written
// either, however many there are: see [turned].
func (tx *writeTx) shutFor(reason ShutReason, op crdt.Op) error {
	if tx.feedState(op.Author).Feed.IsZero() {
		tx.store.turnAway(op.Author, reason)
	} else {
		tx.edit(op.Author).Shut = string(reason)
	}
	return &ShutError{Author: op.Author, Reason: reason}
}

// turned is the authors of whom nothing is held, and nothing is taken for want of room. They are many where
// somebody makes them up, so the first ones are remembered, and of the others that there are some.
type turned struct {
	authors map[crdt.Author]ShutReason // at most maxTurned
	more    bool
}

// turnAway takes note that an author was turned away.
func (s *store) turnAway(a crdt.Author, reason ShutReason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.turned
	switch _, known := t.authors[a]; {
	case known:
	case len(t.authors) >= maxTurned:
		t.more = true
	case t.authors == nil:
		t.authors = map[crdt.Author]ShutReason{a: reason}
	default:
		t.authors[a] = reason
	}
}

// welcome reports whether a new author is taken in, and turns it away if not.
func (s *store) welcome(a crdt.Author) bool {
	s.mu.RLock()
	held := s.state.Feeds[a] != nil || a == s.author
	full := len(s.state.Feeds) >= s.cfg.MaxAuthors
	s.mu.RUnlock()
	if held || !full {
		return true
	}
	s.turnAway(a, ShutAuthors)
	return false
}

// roomier lets authors in again that were shut for want of room, once there is some: a sixteenth of what
// there may be, so that they do not come and go with each op.
func (s *store) roomier() {
	s.mu.Lock()
	defer s.mu.Unlock()
	less := s.cfg
	less.MaxAuthorBytes -= less.MaxAuthorBytes / 16
	less.MaxBytes -= less.MaxBytes / 16
	less.roomy(&s.state, s.author)
	if s.cfg.MaxBytes == 0 || s.state.RoomOfOthers(s.author) < less.MaxBytes {
		maps.DeleteFunc(s.turned.authors, func(_ crdt.Author, why ShutReason) bool { return why != ShutAuthors })
	}
}

// roomy opens again the authors who are within the bounds.
func (c *Config) roomy(s *feeds.State, self crdt.Author) {
	if s.Shut == 0 {
		return
	}
	others := s.RoomOfOthers(self)
	for a, f := range s.Feeds {
		within := c.MaxAuthorBytes == 0 || feeds.Room(f) < c.MaxAuthorBytes
		why := ShutReason(f.Shut)
		if why == ShutShare && within || why == ShutQuota && within && (c.MaxBytes == 0 || others < c.MaxBytes) {
			reopen(s, a)
		}
	}
}
