package eventlog

import (
	"fmt"
	"maps"
	"slices"

	"github.com/quipulog/quipu/crdt"
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

// Bounds returns the configuration's bounds on what others may take up: authors, bytes of one of them, and
// bytes of all of them together; 0 for none.
func (l *Log) Bounds() (authors int, one, all uint64) {
	return l.store.cfg.MaxAuthors, l.store.cfg.MaxAuthorBytes, l.store.cfg.MaxBytes
}

// ShutError is the [crdt.Outcome]'s Err of a run whose author is shut. What is held of the author
// stays. It wraps [crdt.ErrShut].
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
	f := s.state.feeds[a]
	if f == nil {
		f = &feedState{feed: crdt.Feed{Author: a}}
	}
	if f.shut != "" {
		return
	}
	f = f.clone()
	f.shut = reason
	s.state.set(a, f)
	s.logger.Warn("author is shut", "author", a, "reason", reason)
}

// Shut returns the authors of whom no more is taken, in order. Leave them out of offers and wants.
func (l *Log) Shut() []crdt.Author {
	reasons := l.ShutReasons()
	shut := make([]crdt.Author, 0, len(reasons))
	for a := range reasons {
		shut = append(shut, a)
	}
	slices.SortFunc(shut, crdt.Author.Compare)
	return shut
}

// ShutReasons returns why each shut author is. Of those of whom nothing is held it has the first few
// thousand; [Stats] says whether there are more.
func (l *Log) ShutReasons() map[crdt.Author]ShutReason { return l.store.shutReasons() }

func (s *store) shutReasons() map[crdt.Author]ShutReason {
	s.mu.RLock()
	defer s.mu.RUnlock()
	reasons := make(map[crdt.Author]ShutReason, s.state.shut+len(s.turned.authors))
	maps.Copy(reasons, s.turned.authors)
	if s.state.shut == 0 {
		return reasons
	}
	for a, f := range s.state.feeds {
		if f.shut != "" {
			reasons[a] = f.shut
		}
	}
	return reasons
}

// full reports whether no more branches are taken of a feed. Those that end below its floor are no heads:
// other nodes may have forgotten them, and here they count for little.
func (c *Config) full(f crdt.Feed) bool {
	return len(f.Heads()) >= c.MaxBranches || len(f.Branches) >= branchesAHead*c.MaxBranches
}

// reopen takes back what shut an author where that may have gone: the limit was raised, the file mended.
func (f *feedState) reopen(cfg *Config) bool {
	switch f.shut {
	case ShutBranches:
		if cfg.full(f.feed) {
			return false
		}
	case ShutDamaged:
	default:
		return false
	}
	f.shut = ""
	return true
}

// reopened is reopen for all feeds. What is in the file is brought up to date when the feed changes.
func (s *state) reopened(cfg *Config, self crdt.Author) {
	s.roomy(cfg, self)
	for a, f := range s.feeds {
		if f.shut == "" {
			continue
		}
		if g := f.clone(); g.reopen(cfg) {
			s.set(a, g)
		}
	}
}
