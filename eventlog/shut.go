package eventlog

import (
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/feeds"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// What one feed, all feeds of others together, and the number of feeds may take up here is said by [feeds.Bounds]. An
// author past one of them is shut, and nobody else is; our own feed is bound by none.

// ShutReason says why a node takes no more of an author.
type ShutReason string

const (
	// ShutBranches: the author has forked more often than Config.MaxBranches allows.
	ShutBranches ShutReason = feeds.ShutBranches
	// ShutAuthors: there are as many authors as Config.MaxAuthors allows, and nothing is held of this one.
	ShutAuthors ShutReason = feeds.ShutAuthors
	// ShutShare: the author's feed has as much room as Config.MaxAuthorBytes gives one author.
	ShutShare ShutReason = feeds.ShutShare
	// ShutQuota: the feeds of others have as much room together as Config.MaxBytes gives them.
	ShutQuota ShutReason = feeds.ShutQuota
	// ShutDamaged: the part of the file that holds the author's feed cannot be read.
	ShutDamaged ShutReason = feeds.ShutDamaged
)

// bounds returns the configuration's bounds as they bind all but one author.
func (c *Config) bounds(self crdt.Author) feeds.Bounds {
	return feeds.Bounds{Self: self, Branches: c.MaxBranches, Authors: c.MaxAuthors, Share: c.MaxAuthorBytes, Quota: c.MaxBytes}
}

// ShutError is the Err of the [crdt.Outcome] of a run whose author is shut. What is held of the author stays.
type ShutError struct {
	Author crdt.Author
	Reason ShutReason
}

func (e *ShutError) Error() string {
	return fmt.Sprintf("author %s is shut: %s", e.Author.Short(), e.Reason)
}

// Unwrap returns [crdt.ErrShut].
func (e *ShutError) Unwrap() error { return crdt.ErrShut }

// Shut returns the authors of whom no more is taken, in order. Callers leave them out of offers and wants.
func (l *Log) Shut() []crdt.Author {
	reasons := l.ShutReasons()
	shut := make([]crdt.Author, 0, len(reasons))
	for a := range reasons {
		shut = append(shut, a)
	}
	slices.SortFunc(shut, crdt.Author.Compare)
	return shut
}

// ShutReasons returns why each shut author is shut. Of authors of whom nothing is held it names the first
// few thousand; [Stats].Turned says whether there are more.
func (l *Log) ShutReasons() map[crdt.Author]ShutReason {
	s := l.store
	s.mu.RLock()
	defer s.mu.RUnlock()
	reasons := make(map[crdt.Author]ShutReason, s.state.Shut+s.turned.Len())
	for a, why := range s.state.WhyShut(&s.turned) {
		reasons[a] = ShutReason(why)
	}
	return reasons
}

// whyShut returns why an author of whom something is held is shut, "" if it is not.
func (s *store) whyShut(a crdt.Author) ShutReason {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if f := s.state.Feeds[a]; f != nil {
		return ShutReason(f.Shut)
	}
	return ""
}

// shutAuthor takes no more of a until the log is opened again.
func (s *store) shutAuthor(a crdt.Author, reason ShutReason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.state.Feeds[a]; f != nil && f.Shut != "" {
		return
	}
	s.state.ShutFor(a, string(reason))
	s.logger.Warn("author is shut", "author", a, "reason", reason)
}

// beyond returns which bound of this node is in the way of another op of a feed, "" if none is.
func (tx *writeTx) beyond(state *record.Feed, op crdt.Op) ShutReason {
	s := tx.store
	s.mu.RLock()
	defer s.mu.RUnlock()
	return ShutReason(s.cfg.bounds(s.author).Beyond(&s.state, state, op.Size(), tx.begun, tx.taken))
}

// shutFor takes no more of an op's author for a reason. Of one of whom nothing is held nothing is written
// either, however many there are: see [feeds.Turned].
func (tx *writeTx) shutFor(reason ShutReason, op crdt.Op) error {
	if tx.feedState(op.Author).Feed.IsZero() {
		tx.store.turnAway(op.Author, reason)
	} else {
		tx.edit(op.Author).Shut = string(reason)
	}
	return &ShutError{Author: op.Author, Reason: reason}
}

func (s *store) turnAway(a crdt.Author, reason ShutReason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turned.Away(a, string(reason))
}

// welcome reports whether a new author is taken in, and turns it away if not.
func (s *store) welcome(a crdt.Author) bool {
	s.mu.RLock()
	in := s.state.Feeds[a] != nil || a == s.author || len(s.state.Feeds) < s.cfg.MaxAuthors
	s.mu.RUnlock()
	if !in {
		s.turnAway(a, ShutAuthors)
	}
	return in
}
