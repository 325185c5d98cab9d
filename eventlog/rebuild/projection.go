package rebuild

import (
	"context"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Projection is a state that is made of entries and kept in the log's own file. Its methods are called by one
// goroutine, that of [Run], in the order that the package shows; New and Load again where a commit has failed: what
// they make takes the place of what there was. An error of any of them ends the Run, and the next goes on from what
// was kept.
type Projection interface {
	// New makes the state that the fold begins with: nothing, or the snapshot that holds what r.From stands for.
	New(ctx context.Context, r Range) error
	// Load makes the state that Store has put into the bucket. The version is that of the [Config] of then, never
	// greater than now's; one that Load does not know is [ErrVersion].
	Load(state *eventlog.ReadBucket, version uint64, r Range) error
	// Apply takes the next entry. It says how the entry stands wherever it is read: there is no offset, and Disputed is
	// as of the end of the range. The entry is Apply's until it returns, and shares memory with what is read beside it:
	// Apply clones what it keeps. One of a kind that it does not know it passes over.
	Apply(e *crdt.Entry) error
	// Store puts the state into the bucket, all of it or what has changed since the last Store or Load. Nothing else is
	// written to the log meanwhile, so it puts and does not think. After a commit of which nobody knows whether it
	// happened the state is loaded again.
	Store(tx *eventlog.Tx, state *eventlog.Bucket) error
	// Finish puts the result where the program reads it. The bucket, as the last Store has left it, goes afterwards.
	Finish(tx *eventlog.Tx, state *eventlog.Bucket) error
}

// Elsewhere is a [Projection] whose state lies in a target of its own. Where the target keeps the state and the
// checkpoint in one transaction, each entry has its effect there exactly once.
type Elsewhere interface {
	// New and Apply are those of [Projection]. New is called, too, where the target has the checkpoint of a rebuild that
	// was dropped: it removes what that has left.
	New(ctx context.Context, r Range) error
	Apply(e *crdt.Entry) error
	// Load makes the state that the target has, and returns the checkpoint that is kept with it, nil where there is none.
	Load(ctx context.Context) (checkpoint []byte, err error)
	// Store keeps the state with the checkpoint, durably, in the place of the one before.
	Store(ctx context.Context, checkpoint []byte) error
	// Finish keeps the result with the checkpoint, which says from then on that the rebuild has finished. It is called
	// again where the log could not be told of it.
	Finish(ctx context.Context, checkpoint []byte) error
}

// Concluder is a [Projection] or [Elsewhere] that has something to do once all is applied, before it finishes: what
// takes too long for a transaction, or reads the log. After a kill it may be called again.
type Concluder interface {
	Conclude(ctx context.Context) error
}

// Range is what a rebuild folds: the entries that To stands for, less those of From, in an order.
type Range struct {
	Order eventlog.Order
	// From is what the state had before its New, nil where that is nothing; To is where the range ends. They are not to
	// be changed.
	From, To crdt.Frontier
	// Clock, unless it is 0, leaves out the entries whose op has a greater one.
	Clock crdt.Clock
}

func (r Range) equal(o Range) bool {
	return r.Order == o.Order && r.Clock == o.Clock && r.From.Equal(o.From) && r.To.Equal(o.To)
}
