package gossip_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// simTail follows a node's log for as long as it is up, and goes on where it was when it is up again: it keeps the
// cursor that the log gave it. It is slow now and then.
type simTail struct {
	node   *simNode
	cancel context.CancelFunc
	done   chan struct{}

	mu sync.Mutex // held where what it guards changes, and where another goroutine looks while the tail rests
	simSeen
}

// simSeen is how far a tail has come.
type simSeen struct {
	at   eventlog.Cursor // the offset that comes next, as the log says it
	seen []simEntry      // by offset
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

// place returns where the tail is, while it rests.
func (t *simTail) place() simSeen {
	t.mu.Lock()
	defer t.mu.Unlock()
	return simSeen{t.at, slices.Clone(t.seen)}
}

// goBack has the tail, which is stopped, go on from a place.
func (t *simTail) goBack(to simSeen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.simSeen = simSeen{to.at, slices.Clone(to.seen)}
}

// refused has the tail go on where the log says that it misses nothing, or begin again, since its cursor is of arrivals
// that are not there any more: that happens only with a folder that was put back, or copied.
func (t *simTail) refused(err error) error {
	wrong, ok := errors.AsType[*eventlog.CursorError](err)
	if !ok || !t.node.unsure.Load() || wrong.Safe.Offset >= t.reached() {
		return brokenf(simTails, "%s: at %s: %v", t.node.name, t.at, err)
	}
	t.goBack(simSeen{wrong.Safe, t.seen[:wrong.Safe.Offset]})
	return nil
}

// follow takes entries until ctx ends.
func (t *simTail) follow(ctx context.Context, log *eventlog.Log) error {
	for ctx.Err() == nil {
		if err := t.read(ctx, log); err != nil {
			return err
		}
	}
	return nil
}

// read takes entries until ctx ends, or the tail must go on elsewhere. Each must have the offset after the last one's.
func (t *simTail) read(ctx context.Context, log *eventlog.Log) error {
	skip, skips := t.node.sim.flaw.tailSkips[t.node.name]
	q := eventlog.Query{After: t.at}
	if t.node.sim.flaw.tailTrusts {
		q = eventlog.Query{FromOffset: t.reached()}
	}
	for e, err := range log.Tail(ctx, q) {
		damaged, isDamaged := errors.AsType[*eventlog.DamagedError](err)
		switch {
		case errors.Is(err, context.Canceled):
			return nil
		case errors.Is(err, eventlog.ErrForeignCursor):
			return t.refused(err)
		case isDamaged && t.node.spoiled.Load():
			t.node.sim.tell("   the tail of %s waits: %v", t.node.name, damaged)
			time.Sleep(time.Second) // until it has come back
			return nil
		case t.node.spoiled.Load() && err == nil && e.Offset > t.reached():
			lost := make([]simEntry, e.Offset-t.reached()) // what lay between was given up
			for i := range lost {
				lost[i].author = t.node.author()
			}
			t.goBack(simSeen{t.at, append(t.seen, lost...)})
		case err != nil:
			return brokenf(simTails, "%s: %v", t.node.name, err)
		case skips && e.Offset == skip:
			continue
		case e.Offset != t.reached():
			return brokenf(simTails, "%s: offset %d where %d comes next", t.node.name, e.Offset, t.reached())
		}
		t.mu.Lock()
		t.seen, t.at = append(t.seen, simEntry{e.Author, e.Seq, e.Op}), log.CursorAfter(e)
		t.mu.Unlock()
		if len(t.seen)%64 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// reached returns the offset that comes next.
func (t *simTail) reached() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return uint64(len(t.seen))
}

// check compares what the tail saw with the log.
func (t *simTail) check() error {
	seen := t.place().seen
	once := make(map[simEntry]bool, len(seen))
	for _, e := range seen {
		if once[e] && !(t.node.spoiled.Load() && e.author == t.node.author()) { // what was given up may come back, and arrives anew
			return brokenf(simTails, "%s: entry %s/%d came twice", t.node.name, e.author.Short(), e.seq)
		}
		once[e] = true
	}
	n := 0
	for e, err := range t.node.log.Entries(context.Background(), eventlog.Query{Order: eventlog.Arrival}) {
		if t.node.spoiled.Load() && e.Offset > uint64(n) {
			n = int(min(e.Offset, uint64(len(seen)))) // what lies between was given up
		}
		switch {
		case err != nil:
			return brokenf(simTails, "%s: %v", t.node.name, err)
		case n == len(seen):
			return brokenf(simTails, "%s: missed %s/%d at offset %d", t.node.name, e.Author.Short(), e.Seq, e.Offset)
		case seen[n] != simEntry{e.Author, e.Seq, e.Op}:
			return brokenf(simTails, "%s: saw %s/%d where the log has %s/%d", t.node.name, seen[n].author.Short(), seen[n].seq, e.Author.Short(), e.Seq)
		}
		n++
	}
	if n < len(seen) && !t.node.spoiled.Load() {
		return brokenf(simTails, "%s: saw %d entries of %d", t.node.name, len(seen), n)
	}
	return nil
}
