package crdt

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// entry takes one entry of an op and fills e with it, whose Retention is that of the op. The headers go into
// room; without any they are checked and left out of e.
func (s *shape) entry(e *Event, room *headerRoom) {
	s.tuple("entry", 7)
	e.Time = time.Unix(0, s.int("time")).UTC()
	e.Kind = s.str("kind", 1, MaxKind)
	if e.Retention != Persistent && strings.HasPrefix(e.Kind, ReservedPrefix) {
		s.fail("kind %q is reserved and %s", e.Kind, e.Retention)
	}
	e.Module = s.str("module", 0, MaxModule)
	e.Subject = s.str("subject", 0, MaxSubject)
	e.ContentType = s.str("content type", 0, MaxContentType)
	e.Headers = s.eventHeaders(room)
	e.Payload = s.bin("payload", 0, MaxPayload)
}

func (s *shape) eventHeaders(room *headerRoom) []EventHeader {
	if s.peek() == 0x90 {
		s.at++
		return nil // as most entries have it
	}
	n := s.array("headers", MaxHeaders)
	room.reserve(n, len(s.b)-s.at)
	var last EventHeader
	size := 0
	for i := 0; i < n && s.err == nil; i++ {
		s.tuple("header", 2)
		h := EventHeader{Name: s.str("header name", 1, MaxHeaders), Value: s.str("header value", 0, MaxHeaders)}
		if i > 0 && last.Name >= h.Name {
			s.fail("header names are not strictly ascending")
		}
		if size += len(h.Name) + len(h.Value); size > MaxHeaders {
			s.fail("headers have more than %d bytes together", MaxHeaders)
		}
		room.put(h)
		last = h
	}
	return room.take()
}

// headerRoom is memory for the headers of many entries, so that they need none of their own. A nil one keeps nothing.
type headerRoom struct {
	left int           // entries that are not read yet, the one at hand included
	free []EventHeader // the headers of the entry at hand, and room for others
}

// leastHeader is the least that a header takes in an entry, in bytes: two elements, a name of one byte, no value.
const leastHeader = 4

// reserve makes room for n headers, and as many for each entry to come, but for no more than so many bytes can hold.
func (r *headerRoom) reserve(n, bytes int) {
	if r != nil && cap(r.free) < n {
		r.free = make([]EventHeader, 0, min(n*r.left, bytes/leastHeader))
	}
}

func (r *headerRoom) put(h EventHeader) {
	if r != nil {
		r.free = append(r.free, h)
	}
}

// take returns the headers that were put.
func (r *headerRoom) take() []EventHeader {
	if r == nil {
		return nil
	}
	taken := slices.Clip(r.free)
	r.free = r.free[len(taken):]
	return taken
}

// header takes the header of an op.
func (s *shape) header() (h Header) {
	s.version("op", 10)
	s.fill("log", h.Log[:])
	s.fill("author", h.Author[:])
	h.First = s.uint("first", MaxSeq)
	h.Count = s.uint("count", MaxOpEntries+1)
	if h.Count == 0 || h.Next() >= MaxSeq {
		s.fail("first %d, count %d: expected 1 to %d entries that end below 2^53", h.First, h.Count, MaxOpEntries)
	}
	s.fill("prev", h.Prev[:])
	if (h.First == 0) != h.Prev.IsZero() {
		s.fail("prev is %s at first %d: it is zero in the first op and in no other", h.Prev, h.First)
	}
	s.fill("root", h.Root[:])
	h.Clock = Clock(s.uint("clock", MaxClock))
	h.Retention = Retention(s.uint("retention", uint64(Trimmable)+1))
	if h.Floor = s.uint("floor", MaxSeq); h.Floor > h.First {
		s.fail("floor %d is above first %d", h.Floor, h.First)
	}
	return h
}

// broadcast takes the signed part of a transient event.
func (s *shape) broadcast() (b Broadcast) {
	s.version("transient event", 6)
	s.fill("log", b.Log[:])
	s.fill("author", b.Author[:])
	b.Clock = Clock(s.uint("clock", MaxClock))
	s.fill("nonce", b.Nonce[:])
	b.Retention = Transient
	s.entry(&b.Event, &headerRoom{left: 1})
	return b
}

// version takes the header of an array of n elements, whose first one is the format version. A
// version that is not ours ends the walk with a [*VersionError], since what follows it is unknown.
func (s *shape) version(what string, n int) {
	got := s.array(what, 1<<16-1)
	v := s.uint("version", 1<<32)
	if s.err == nil && v != Version {
		s.stop(&VersionError{What: what, Version: v})
		return
	}
	if got != n {
		s.fail("%s has %d elements: expected %d", what, got, n)
	}
}

// VersionError is returned for bytes of a format version that this program does not know.
type VersionError struct {
	What    string // what has that version: "op", "genesis", "transient event"
	Version uint64
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s of format version %d: this program knows version %d", e.What, e.Version, Version)
}
