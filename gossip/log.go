package gossip

import (
	"context"

	"github.com/quipulog/quipu/crdt"
)

// Log is what gossip needs of a log. *eventlog.Log satisfies it. Every method may be called from any
// goroutine; those without a context do not wait for the disk.
type Log interface {
	// ID and Author say which log this is and whose feed is written here.
	ID() crdt.LogID
	Author() crdt.Author
	// Genesis returns the log's genesis, once it is known. SetGenesis makes it known; gossip has
	// checked that its hash is ID.
	Genesis() (crdt.Genesis, bool)
	SetGenesis(crdt.Genesis) error

	// Frontier, Digest, Root and Feed say what is held, all of it durable. The caller of Frontier and
	// Feed does not write to what it gets.
	Frontier() crdt.Frontier
	Digest() crdt.Digest
	Root() crdt.Hash
	Feed(crdt.Author) crdt.Feed
	// Next returns the offset of the next entry that arrives: offsets count arrivals here, one for each entry.
	Next() uint64
	// Shut returns the authors of whom no more is taken, ascending.
	Shut() []crdt.Author
	// Changed returns a channel that is closed at the next commit that adds ops, or earlier.
	Changed() <-chan struct{}

	// Wants, Plan, PlanSpan and Read are the steps of a sync that read the log: see package crdt.
	Wants(ctx context.Context, theirs crdt.Frontier, limit int) ([]crdt.Want, error)
	Plan(context.Context, crdt.Want) ([]crdt.Segment, error)
	PlanSpan(context.Context, crdt.Span) (seg crdt.Segment, ok bool, err error)
	// Read returns the next run of a segment and moves seg.After; an empty run ends the segment.
	Read(ctx context.Context, seg *crdt.Segment, maxBytes int) (crdt.Run, error)
	// Damaged returns what is held and cannot be read, as the spans to ask for. What is not known yet of that is looked for
	// on the disk. Apply puts back what comes of it, and says so in Outcome.Repaired.
	Damaged(context.Context) ([]crdt.Span, error)
	// DamagedFurther has Damaged tell of others if those that were asked for are what it tells of, and not all there is; of
	// the first of all where asked is nil. It returns how often all have been gone through.
	DamagedFurther(asked []crdt.Span) (round uint64)
	// Apply verifies and stores runs, in order, and returns an outcome for each. Its error is this node's own fault;
	// what is wrong with a run is in its outcome. An error that wraps ENOSPC, EDQUOT or EFBIG, or has a method Passes
	// that returns true, is no reason to stop: the same runs may be stored later, or have been.
	Apply(context.Context, []crdt.Run) ([]crdt.Outcome, error)
}

// Transients is what gossip needs of a log to carry transient events. *eventlog.Log satisfies it. Its
// methods may be called from any goroutine.
type Transients interface {
	// Relay has send called with each event that is broadcast here to peers, until stop is called.
	// send returns how many peers it was handed to, and does not wait.
	Relay(send func(crdt.Broadcast) int) (stop func())
	// Hear tells the listeners here of an event that a peer has sent, after checking its author and its
	// signature, or says why not: by crdt.ErrSignature, crdt.ErrAuthor and crdt.ErrShut.
	Hear(crdt.Broadcast) error
}
