package eventlog

import (
	"fmt"
	"maps"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/feeds"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// ShutReason says why a node takes no more of an author.
type ShutReason string

const (
	// ShutBranches: the author has forked more often than Config.MaxBranches allows.
	ShutBranches ShutReason = "too many branches"
	// ShutAuthors: there are as many authors as Config.MaxAuthors allows, and nothing is held of this one.
	ShutAuthors ShutReason = "too many authors"
	// ShutShare: the author's feed has as much room as Config.MaxAuthorBytes gives one author.
	ShutShare ShutReason = "more than one author's share of the disk"
	// ShutQuota: the feeds of others have as much room together as Config.MaxBytes gives them.
	ShutQuota ShutReason = "the disk quota is used up"
	// ShutDamaged: the part of the file that holds the author's feed cannot be read.
	ShutDamaged ShutReason = "its feed is damaged here"
)

// Bounds returns the configuration's bounds on what others may take up: how many authors, bytes of one
// author, and bytes of all but us together. 0 bytes mean no bound.
func (l *Log) Bounds() (authors int, one, all uint64) {
	return l.store.cfg.MaxAuthors, l.store.cfg.MaxAuthorBytes, l.store.cfg.MaxBytes
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

// shutAuthor takes no more of a until the log is opened again.
func (s *store) shutAuthor(a crdt.Author, reason ShutReason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.state.Feeds[a]
	if f == nil {
		f = &record.Feed{Feed: crdt.Feed{Author: a}}
	}
	if f.Shut != "" {
		return
	}
	f = f.Clone()
	f.Shut = string(reason)
	s.state.Set(a, f)
	s.logger.Warn("author is shut", "author", a, "reason", reason)
}

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
func (l *Log) ShutReasons() map[crdt.Author]ShutReason { return l.store.shutReasons() }

func (s *store) shutReasons() map[crdt.Author]ShutReason {
	s.mu.RLock()
	defer s.mu.RUnlock()
	reasons := make(map[crdt.Author]ShutReason, s.state.Shut+len(s.turned.authors))
	maps.Copy(reasons, s.turned.authors)
	if s.state.Shut == 0 {
		return reasons
	}
	for a, f := range s.state.Feeds {
		if f.Shut != "" {
			reasons[a] = ShutReason(f.Shut)
		}
	}
	return reasons
}

// full reports whether no more branches are taken of a feed. Those that end below its floor are no heads:
// other nodes may have forgotten them, and here they count for little.
func (c *Config) full(f crdt.Feed) bool {
	return len(f.Heads()) >= c.MaxBranches || len(f.Branches) >= branchesAHead*c.MaxBranches
}

// reopens reports whether what shut an author may have gone: the limit was raised, the file mended.
func (c *Config) reopens(f *record.Feed) bool {
	switch ShutReason(f.Shut) {
	case ShutBranches:
		return !c.full(f.Feed)
	case ShutDamaged:
		return true
	}
	return false
}

// reopened takes more again of all authors of whom it may. What is in the file is brought up to date when
// the feed changes.
func (c *Config) reopened(s *feeds.State, self crdt.Author) {
	c.roomy(s, self)
	for a, f := range s.Feeds {
		if c.reopens(f) {
			reopen(s, a)
		}
	}
}

// reopen takes more of a feed again.
func reopen(s *feeds.State, a crdt.Author) {
	f := s.Feeds[a].Clone()
	f.Shut = ""
	s.Set(a, f)
}
