package request

import (
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/ids"
)

// Appended says where the entry of an event is.
type Appended struct {
	crdt.Place
	Known bool // it was there before
}

// Complete says that all events are there. Its error says that two of them have one id, and are not the same event.
func (r *Request) Complete() error {
	if len(r.ids) == 0 {
		return nil
	}
	repeats, at, same := ids.Repeats(r.ids)
	if !same {
		return r.wrong(at, &ids.ReusedError{Scope: r.ids[at].Scope, ID: r.ids[at].Text})
	}
	r.appended, r.repeats = make([]Appended, len(r.Drafts)), repeats
	return nil
}

// Commit has add append the events, and keep the id of each, nil for none; but for those whose id known says that an entry
// bears. That this is another event's is the request's error alone: then nothing is appended.
func (r *Request) Commit(known func(id *ids.ID) (crdt.Place, bool, error), add func(d *crdt.Draft, id *ids.ID) (crdt.Place, error)) error {
	r.Err = nil // of an earlier try
	for i := range r.ids {
		if r.ids[i].IsZero() {
			continue
		}
		place, is, err := known(&r.ids[i])
		if _, reused := errors.AsType[*ids.ReusedError](err); reused {
			r.Err = r.wrong(i, err)
			return nil
		}
		if err != nil {
			return err
		}
		r.appended[i] = Appended{place, is}
	}
	for i := range r.Drafts {
		var id *ids.ID
		if i < len(r.ids) && !r.ids[i].IsZero() {
			id = &r.ids[i]
		}
		if err := r.add(i, id, add); err != nil {
			return err
		}
	}
	return nil
}

// add appends an event, unless it is known.
func (r *Request) add(i int, id *ids.ID, add func(d *crdt.Draft, id *ids.ID) (crdt.Place, error)) (err error) {
	var a Appended
	first, repeats := r.repeats[i]
	switch {
	case id != nil && r.appended[i].Known:
		a = r.appended[i]
	case repeats:
		a = Appended{r.appended[first].Place, true}
	default:
		if a.Place, err = add(&r.Drafts[i], id); err != nil {
			return err
		}
	}
	if i == 0 {
		r.First = a.Place
	}
	if r.appended != nil {
		r.appended[i] = a
	}
	return nil
}

// Appended returns where the entry of each event is.
func (r *Request) Appended() []Appended {
	if r.appended != nil {
		return r.appended
	}
	all := make([]Appended, len(r.Drafts))
	for i, p := range r.Places() {
		all[i].Place = p
	}
	return all
}

// Places returns the places of the entries.
func (r *Request) Places() []crdt.Place {
	if r.appended == nil {
		return PlacesFrom(r.First, len(r.Drafts))
	}
	places := make([]crdt.Place, len(r.appended))
	for i, a := range r.appended {
		places[i] = a.Place
	}
	return places
}

// wrong says what is wrong with an event, and with which one where there are several.
func (r *Request) wrong(i int, err error) error {
	if n := len(r.Drafts); n > 1 {
		return fmt.Errorf("append event %d of %d: %w", i+1, n, err)
	}
	return fmt.Errorf("append event: %w", err)
}
