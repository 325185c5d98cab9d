package server

import (
	"context"
	"sort"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// maxUnacked bounds the batches that are durable here and wait for other nodes before their places are told.
const maxUnacked = 64

// acks tells a client the places of what it appends, in their order: each when its entry is durable here, or with
// [api.Wait.Each] when others hold it too. What is appended next does not wait for that, up to a bound.
//
//	storeAll ──put──▶ stored ──run──▶ the answer
//	   │ a batch is durable       │ others hold it
type acks struct {
	s    *server
	out  *lines
	wait api.Wait
	last *crdt.Place // of what is durable; nil before the first

	stored  chan stored // nil unless each place waits
	running sync.WaitGroup
	late    error              // why run has ended early; of run, until running is done
	giveUp  context.CancelFunc // ends the reading and storing, which have then no use
}

// stored are the places of a batch, and when it was durable here.
type stored struct {
	places []crdt.Place
	at     time.Time
}

// newAcks returns the acks of a call. End has to be called. ctx is the call's; giveUp ends what it appends.
func (s *server) newAcks(ctx context.Context, out *lines, wait api.Wait, giveUp context.CancelFunc) *acks {
	a := &acks{s: s, out: out, wait: wait, giveUp: giveUp}
	if wait.Each {
		a.stored = make(chan stored, maxUnacked)
		a.running.Go(func() { a.late = a.run(ctx) })
	}
	return a
}

// put takes the places of what has just become durable. ctx ends a wait for those before.
func (a *acks) put(ctx context.Context, places []crdt.Place) error {
	if len(places) == 0 {
		return nil
	}
	a.last = &places[len(places)-1]
	if a.stored == nil {
		return a.tell(places)
	}
	select {
	case a.stored <- stored{places, time.Now()}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end waits until all is told, or for the others at the end, unless something failed before. It returns what the
// answer ends with.
func (a *acks) end(ctx context.Context, failed error) error {
	if a.stored != nil {
		close(a.stored)
		a.running.Wait()
		if a.late != nil {
			return a.late
		}
	}
	if failed != nil || a.stored != nil || a.wait.IsZero() || a.last == nil {
		return failed
	}
	return a.s.awaitReplicated(ctx, *a.last, a.wait, time.Now())
}

// run tells the places of batch after batch once others hold them. It ends early at the first that is not held in
// time, or when the client has left.
func (a *acks) run(ctx context.Context) error {
	for batch := range a.stored {
		places := batch.places
		err := a.s.awaitReplicated(ctx, places[len(places)-1], a.wait, batch.at)
		if err != nil {
			// Who holds one of them holds those before it.
			n := sort.Search(len(places), func(i int) bool { return !a.s.replicated(ctx, places[i], a.wait) })
			places = places[:n]
		}
		if left := a.tell(places); left != nil {
			err = left
		}
		if err != nil {
			a.giveUp()
			return err
		}
	}
	return nil
}

// tell sends places.
func (a *acks) tell(places []crdt.Place) error {
	for _, p := range places {
		if err := a.out.put(append(append([]byte{'"'}, p.String()...), '"')); err != nil {
			return &leftError{err}
		}
	}
	if err := a.out.flush(); err != nil {
		return &leftError{err}
	}
	return nil
}
