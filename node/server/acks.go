package server

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/eventlog"
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
	last *eventlog.Appended // of what is durable, see latest; nil before the first

	stored  chan stored // nil unless each place waits
	running sync.WaitGroup
	late    error              // why run has ended early; of run, until running is done
	giveUp  context.CancelFunc // ends the reading and storing, which have then no use
}

// stored are the places of a batch, and when it was durable here.
type stored struct {
	places []eventlog.Appended
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
func (a *acks) put(ctx context.Context, places []eventlog.Appended) error {
	if len(places) == 0 {
		return nil
	}
	if last := latest(places); a.last == nil || a.last.Known || !last.Known {
		a.last = last
	}
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
	return a.s.awaitReplicated(ctx, a.last.Place, a.wait, time.Now())
}

// run tells the places of batch after batch once others hold them. It ends early at the first that is not held in
// time, or when the client has left.
func (a *acks) run(ctx context.Context) error {
	for batch := range a.stored {
		places := batch.places
		err := a.s.awaitReplicated(ctx, latest(places).Place, a.wait, batch.at)
		if err != nil {
			lacks := func(p eventlog.Appended) bool { return !a.s.replicated(ctx, p.Place, a.wait) }
			if n := slices.IndexFunc(places, lacks); n >= 0 {
				places = places[:n]
			}
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

// latest returns the entry that others have last of all: the last of those that are new, if one is.
func latest(all []eventlog.Appended) *eventlog.Appended {
	last := &all[len(all)-1]
	for i := range all {
		if !all[i].Known {
			last = &all[i]
		}
	}
	return last
}

// tell sends places.
func (a *acks) tell(places []eventlog.Appended) error {
	for _, p := range places {
		line := append(append([]byte{'"'}, p.String()...), '"')
		if p.Known {
			line = append(append([]byte(`{"place":`), line...), `,"known":true}`...)
		}
		if err := a.out.put(line); err != nil {
			return &leftError{err}
		}
	}
	if err := a.out.flush(); err != nil {
		return &leftError{err}
	}
	return nil
}
