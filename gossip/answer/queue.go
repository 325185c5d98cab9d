package answer

import (
	"context"
	"errors"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// MaxWants bounds the wants of a peer that wait for their answer: twice what this program asks. One that asks
// more is told that it does not get them.
const MaxWants = 32

// ErrNoFrame says that a run cannot be sent: its author signed so few of its ops validly that those
// between two anchors are more than a frame holds.
var ErrNoFrame = errors.New("no frame holds the run up to its next valid signature")

// Log is what is needed of a log to answer wants: see package crdt. Its methods may be called from any goroutine.
type Log interface {
	Plan(context.Context, crdt.Want) ([]crdt.Segment, error)
	PlanSpan(context.Context, crdt.Span) (seg crdt.Segment, ok bool, err error)
	// Read returns the next run of a segment and moves seg.After; an empty run ends the segment.
	Read(ctx context.Context, seg *crdt.Segment, maxBytes int) (crdt.Run, error)
}

// Want is what a peer asks for: one of the two is set.
type Want struct {
	feed *wire.Want
	span *wire.SpanWant
}

// Feeds returns wants for whole feeds.
func Feeds(wants []wire.Want) []Want {
	all := make([]Want, len(wants))
	for i, w := range wants {
		all[i].feed = &w // alone, so that one that waits does not keep those beside it
	}
	return all
}

// Spans returns wants for spans.
func Spans(wants []wire.SpanWant) []Want {
	all := make([]Want, len(wants))
	for i, w := range wants {
		all[i].span = &w
	}
	return all
}

// End returns the message that ends a want to which nothing was sent.
func (w Want) End() wire.Done {
	if w.feed != nil {
		return wire.Done{Ask: w.feed.Ask, Author: w.feed.Author}
	}
	return wire.Done{Ask: w.span.Ask, Author: w.span.Author}
}

// Queue sends a peer what it asked for, one want after the other, run by run from disk. Log, Led and Most are
// required. One goroutine uses it.
type Queue struct {
	Log  Log
	Led  func(crdt.Author, crdt.Head) // told how far an answer to a want for a whole feed led
	Most func() int                   // how many bytes a run may have

	wants []Want
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

// Add takes in wants, at most [MaxWants] at a time, and returns an end for each of the others.
func (q *Queue) Add(wants []Want) (refused []wire.Message) {
	for _, w := range wants {
		if len(q.wants) < MaxWants {
			q.wants = append(q.wants, w)
			continue
		}
		refused = append(refused, w.End())
	}
	return refused
}

// Next returns the next message of the answers: a run, the end of an answer, or nil when nothing is
// asked. With an error, the message ends the answer: the log could not be read, or [ErrNoFrame].
func (q *Queue) Next(ctx context.Context) (wire.Message, error) {
	if len(q.wants) == 0 {
		return nil, nil
	}
	w, now := q.wants[0], &q.first
	if !now.planned {
		if err := q.plan(ctx, w); err != nil {
			return q.done(), err
		}
	}
	for len(now.segments) > 0 {
		most := q.Most()
		if w.span != nil {
			most = min(most, int(w.span.MaxBytes)-now.sent)
			if most <= 0 {
				return q.done(), nil
			}
		}
		seg := &now.segments[0]
		run, err := q.Log.Read(ctx, seg, most)
		if err != nil {
			return q.done(), err
		}
		if len(run.Ops) > 0 {
			end := w.End()
			m := wire.Ops{Author: end.Author, Ask: end.Ask, Run: run}
			if !m.Fits() {
				return q.done(), ErrNoFrame
			}
			now.next = seg.After.Next
			now.sent += run.Size()
			return m, nil
		}
		if w.feed != nil && len(now.segments) == 1 {
			q.Led(w.feed.Author, seg.After)
		}
		now.segments = now.segments[1:]
	}
	now.complete = now.planned
	return q.done(), nil
}

// plan finds what answers a want.
func (q *Queue) plan(ctx context.Context, w Want) (err error) {
	if w.feed != nil {
		q.first.segments, err = q.Log.Plan(ctx, w.feed.Want)
		q.first.planned = err == nil
		return err
	}
	seg, ok, err := q.Log.PlanSpan(ctx, w.span.Span)
	if ok {
		q.first.segments = []crdt.Segment{seg}
	}
	q.first.planned = ok && err == nil
	return err
}

// done ends the first want.
func (q *Queue) done() wire.Message {
	d := q.wants[0].End()
	d.Complete, d.Next = q.first.complete, q.first.next
	q.wants, q.first = q.wants[1:], answering{}
	return d
}
