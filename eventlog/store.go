package eventlog

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/copyout"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/feeds"
	"github.com/quipulog/quipu/eventlog/internal/holes"
	"github.com/quipulog/quipu/eventlog/internal/incarnation"
	"github.com/quipulog/quipu/eventlog/internal/meter"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/queue"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/reentry"
	"github.com/quipulog/quipu/eventlog/internal/request"
)

// ErrClosed is returned by everything that is called on a log after [Log.Close].
var ErrClosed = errors.New("log is closed")

// store is what is held, on disk and in memory, and the way to it: [Log] and all that reads or writes for it
// works on one.
//
// The state has one writer at a time: whoever leads, see queue. What it writes becomes visible here,
// in memory, only once the commit has returned: what is announced to a peer is durable.
//
// Who takes several of the locks takes them in this order: settling, sweeping, the slot of the index, the lead of the
// queue, committing, mu; that of the voice before those of the audience. Those inside of the queue, of the file
// and of an Apply's helper are held while nothing else is asked for. Whoever has the file exchanged waits for the
// transactions that are open: in one that reads only mu is asked for.
type store struct {
	path   string // of the file
	file   *disk.File
	cfg    Config
	logger *slog.Logger
	meters *meter.Meters
	author crdt.Author
	// authors are author and who wrote here before, the last first: what they wrote stays as it is, see [Rekey].
	authors ownend.Authors
	id      crdt.LogID
	// origin is the first name of the arrivals. The index is made with it, and stays when they begin anew.
	origin [16]byte

	// sweeping is held by who sweeps, see [writeTx.beginSweep], and by who must not see a sweep or must not run beside
	// another who holds it: see [Log.Verify] and [Log.Compact].
	sweeping queue.Slot
	// settling is held by who asks where our own feed ends: see [Log.Settle].
	settling queue.Slot
	ours     ownFeed  // whatever asks whether our own feed may go on asks it
	onlooker onlooker // reads where others write
	queue    *queue.Queue[*request.Request]
	inside   reentry.Guard // the goroutines that run the function of an Update or a View
	// ailing says that the disk has failed under whoever leads, and that the log is to be mended; it belongs
	// to the leader.
	ailing bool
	// refusal is why a commit failed last that changed nothing, which is logged once; it belongs to whoever leads, too. Unsure
	// says that what others hold could not be read, and that this was logged.
	refusal string
	unsure  atomic.Bool
	// leftover is memory that one transaction that writes leaves to the next: of the drafts that wait for their op, of
	// our own ops' values, and of what is late. It belongs to the leader.
	leftover struct {
		drafts []crdt.Draft
		values []byte
		late   []record.Arrival
	}
	// closing is closed when the log is to be closed.
	closing     chan struct{}
	closingOnce sync.Once

	// committing is held while a transaction is committed and published.
	committing sync.RWMutex
	// damage is the first part of the file that was met damaged; nil for none.
	damage atomic.Pointer[DamagedError]
	// holes are what is held of the feeds and cannot be read, see [Log.Damaged].
	holes   holes.Marks
	backups copyout.Holds // what backups keep back that are being made
	// knew are the holes that were known before the file was opened again; nil where it was not open before.
	knew *holes.Marks
	// clockOff is by how much the wall clocks of others are ahead of ours, in nanoseconds, where they
	// disagree with it: see [Log.SetClockOff].
	clockOff atomic.Int64

	// mu guards what follows.
	mu     sync.RWMutex
	closed bool
	contents
	// frozen is why nothing is written: the disk has failed. It is so for good if broken is set; else the log
	// is being mended.
	frozen error
	broken bool
	// full says since when there is no room for what is written; nil while there is.
	full *Full
	// turned is of whom nothing is held, and nothing is taken.
	turned feeds.Turned
	// warnedAhead says that the log was told of our own clock being ahead, see warnAhead.
	warnedAhead bool
	// unsynced says that the file shows what may not be on disk; readers are shown what is.
	unsynced bool
	counts   Applied       // by Apply
	changed  chan struct{} // see [Log.Changed]
}

// contents is what is known of what the file holds: it is read when the file is opened, changes with each commit, and
// is exchanged whole when the file is opened again.
type contents struct {
	// durable is the id of the last transaction that was synced; a read transaction that sees a later
	// one looks at what may still be lost.
	durable int64
	is      os.FileInfo // which file that is; nil where nobody else can put another in its place
	genesis *crdt.Genesis
	// incarnations are the names of the arrivals: what others know offsets of.
	incarnations incarnation.Names
	own          ownEnd
	holed        []byte // the authors whose feeds have holes, as the file says
	state        feeds.State
}

// changes is [Log.Changed].
func (s *store) changes() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed
}

func (s *store) isClosed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}
