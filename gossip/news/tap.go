package news

import (
	"context"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// Log is what is needed of a log to make news of its own feed. Its methods may be called from any goroutine.
type Log interface {
	Author() crdt.Author
	Feed(crdt.Author) crdt.Feed
	// Changed returns a channel that is closed at the next commit that adds ops.
	Changed() <-chan struct{}
	// Read returns the next run of a segment, which ends at an op whose signature was checked, and moves
	// seg.After. The run may keep more memory alive than it needs.
	Read(ctx context.Context, seg *crdt.Segment, maxBytes int) (crdt.Run, error)
}

// Tap reads our own feed from the log as it grows and makes news of it, once for all links. It is a cursor into the
// log, not a queue: what is appended faster than it can be read is read in larger runs.
//
//	our feed:   a ─ b ─ c ─ d ─ e ─ f        our head
//	                    │after               news so far
//
// What was there before it began, and what is written while the feed is disputed, is left to anti-entropy.
type Tap struct {
	Log    Log
	Ring   *Ring
	Failed func(error) // told of what could not be read

	after crdt.Head
}

// Run reads until ctx ends.
func (t *Tap) Run(ctx context.Context) {
	t.after = t.end()
	for ctx.Err() == nil {
		changed := t.Log.Changed()
		for t.step(ctx) {
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// end returns where our feed ends, zero if it holds nothing or is disputed.
func (t *Tap) end() crdt.Head {
	b, _ := t.branch()
	return b.Head
}

// branch returns the branch that our feed ends with, of the pieces that a prune may have parted the highest,
// and whether there is one: not while the feed is disputed.
func (t *Tap) branch() (b crdt.Branch, ok bool) {
	f := t.Log.Feed(t.Log.Author())
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
func (t *Tap) step(ctx context.Context) bool {
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
	seg := crdt.Segment{Author: t.Log.Author(), Start: b.Start, After: t.after, To: b.Head}
	run, err := t.Log.Read(ctx, &seg, wire.MaxRunBytes)
	if err != nil || len(run.Ops) == 0 {
		if err != nil {
			t.Failed(err)
		}
		t.after = b.Head // Anti-entropy sees to what was left out.
		return false
	}
	t.after = seg.After
	t.Ring.Put(Item{Author: t.Log.Author(), Head: seg.After, Run: run.Clone()})
	return true
}
