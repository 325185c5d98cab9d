package eventlog

import (
	"context"
	"errors"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
)

// ErrSecondWriter is returned by everything that appends once an op of our own author has arrived that
// contradicts what was written here: somebody else writes with our key, a copy of this node or an older
// state of it. That op is stored like any other, so that all branches are held here too. Everything but
// appending goes on. An op that only lies beyond our head contradicts nothing: see [ErrRecovering].
var ErrSecondWriter = errors.New("another node writes with our key")

// ErrRecovering is returned by everything that appends while the log may not know the end of its own feed: a seq must
// not be given twice. The error is a [*RecoveringError]. Everything but appending goes on. [Log.Settle] and
// [Log.Recover] end the state; [Config].WaitRecovering makes appends wait for that.
var ErrRecovering = errors.New("this node may not know the end of its own feed")

// Why is why a log may not know the end of its own feed.
type Why uint8

const (
	// WhyOlder: an op of our own came back that lies beyond our head: the folder is older than the feed.
	WhyOlder Why = iota + 1
	// WhyKey: the key was not made for this log, see [Birth].UsedKey.
	WhyKey
	// WhyCopied: the file is another than the one that was written to.
	WhyCopied
	// WhyRolledBack: the file is older than what lies beside it says.
	WhyRolledBack
	// WhyHead: the end of our feed cannot be read. The error wraps a [*DamagedError] until it can be again.
	WhyHead
	// WhyMoved: host, boot, device or mount are others than those of the last writing, or the file system
	// cannot tell whether the file is the one that was written to.
	WhyMoved
	// WhyBackup: the folder was restored from a backup, and nothing was written to it since.
	WhyBackup
)

// String returns "older", "key", "copied", "rolled back", "head", "moved" or "backup".
func (w Why) String() string {
	return enum.Text(w, "why", "", "older", "key", "copied", "rolled back", "head", "moved", "backup")
}

// Soft reports whether the reason is seldom one: then one peer that answers is enough, for a few seconds,
// and a log that has nobody to ask appends.
func (w Why) Soft() bool { return w == WhyMoved }

// RecoveringError says why the log may not know the end of its own feed.
type RecoveringError struct {
	Why Why
	// Since is when the state began; zero where that was not kept.
	Since time.Time
	// Own is where our feed ended here when the state began; zero where nothing was written.
	Own crdt.Head
	// Op is the first op that came from beyond that end, for [WhyOlder]; else nil.
	Op *crdt.Signed
	// Missing are the members that count and have not been asked yet, as Config.Peers says.
	Missing []crdt.Author
	// Detail is what was and what is, or how the damage was found; empty where there is no more to say.
	Detail string

	// kept says that the state is on record; until then opening the log finds it again.
	kept bool
	// damage is how the end of our feed is damaged, for WhyHead; nil once it can be read.
	damage error
}

func (e *RecoveringError) Error() string { return ownend.Text(uint8(e.Why), e.detail(), e.Missing) }

// detail says how the log knows.
func (e *RecoveringError) detail() string {
	if e.Op == nil {
		return e.Detail
	}
	return ownend.Beyond(*e.Op, e.Own)
}

// headless reports whether the end of our feed cannot be read, or could not be when the state began.
func (e *RecoveringError) headless() bool { return e != nil && (e.Why == WhyHead || e.damage != nil) }

// Unwrap returns [ErrRecovering], and the [*DamagedError] of an end that cannot be read.
func (e *RecoveringError) Unwrap() []error {
	if e.damage == nil {
		return []error{ErrRecovering}
	}
	return []error{ErrRecovering, e.damage}
}

// Recovery says how our own feed is taken up again.
type Recovery struct {
	// End is where our feed ends, here and at all who were asked.
	End crdt.Head
	// Asked are the nodes that hold our feed up to End and no more, Missing those that could not be asked, and
	// Without those that it was decided to go on without.
	Asked, Missing, Without []crdt.Author
	// Places are the addresses to join at which nobody has answered, so that it is not known who could not be asked.
	Places []string
	// Alone says that it was decided to go on with nobody asked.
	Alone bool
}

// AskedPeers are whom a log can ask where its own feed ends. Several goroutines call their methods at once. OwnEnd may
// call the log; Missing and Anybody are called inside of transactions, too: they must not call it, nor wait.
type AskedPeers interface {
	// OwnEnd returns where our feed ends as all say who count. It waits until that is known, and our feed is held here
	// up to there, or until ctx ends; its error then says who is missing. For a soft reason one who answers is enough.
	OwnEnd(ctx context.Context, why *RecoveringError) (Recovery, error)
	// Missing returns the members that count and have not been asked yet. It does not wait.
	Missing() []crdt.Author
	// Anybody reports whether there is anybody to ask at all: a place that is configured, a member that is
	// remembered.
	Anybody() bool
}
