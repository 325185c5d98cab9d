package gossip

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
)

// lookout looks for members that died without a word.
type lookout struct {
	g      *Gossip
	wake   chan struct{}                  // of one place; receives when a member may be lost
	pauses map[crdt.Author]*backoff.Pause // of those that were tried and are still lost
}

const (
	// lostTime is how long a member that died is looked for.
	lostTime = time.Hour
	// lostTryTime bounds one try to join it.
	lostTryTime = 10 * time.Second
	// maxLostTries bounds the lost members that are tried at a time.
	maxLostTries = 8
)

func newLookout(g *Gossip) *lookout {
	return &lookout{g: g, wake: make(chan struct{}, 1), pauses: make(map[crdt.Author]*backoff.Pause)}
}

// nudge says that a member may be lost.
func (o *lookout) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run looks for lost members until ctx ends.
func (o *lookout) run(ctx context.Context) {
	for sleep(ctx, o.g.pace.dialLow/2) == nil {
		if o.try(ctx, time.Now()); len(o.pauses) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-o.wake:
		}
	}
}

// try tries to join lost members, after the pauses of those that were tried before, and waits for the tries.
func (o *lookout) try(ctx context.Context, now time.Time) {
	var tries sync.WaitGroup
	defer tries.Wait()
	lost := make(map[crdt.Author]bool)
	tried := 0
	for _, m := range o.lost(now) {
		lost[m.Author] = true
		p := o.pauses[m.Author]
		if p == nil {
			p = new(backoff.Pause)
			o.pauses[m.Author] = p
		}
		if p.Over(now) && tried < maxLostTries {
			p.Fail(now, o.g.pace.dialLow, o.g.pace.dialHigh)
			tried++
			tries.Go(func() { o.join(ctx, m) })
		}
	}
	maps.DeleteFunc(o.pauses, func(a crdt.Author, _ *backoff.Pause) bool { return !lost[a] })
}

// lost returns the members that died without a word: if all of them did at once, it was the network that
// broke, and nobody else may know them. Another process with this node's key may be such a one.
func (o *lookout) lost(now time.Time) []Member {
	lost := slices.DeleteFunc(o.g.Members(), func(m Member) bool { return m.State != Dead || now.Sub(m.Since) > lostTime })
	if at, seen := o.g.members.Twin(); now.Sub(seen) < lostTime {
		lost = append(lost, Member{Author: o.g.self, Addr: at})
	}
	return lost
}

// join tries to join a member that died.
func (o *lookout) join(ctx context.Context, m Member) {
	try, cancel := context.WithTimeout(ctx, lostTryTime)
	defer cancel()
	peer, err := o.g.meetAt(try, ctx, m.Addr.String(), m.Author)
	if err == nil {
		err = o.g.members.Join(try, peer, m.Addr)
	}
	if err == nil {
		o.g.logger.Info("found a lost member again", "peer", m.Author.Short(), "addr", m.Addr)
	}
}
