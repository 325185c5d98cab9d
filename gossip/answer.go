package gossip

import (
	"context"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// answerer sends a peer what it asked for, one want after the other, run by run from disk.
type answerer struct {
	log  Log
	head func(crdt.Author, crdt.Head) // told how far an answer to a want for a whole feed led
	most func() int                   // how many bytes a run may have

	wants []want
	first answering // of the first want, once it is planned
}

// answering is an answer that is being sent.
type answering struct {
	planned  bool
	complete bool
	segments []crdt.Segment
	next     uint64 // the seq after the last op that was sent
	sent     int    // bytes
}

// add takes in wants, at most [maxAnswers] at a time, and returns an end for each of the others.
func (a *answerer) add(wants []want) (refused []wire.Message) {
	for _, w := range wants {
		if len(a.wants) < maxAnswers {
			a.wants = append(a.wants, w)
			continue
		}
		refused = append(refused, wire.Done{Ask: w.number(), Author: w.author()})
	}
	return refused
}

// next returns the next message of the answers: a run, the end of an answer, or nil when nothing is
// asked. With an error, the message ends the answer.
func (a *answerer) next(ctx context.Context) (wire.Message, error) {
	if len(a.wants) == 0 {
		return nil, nil
	}
	w, now := a.wants[0], &a.first
	if !now.planned {
		if err := a.plan(ctx, w); err != nil {
			return a.done(), err
		}
	}
	for len(now.segments) > 0 {
		most := a.most()
		if w.span != nil {
			most = min(most, int(w.span.MaxBytes)-now.sent)
			if most <= 0 {
				return a.done(), nil
			}
		}
		seg := &now.segments[0]
		run, err := a.log.Read(ctx, seg, most)
		if err != nil {
			return a.done(), err
		}
		if len(run.Ops) > 0 {
			now.next = seg.After.Next
			now.sent += run.Size()
			return wire.Ops{Author: w.author(), Ask: w.number(), Run: run}, nil
		}
		if w.feed != nil && len(now.segments) == 1 {
			a.head(w.author(), seg.After)
		}
		now.segments = now.segments[1:]
	}
	now.complete = now.planned
	return a.done(), nil
}

// plan finds what answers a want.
func (a *answerer) plan(ctx context.Context, w want) (err error) {
	if w.feed != nil {
		a.first.segments, err = a.log.Plan(ctx, w.feed.Want)
		a.first.planned = err == nil
		return err
	}
	seg, ok, err := a.log.PlanSpan(ctx, w.span.Span)
	if ok {
		a.first.segments = []crdt.Segment{seg}
	}
	a.first.planned = ok && err == nil
	return err
}

// done ends the first want.
func (a *answerer) done() wire.Message {
	d := wire.Done{Ask: a.wants[0].number(), Author: a.wants[0].author(), Complete: a.first.complete, Next: a.first.next}
	a.wants, a.first = a.wants[1:], answering{}
	return d
}
