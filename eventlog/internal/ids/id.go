package ids

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"

	"github.com/quipulog/quipu/crdt"
)

const (
	// Header is the header with an event's id.
	Header = "quipu-id"
	// Scope is the header with that in which the id counts.
	Scope = "quipu-client"
	// By is the header that names the follower that has emitted an entry. Such an entry is made of another one, of which it
	// may have the id, too: it bears none of its own.
	By = "quipu-by"
)

// ID is the id of an event, and what tells the event from others. That of an event without one is zero.
type ID struct {
	Scope, Text string
	key         key
	sum         [16]byte
}

// Of returns the id of an event, whose text it shares.
func Of(e *crdt.Event) (id ID) {
	for _, h := range e.Headers {
		switch h.Name {
		case Header:
			id.Text = h.Value
		case Scope:
			id.Scope = h.Value
		case By:
			return ID{}
		}
	}
	if id.Text == "" {
		return ID{}
	}
	h := sha256.New()
	id.key = keyOf(h, id.Scope, id.Text)
	h.Reset()
	write(h, e.Kind, e.Module, e.Subject, e.ContentType)
	h.Write(binary.AppendUvarint(nil, uint64(len(e.Headers))))
	for _, header := range e.Headers {
		write(h, header.Name, header.Value)
	}
	h.Write([]byte{byte(e.Retention)})
	h.Write(e.Payload)
	id.sum = [16]byte(h.Sum(nil))
	return id
}

// write adds texts to h, each behind its length.
func write(h hash.Hash, texts ...string) {
	for _, text := range texts {
		h.Write(binary.AppendUvarint(nil, uint64(len(text))))
		_, _ = io.WriteString(h, text)
	}
}

// IsZero reports whether it is that of an event without an id.
func (id *ID) IsZero() bool { return id.Text == "" }

// Repeats returns which of the events that are given together with these ids repeat an earlier one, each by its index with
// that one's. Where one has the id of an earlier one and is not the same it returns its index.
func Repeats(all []ID) (repeats map[int]int, other int, same bool) {
	if len(all) < 2 {
		return nil, 0, true
	}
	first := make(map[key]int, len(all))
	repeats = make(map[int]int)
	for i := range all {
		if all[i].IsZero() {
			continue
		}
		at, again := first[all[i].key]
		if !again {
			first[all[i].key] = i
		} else if repeats[i] = at; all[at].sum != all[i].sum {
			return nil, i, false
		}
	}
	return repeats, 0, true
}
