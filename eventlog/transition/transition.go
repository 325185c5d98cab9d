package transition

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog"
)

// Kind is the kind of the events that are transitions.
const Kind = "quipu.transition"

// ErrInvalid is wrapped by every error that says why a move, or an event of kind [Kind], cannot be
// appended.
var ErrInvalid = errors.New("invalid transition")

// Move is what a program hands in. Only Subject and To are required.
type Move struct {
	// Subject is what moves: up to 1 KiB.
	Subject string
	// From is the stage that the writer says the subject is in, up to 255 bytes; "" is the stage of a new
	// subject. Nil stands for the stage that the log says the subject is in. Another stage than that is
	// appended all the same: it is the writer's word, and a replay names it.
	From *string
	// To is the stage that the subject moves to: 1 to 255 bytes.
	To string
	// Trigger is what caused the move: up to 1 KiB.
	Trigger string

	// Module, Time and Headers are those of the event.
	Module  string
	Time    time.Time
	Headers []crdt.EventHeader
}

// Event returns the move as an event. What its payload leaves out is filled in by the functions that append.
func (m Move) Event() (crdt.Event, error) {
	p := payload{from: m.From, to: m.To, trigger: m.Trigger}
	if m.Subject == "" {
		return crdt.Event{}, fmt.Errorf("%w: it has no subject", ErrInvalid)
	}
	if err := p.check(); err != nil {
		return crdt.Event{}, fmt.Errorf("%w: %s: %w", ErrInvalid, clip.Text(m.Subject), err)
	}
	return crdt.Event{
		Kind: Kind, Module: m.Module, Subject: m.Subject, Time: m.Time, Headers: m.Headers,
		Payload: p.encode(),
	}, nil
}

// Transition is a move in the log.
type Transition struct {
	// Entry is the entry that the transition was read from.
	Entry eventlog.Entry
	// Subject is what moved.
	Subject string
	// From, To and Trigger are the writer's word. They are empty when the entry is malformed.
	From, To, Trigger string
	// After is the transition of the subject that the writer had last seen; zero for none.
	After After
	// Malformed says why the payload cannot be read; nil when it can.
	Malformed error
}

// Place returns the After with which another transition names this one.
func (t Transition) Place() After {
	return After{Author: t.Entry.Author, Seq: t.Entry.Seq, Op: t.Entry.Op}
}

// Clone returns a transition that shares no memory with t.
func (t Transition) Clone() Transition {
	t.Entry = t.Entry.Clone()
	t.Subject = t.Entry.Subject
	return t
}

// Parse reads a transition from an entry of kind [Kind]. It never fails: whatever a stranger has written
// becomes a transition, a malformed one where it cannot be read.
func Parse(e eventlog.Entry) Transition { return parse(e, nil) }

func parse(e eventlog.Entry, checked authors) Transition {
	t := Transition{Entry: e, Subject: e.Subject}
	p, err := parseEvent(e.Event, false, checked)
	if err != nil {
		t.Malformed = err
		return t
	}
	t.To, t.Trigger = p.to, p.trigger
	if p.from != nil {
		t.From = *p.from
	}
	if p.after != nil {
		t.After = *p.after
	}
	return t
}

// Check returns why an event of kind [Kind] cannot be appended, or nil. It takes any JSON payload with the
// fields of a transition, of which from, trigger and after may be left out. Every error wraps [ErrInvalid].
func Check(e crdt.Event) error {
	_, err := parseEvent(e, true, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

func parseEvent(e crdt.Event, strict bool, checked authors) (payload, error) {
	switch {
	case e.Kind != Kind:
		return payload{}, fmt.Errorf("kind %q: expected %s", clip.Text(e.Kind), Kind)
	case e.Subject == "":
		return payload{}, errors.New("it has no subject")
	case e.ContentType != "" && e.ContentType != "application/json":
		return payload{}, fmt.Errorf("content type %q: expected application/json", clip.Text(e.ContentType))
	}
	return parsePayload(e.Payload, strict, checked)
}

// Read yields the transitions that the query takes, in its order, malformed ones included; the query's
// kinds are set to [Kind]. What is gone is left out, whatever the query says, since transitions are never
// trimmed: see [eventlog.Log.Gone]. Errors are those of [eventlog.Log.Entries].
func Read(ctx context.Context, log *eventlog.Log, q eventlog.Query) iter.Seq2[Transition, error] {
	q.Kinds = []string{Kind}
	if q.Gone == eventlog.ShowGone {
		q.Gone = eventlog.SkipGone
	}
	return func(yield func(Transition, error) bool) {
		checked := make(authors)
		for e, err := range log.Entries(ctx, q) {
			if err != nil {
				yield(Transition{}, err)
				return
			}
			if !yield(parse(e, checked), nil) {
				return
			}
		}
	}
}
