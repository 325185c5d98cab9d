package gossip

import (
	"context"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// tap reads our own feed from the log as it grows and makes news of it, once for all links. It is a
// cursor into the log, not a queue: what is appended faster than it can be read is read in larger
// runs.
//
//	our feed:   a ─ b ─ c ─ d ─ e ─ f        our head
//	                    │after               news so far
//
// What was there before it began, and what is written while the feed is disputed, is left to
// anti-entropy.
type tap struct {
	g     *Gossip
	after crdt.Head
}

// run reads until ctx ends.
func (t *tap) run(ctx context.Context) {
	t.after = t.end()
	for ctx.Err() == nil {
		changed := t.g.log.Changed()
		for t.step(ctx) {
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// end returns where our feed ends, zero if it holds nothing or is disputed.
func (t *tap) end() crdt.Head {
	b, _ := t.branch()
	return b.Head
}

// branch returns the branch that our feed ends with, of the pieces that a prune may have parted the highest,
// and whether there is one: not while the feed is disputed.
func (t *tap) branch() (b crdt.Branch, ok bool) {
	f := t.g.log.Feed(t.g.self)
	if _, disputed := f.Disputed(); disputed {
		return b, false
	}
	for _, piece := range f.Branches {
		if piece.Head.Next > b.Head.Next {
			b, ok = piece, true
		}
	}
	return b, ok
}

// step makes the next run news and reports whether there was one.
func (t *tap) step(ctx context.Context) bool {
	b, ok := t.branch()
	if !ok || ctx.Err() != nil {
		return false
	}
	if t.after == (crdt.Head{}) {
		t.after = crdt.Head{Next: b.Start.First, ID: b.Parent}
	}
	if t.after == b.Head {
		return false
	}
	seg := crdt.Segment{Author: t.g.self, Start: b.Start, After: t.after, To: b.Head}
	run, err := t.g.log.Read(ctx, &seg, wire.MaxRunBytes)
	if err != nil || len(run.Ops) == 0 {
		if err != nil {
			t.g.readFailed(ctx, t.g.self, err)
		}
		t.after = b.Head // Anti-entropy sees to what was left out.
		return false
	}
	t.after = seg.After
	t.g.recent.put(news{author: t.g.self, head: seg.After, run: run.Clone()})
	return true
}
