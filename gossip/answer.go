package gossip

import (
	"context"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// answerer sends a peer what it asked for, one want after the other, run by run from disk.
type answerer struct {
	log      Log
	wants    []crdt.Want
	segments []crdt.Segment // of the first want, once planned
	planned  bool
}

// add takes in wants. One for an author whose want waits already replaces it.
func (a *answerer) add(wants []crdt.Want) {
	for _, w := range wants {
		if i := a.waiting(w.Author); i >= 0 {
			a.wants[i] = w
			continue
		}
		a.wants = append(a.wants, w)
	}
}

// waiting returns the place of the want for an author that has not been begun, -1 if there is none.
func (a *answerer) waiting(author crdt.Author) int {
	for i, w := range a.wants {
		if w.Author == author && (i > 0 || !a.planned) {
			return i
		}
	}
	return -1
}

// busy reports whether the author's feed is being sent.
func (a *answerer) busy(author crdt.Author) bool {
	return a.planned && len(a.wants) > 0 && a.wants[0].Author == author
}

// next returns the next message of the answers: a run, the end of an answer, or nil when nothing is
// asked. At the end of an answer, last is the head that it led to, if it led to one.
func (a *answerer) next(ctx context.Context) (m wire.Message, last crdt.Head, err error) {
	if len(a.wants) == 0 {
		return nil, crdt.Head{}, nil
	}
	author := a.wants[0].Author
	if !a.planned {
		segments, err := a.log.Plan(ctx, a.wants[0])
		if err != nil {
			return a.done(author, false), crdt.Head{}, err
		}
		a.segments, a.planned = segments, true
	}
	for len(a.segments) > 0 {
		seg := &a.segments[0]
		run, err := a.log.Read(ctx, seg, wire.MaxRunBytes)
		if err != nil {
			return a.done(author, false), crdt.Head{}, err
		}
		if len(run.Ops) > 0 {
			return wire.Ops{Author: author, Answer: true, Run: run}, crdt.Head{}, nil
		}
		last = seg.After
		a.segments = a.segments[1:]
	}
	return a.done(author, true), last, nil
}

// done ends the first want.
func (a *answerer) done(author crdt.Author, complete bool) wire.Message {
	a.wants, a.segments, a.planned = a.wants[1:], nil, false
	return wire.Done{Author: author, Complete: complete}
}
