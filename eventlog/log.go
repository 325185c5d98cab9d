package eventlog

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/audience"
)

// ErrClosed is returned by everything that is called on a log after [Log.Close].
var ErrClosed = errors.New("log is closed")

// Log is a log on disk. All its methods may be called by many goroutines at once.
//
// The state has one writer at a time: whoever leads, see queue. What it writes becomes visible here,
// in memory, only once the commit has returned: what is announced to a peer is durable.
type Log struct {
	path   string // of the file
	cfg    Config
	logger *slog.Logger
	author crdt.Author
	id     crdt.LogID
	// incarnation names the arrivals: offsets of another incarnation mean something else.
	incarnation [16]byte

	// swapping is held for writing while the file is exchanged for its copy: no transaction begins.
	swapping sync.RWMutex
	file     *os.File // the one that db uses, to close when bbolt's own Close would wait for ever
	db       *bbolt.DB
	// pageSize is that of the file, in bytes.
	pageSize uint64

	queue    queue
	sweeping sweeping
	inside   reentry // the goroutines that run the function of an Update or a View
	claims   claims  // the followers that run
	names    names   // what else runs under a name
	// audience is who is told of transient events.
	audience audience.Audience
	voice    voice
	index    indexing

	// durable is the id of the last transaction that was synced; a read transaction that sees a later
	// one looks at what may still be lost.
	durable atomic.Int64
	// committing is held while a transaction is committed and published.
	committing sync.RWMutex
	// readingAhead is set while an iteration reads the file ahead of itself.
	readingAhead atomic.Bool
	// wedged is set when bbolt panicked while it held locks of its own: it is not called any more.
	wedged atomic.Pointer[DamagedError]
	// damage is the first part of the file that was met damaged; nil for none.
	damage atomic.Pointer[DamagedError]

	// ailing says that the disk has failed under whoever leads, and that the log is to be mended; it belongs
	// to the leader. doubted says that the file is to be verified though it bears no mark.
	ailing, doubted bool
	// closing is closed when the log is to be closed.
	closing     chan struct{}
	closingOnce sync.Once
	// clockOff is by how much the wall clocks of others are ahead of ours, in nanoseconds, where they
	// disagree with it: see [Log.SetClockOff].
	clockOff atomic.Int64

	// mu guards what follows.
	mu      sync.RWMutex
	closed  bool
	genesis *crdt.Genesis
	// frozen is why nothing is written: the disk has failed. It is so for good if broken is set; else the log
	// is being mended.
	frozen error
	broken bool
	// full says since when there is no room for what is written; nil while there is.
	full *Full
	// turned is of whom nothing is held, and nothing is taken.
	turned turned
	// secondOp is an op of our own that contradicts what was written here, recovering one that came back
	// beyond our head, and headless why our own head cannot be read: then nothing is appended, but what
	// peers send is stored.
	secondOp   *crdt.Signed
	recovering *RecoveringError
	headless   error
	// warnedAhead says that the log was told of our own clock being ahead, see warnAhead.
	warnedAhead bool
	// unsynced says that the file shows what may not be on disk; readers are shown what is.
	unsynced bool
	state    state
	counts   counts
	changed  chan struct{} // closed at the next commit that adds ops
}

// ID returns the id of the log.
func (l *Log) ID() crdt.LogID { return l.id }

// Author returns who writes here.
func (l *Log) Author() crdt.Author { return l.author }

// Path returns the path of the file.
func (l *Log) Path() string { return l.path }

// Genesis returns what the log began with, and whether it is known here.
func (l *Log) Genesis() (crdt.Genesis, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.genesis == nil {
		return crdt.Genesis{}, false
	}
	return *l.genesis, true
}

// Changed returns a channel that is closed at the next commit that adds ops, or when the log is
// closed. Get it before reading what it would tell of.
func (l *Log) Changed() <-chan struct{} {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.changed
}

// Incarnation names this log's arrivals, in hex: an offset that was noted under another incarnation, of
// a log that was made anew, means nothing here.
func (l *Log) Incarnation() string { return hex.EncodeToString(l.incarnation[:]) }

// snapshot returns the token of a reading that begins now: where what is durable ends, which sweep was
// the last, and which node and incarnation they belong to.
func (l *Log) snapshot() (token, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return token{}, ErrClosed
	}
	return token{node: [8]byte(l.author[:8]), incarnation: l.incarnation, bound: l.state.next, sweep: l.state.sweep}, nil
}

// Close waits for the commit that is under way and for open readings of a chunk, and closes the file.
// Appends that still wait get [ErrClosed]; so does everything called later, Close too.
func (l *Log) Close() error {
	if err := l.notInside(); err != nil {
		return err
	}
	l.closingOnce.Do(func() { close(l.closing) })
	l.queue.lead()
	defer l.queue.leave()
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	l.closed = true
	close(l.changed)
	l.mu.Unlock()
	l.queue.fail(ErrClosed)
	l.audience.Close(ErrClosed)
	return l.closeFile()
}

func (l *Log) closeFile() error {
	if l.wedged.Load() != nil {
		// bbolt would wait for its own lock. The lock on the file goes with the file.
		return l.file.Close()
	}
	if err := l.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", l.path, err)
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
