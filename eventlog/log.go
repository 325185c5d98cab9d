package eventlog

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/audience"
)

// ErrClosed is returned by everything that is called on a log after [Log.Close].
var ErrClosed = errors.New("log is closed")

// Log is a log on disk. All its methods may be called by many goroutines at once.
type Log struct {
	store     *store
	followers followers
	names     names // what else runs under a name
	// audience is who is told of transient events.
	audience audience.Audience
	voice    voice
	index    indexer
}

// ID returns the id of the log.
func (l *Log) ID() crdt.LogID { return l.store.id }

// Author returns who writes here.
func (l *Log) Author() crdt.Author { return l.store.author }

// Path returns the path of the file.
func (l *Log) Path() string { return l.store.path }

// Genesis returns what the log began with, and whether it is known here.
func (l *Log) Genesis() (crdt.Genesis, bool) {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	if l.store.genesis == nil {
		return crdt.Genesis{}, false
	}
	return *l.store.genesis, true
}

// Changed returns a channel that is closed at the next commit that adds ops, or when the log is
// closed. Get it before reading what it would tell of.
func (l *Log) Changed() <-chan struct{} { return l.store.changes() }

func (s *store) changes() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed
}

// Incarnation names this log's arrivals, in hex: an offset that was noted under another incarnation, of
// a log that was made anew, means nothing here.
func (l *Log) Incarnation() string { return hex.EncodeToString(l.store.incarnation[:]) }

// snapshot returns the token of a reading that begins now: where what is durable ends, which sweep was
// the last, and which node and incarnation they belong to.
func (s *store) snapshot() (token, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return token{}, ErrClosed
	}
	return token{node: [8]byte(s.author[:8]), incarnation: s.incarnation, bound: s.state.next, sweep: s.state.sweep}, nil
}

// Close waits for the commit that is under way and for open readings of a chunk, and closes the file.
// Appends that still wait get [ErrClosed]; so does everything called later, Close too.
func (l *Log) Close() error {
	if err := l.store.notInside(); err != nil {
		return err
	}
	l.store.closingOnce.Do(func() { close(l.store.closing) })
	l.store.queue.lead()
	defer l.store.queue.leave()
	l.store.mu.Lock()
	if l.store.closed {
		l.store.mu.Unlock()
		return ErrClosed
	}
	l.store.closed = true
	close(l.store.changed)
	l.store.mu.Unlock()
	l.store.queue.fail(ErrClosed)
	l.audience.Close(ErrClosed)
	return l.store.closeFile()
}

func (s *store) closeFile() error {
	if s.wedged.Load() != nil {
		// bbolt would wait for its own lock. The lock on the file goes with the file.
		return s.file.Close()
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", s.path, err)
	}
	return nil
}

func newIncarnation() (b [16]byte) {
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return b
}

// names are what one part of a program at a time has on a log.
type names struct {
	mu   sync.Mutex // guards stop; not held while one of its functions runs
	stop map[string]*func()
}

// TakeOver gives the caller a name, which one part of a program at a time has on this log, and stops who
// had it: when TakeOver returns, the stop of that one has returned. release gives the name up, unless it
// was taken over meanwhile.
func (l *Log) TakeOver(name string, stop func()) (release func()) {
	n := &l.names
	n.mu.Lock()
	if n.stop == nil {
		n.stop = make(map[string]*func())
	}
	before := n.stop[name]
	n.stop[name] = &stop
	n.mu.Unlock()
	if before != nil {
		(*before)()
	}
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.stop[name] == &stop {
			delete(n.stop, name)
		}
	}
}
