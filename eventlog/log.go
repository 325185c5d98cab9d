package eventlog

import (
	"slices"
	"sync"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/eventlog/internal/audience"
)

// Log is a log on disk. All its methods may be called by many goroutines at once.
type Log struct {
	store     *store
	followers followers
	names     sync.Map // of what else runs under a name, to its stop, a *func()
	// audience is who is told of transient events.
	audience audience.Audience
	voice    audience.Voice
	index    *indexer
	// elsewhere is what others hold of this.
	elsewhere *elsewhere.Ledger
}

// ID returns the id of the log.
func (l *Log) ID() crdt.LogID { return l.store.id }

// Author returns the author of this node's own feed.
func (l *Log) Author() crdt.Author { return l.store.author }

// Authors returns all who have written here: [Log.Author], and those before it, the last first: see [Rekey].
func (l *Log) Authors() []crdt.Author { return slices.Clone(l.store.authors) }

// Path returns the path of the log's file.
func (l *Log) Path() string { return l.store.path }

// Genesis returns what the log began with, and whether that is known here.
func (l *Log) Genesis() (crdt.Genesis, bool) {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	if l.store.genesis == nil {
		return crdt.Genesis{}, false
	}
	return *l.store.genesis, true
}

// Changed returns a channel that is closed at the next commit that adds ops or changes whether the log appends, and when
// the log is closed. Get the channel before reading: then no commit after the reading goes unseen.
func (l *Log) Changed() <-chan struct{} { return l.store.changes() }

// TakeOver gives the caller a name, which one part of a program at a time has on this log. If another part
// has the name, TakeOver first calls that part's stop and waits until it returns. release gives the name
// up, unless it was taken over meanwhile.
func (l *Log) TakeOver(name string, stop func()) (release func()) {
	if before, taken := l.names.Swap(name, &stop); taken {
		(*before.(*func()))()
	}
	return func() { l.names.CompareAndDelete(name, &stop) }
}
