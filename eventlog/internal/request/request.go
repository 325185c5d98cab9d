// Package request is what one append carries to whoever commits it: its events as drafts, and what became of them.
// The memory is used again.
package request

import (
	"sync"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/ids"
)

// maxKept bounds the memory that a request keeps for the next append, in bytes.
const maxKept = 256 << 10

// Request is one caller's events on their way to become entries. It comes from [Get], and goes back by
// [Request.Release] once nobody else has it and the caller has its outcome.
type Request struct {
	Drafts []crdt.Draft
	Bytes  int        // of the drafts
	First  crdt.Place // of the first entry; the others follow it
	Err    error
	buf    []byte // what the drafts refer to

	// ids are those of the first events, up to the last that has one. Where one has, appended says what became of each, and
	// repeats which of them repeat an earlier one, by their indexes.
	ids      []ids.ID
	appended []Appended
	repeats  map[int]int
}

var requests = sync.Pool{New: func() any { return new(Request) }}

// Get returns a request of no events.
func Get() *Request { return requests.Get().(*Request) }

// Add checks and encodes an event, which it does not keep. Its errors are those of [crdt.NewDraft].
func (r *Request) Add(e *crdt.Event) error {
	draft, buf, err := crdt.AppendDraft(r.buf, e)
	if err != nil {
		return err
	}
	r.Drafts, r.buf = append(r.Drafts, draft), buf
	r.Bytes += draft.Size()
	if id := ids.Of(e); !id.IsZero() {
		r.ids = append(r.ids, make([]ids.ID, len(r.Drafts)-len(r.ids))...)
		r.ids[len(r.Drafts)-1] = id
	}
	return nil
}

// Named reports whether one of the events has an id.
func (r *Request) Named() bool { return len(r.ids) > 0 }

// Release gives r back for the next append, unless it has grown large.
func (r *Request) Release() {
	if cap(r.buf) > maxKept || cap(r.Drafts) > crdt.MaxOpEntries {
		return
	}
	clear(r.Drafts) // some may refer to a smaller buf of before
	clear(r.ids)
	*r = Request{Drafts: r.Drafts[:0], ids: r.ids[:0], buf: r.buf[:0]}
	requests.Put(r)
}

// PlacesFrom returns n places, one after the other, from first on.
func PlacesFrom(first crdt.Place, n int) []crdt.Place {
	places := make([]crdt.Place, n)
	for i := range places {
		places[i] = first
		places[i].Seq += uint64(i)
	}
	return places
}
