package gossip_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// simTail follows a node's log for as long as it is up, and goes on where it was when it is up again: it keeps the
// cursor that the log gave it. It is slow now and then.
type simTail struct {
	node   *simNode
	next   atomic.Uint64   // the offset that comes next
	at     eventlog.Cursor // the same, as the log says it
	seen   []simEntry      // by offset
	cancel context.CancelFunc
	done   chan struct{}
}

// simEntry names an entry.
type simEntry struct {
	author crdt.Author
	seq    uint64
	op     crdt.OpID
}

func (t *simTail) start() {
	var ctx context.Context
	ctx, t.cancel = context.WithCancel(context.Background())
	t.done = make(chan struct{})
	log := t.node.log
	go func() {
		defer close(t.done)
		t.node.sim.note(t.follow(ctx, log))
	}()
}

// stop ends the tail, if it runs.
func (t *simTail) stop() {
	if t.done == nil {
		return
	}
	t.cancel()
	<-t.done
	t.done = nil
}

// follow takes entries until ctx ends. Each must have the offset after the last one's.
func (t *simTail) follow(ctx context.Context, log *eventlog.Log) error {
	skip, skips := t.node.sim.flaw.tailSkips[t.node.name]
	for e, err := range log.Tail(ctx, eventlog.Query{After: t.at}) {
		switch {
		case errors.Is(err, context.Canceled):
			return nil
		case err != nil:
			return brokenf(simTails, "%s: %v", t.node.name, err)
		case skips && e.Offset == skip:
			continue
		case e.Offset != t.next.Load():
			return brokenf(simTails, "%s: offset %d where %d comes next", t.node.name, e.Offset, t.next.Load())
		}
		t.seen, t.at = append(t.seen, simEntry{e.Author, e.Seq, e.Op}), log.CursorAfter(e)
		if t.next.Add(1)%64 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// reached returns the offset that comes next.
func (t *simTail) reached() uint64 { return t.next.Load() }

// check compares what the tail saw with the log.
func (t *simTail) check() error {
	seen := make(map[simEntry]bool, len(t.seen))
	for _, e := range t.seen {
		if seen[e] {
			return brokenf(simTails, "%s: entry %s/%d came twice", t.node.name, e.author.Short(), e.seq)
		}
		seen[e] = true
	}
	n := 0
	for e, err := range t.node.log.Entries(context.Background(), eventlog.Query{Order: eventlog.Arrival}) {
		switch {
		case err != nil:
			return brokenf(simTails, "%s: %v", t.node.name, err)
		case n == len(t.seen):
			return brokenf(simTails, "%s: missed %s/%d at offset %d", t.node.name, e.Author.Short(), e.Seq, e.Offset)
		case t.seen[n] != simEntry{e.Author, e.Seq, e.Op}:
			return brokenf(simTails, "%s: saw %s/%d where the log has %s/%d", t.node.name, t.seen[n].author.Short(), t.seen[n].seq, e.Author.Short(), e.Seq)
		}
		n++
	}
	if n < len(t.seen) {
		return brokenf(simTails, "%s: saw %d entries of %d", t.node.name, len(t.seen), n)
	}
	return nil
}
