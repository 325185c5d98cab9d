package gossip

import (
	"context"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// pusher sends our own feed to a peer as it grows. It is a cursor into the log, not a queue: what the
// peer is too slow to take stays on disk.
//
//	our feed:   a ─ b ─ c ─ d ─ e ─ f        our head
//	                    │after               pushed so far, or held by the peer from the beginning
//
// When our feed is disputed, or the peer began with ops of ours that are not here, it sends nothing,
// and anti-entropy does the work.
type pusher struct {
	log   Log
	roots *roots
	self  crdt.Author
	held  []crdt.Head // what the peer held at the beginning
	after crdt.Head
	ready bool // after is set
	off   bool // reading failed, or the peer's copy is not a beginning of ours
}

// next returns the next run to push, without ops when there is none.
func (p *pusher) next(ctx context.Context) (crdt.Run, error) {
	if p.off || p.roots.hasShut(p.self) {
		return crdt.Run{}, nil
	}
	f := p.log.Feed(p.self)
	if len(f.Branches) != 1 {
		return crdt.Run{}, nil
	}
	b := f.Branches[0]
	if !p.ready {
		if err := p.begin(ctx, b); err != nil || p.off {
			return crdt.Run{}, err
		}
	}
	if p.after == b.Head {
		return crdt.Run{}, nil
	}
	seg := crdt.Segment{Author: p.self, Start: b.Start, After: p.after, To: b.Head}
	run, err := p.log.Read(ctx, &seg, wire.MaxRunBytes)
	p.after = seg.After
	return run, err
}

// begin finds the place after what the peer held at the beginning.
func (p *pusher) begin(ctx context.Context, b crdt.Branch) error {
	p.ready, p.after = true, crdt.Head{Next: b.Start.First, ID: b.Parent}
	if len(p.held) == 0 {
		return nil
	}
	if len(p.held) == 1 && p.held[0] == b.Head {
		p.after = b.Head
		return nil
	}
	segments, err := p.log.Plan(ctx, crdt.Want{Author: p.self, Locator: crdt.Locator{Heads: p.held}})
	if err != nil {
		return err
	}
	switch {
	case len(segments) == 1 && segments[0].After != p.after:
		p.after = segments[0].After
	case len(segments) == 0:
		p.after = b.Head
	default:
		p.off = true
	}
	return nil
}

// sent takes note that the peer has been sent everything up to head as an answer: pushing goes on from
// there, whatever hindered it before.
func (p *pusher) sent(head crdt.Head) {
	p.after, p.ready, p.off = head, true, false
}
