package crdt

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ugorji/go/codec"
)

// The wire forms. Field order is the format; every slice is non-nil, so that none encodes as nil.
type (
	wireHeader struct {
		Version   uint64
		Log       []byte
		Author    []byte
		First     uint64
		Count     uint64
		Prev      []byte
		Root      []byte
		Clock     uint64
		Retention uint64
		Floor     uint64
	}

	wireEntry struct {
		Time        int64
		Kind        string
		Module      string
		Subject     string
		ContentType string
		Headers     []EventHeader
		Payload     []byte
	}

	wireBroadcast struct {
		Version uint64
		Log     []byte
		Author  []byte
		Clock   uint64
		Nonce   []byte
		Event   wireEntry
	}

	wireGenesis struct {
		Version   uint64
		Random    []byte
		Admission uint64
		Admins    [][]byte
	}
)

// encoder and decoder are kept and reset: making one costs several times what using it does.
type (
	encoder struct {
		buf []byte
		enc *codec.Encoder
	}

	// decoder holds the wire form that it fills often, so that it needs no memory of its own.
	decoder struct {
		dec   *codec.Decoder
		entry wireEntry
	}
)

// maxPooled bounds the buffer that an encoder keeps between uses, in bytes.
const maxPooled = 64 << 10

var (
	handle = func() *codec.MsgpackHandle {
		h := new(codec.MsgpackHandle)
		h.StructToArray = true       // fields in order, without names
		h.WriteExt = true            // bytes as bin, text as str
		h.PositiveIntUnsigned = true // integers ≥ 0 in uint form
		h.ZeroCopy = true            // decoded text and bytes alias the input
		return h
	}()
	encoders = sync.Pool{New: func() any {
		e := new(encoder)
		e.enc = codec.NewEncoderBytes(&e.buf, handle)
		return e
	}}
	decoders = sync.Pool{New: func() any { return &decoder{dec: codec.NewDecoderBytes(nil, handle)} }}
)

// encode returns the encoding of a wire form in memory of its own.
func encode(v any) []byte {
	e := encoders.Get().(*encoder)
	e.buf = e.buf[:0]
	e.enc.ResetBytes(&e.buf)
	if err := e.enc.Encode(v); err != nil {
		panic(fmt.Sprintf("crdt: encode %T: %v", v, err)) // no wire form has a value that cannot be encoded
	}
	b := slices.Clone(e.buf)
	if cap(e.buf) <= maxPooled {
		encoders.Put(e)
	}
	return b
}

// decode fills a wire form from bytes whose shape was checked. What it fills in aliases b.
//
// Invariant: a wire form is zero before it is filled. The codec fills slices that are there in place,
// and those of a form that was used before would be part of somebody's op.
func (d *decoder) decode(b []byte, form any) error {
	d.dec.ResetBytes(b)
	if err := d.dec.Decode(form); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// release gives d back, without what it refers to: an op's bytes live no longer than the op.
func (d *decoder) release() {
	d.entry = wireEntry{}
	d.dec.ResetBytes(nil)
	decoders.Put(d)
}

// encodeEvent returns the bytes of an event as an entry. The event was checked.
func encodeEvent(e *Event) []byte {
	w := wireOf(e)
	return encode(&w)
}

// wireOf returns the wire form of an event.
func wireOf(e *Event) wireEntry {
	w := wireEntry{
		Time: e.Time.UnixNano(), Kind: e.Kind, Module: e.Module, Subject: e.Subject, ContentType: e.ContentType,
		Headers: e.Headers, Payload: e.Payload,
	}
	if w.Headers == nil {
		w.Headers = []EventHeader{}
	}
	if w.Payload == nil {
		w.Payload = []byte{}
	}
	return w
}

// decodeEvent reads an entry whose shape was checked. The event aliases b.
func decodeEvent(b []byte, retention Retention) (Event, error) {
	d := decoders.Get().(*decoder)
	defer d.release()
	w := &d.entry
	if err := d.decode(b, w); err != nil {
		return Event{}, err
	}
	return w.event(retention), nil
}

// event returns what the wire form holds. It shares its memory.
func (w *wireEntry) event(retention Retention) Event {
	e := Event{
		Kind: w.Kind, Module: w.Module, Subject: w.Subject, Time: time.Unix(0, w.Time).UTC(),
		ContentType: w.ContentType, Retention: retention,
	}
	if len(w.Payload) > 0 {
		e.Payload = slices.Clip(w.Payload)
	}
	if len(w.Headers) > 0 {
		e.Headers = w.Headers // the form is zero before it is filled again
	}
	return e
}

// decodeBroadcast reads a transient event whose shape was checked. The event aliases b.
func decodeBroadcast(b []byte) (Broadcast, error) {
	d := decoders.Get().(*decoder)
	defer d.release()
	var w wireBroadcast
	if err := d.decode(b, &w); err != nil {
		return Broadcast{}, err
	}
	return Broadcast{
		Event: w.Event.event(Transient), Log: LogID(w.Log), Author: Author(w.Author), Clock: Clock(w.Clock), Nonce: Nonce(w.Nonce),
	}, nil
}

// decodeGenesis reads a genesis whose shape was checked. The form aliases b.
func decodeGenesis(b []byte) (w wireGenesis, err error) {
	d := decoders.Get().(*decoder)
	defer d.release()
	err = d.decode(b, &w)
	return w, err
}

// entry takes one entry of an op.
func (s *shape) entry(retention Retention) {
	s.tuple("entry", 7)
	s.int("time")
	kind := s.str("kind", 1, MaxKind)
	if retention != Persistent && len(kind) >= len(ReservedPrefix) && string(kind[:len(ReservedPrefix)]) == ReservedPrefix {
		s.fail("kind %q is reserved and %s", kind, retention)
	}
	s.str("module", 0, MaxModule)
	s.str("subject", 0, MaxSubject)
	s.str("content type", 0, MaxContentType)
	s.eventHeaders()
	s.bin("payload", 0, MaxPayload)
}

func (s *shape) eventHeaders() {
	n := s.array("headers", MaxHeaders)
	var last []byte
	size := 0
	for i := 0; i < n && s.err == nil; i++ {
		s.tuple("header", 2)
		name := s.str("header name", 1, MaxHeaders)
		size += len(name) + len(s.str("header value", 0, MaxHeaders))
		if i > 0 && string(last) >= string(name) {
			s.fail("header names are not strictly ascending")
		}
		if size > MaxHeaders {
			s.fail("headers have more than %d bytes together", MaxHeaders)
		}
		last = name
	}
}

// header takes the header of an op.
func (s *shape) header() (h Header) {
	s.version("op", 10)
	copy(h.Log[:], s.bin("log", len(h.Log), len(h.Log)))
	copy(h.Author[:], s.bin("author", len(h.Author), len(h.Author)))
	h.First = s.uint("first", MaxSeq)
	h.Count = s.uint("count", MaxOpEntries+1)
	if h.Count == 0 || h.Next() >= MaxSeq {
		s.fail("first %d, count %d: expected 1 to %d entries that end below 2^53", h.First, h.Count, MaxOpEntries)
	}
	copy(h.Prev[:], s.bin("prev", len(h.Prev), len(h.Prev)))
	if (h.First == 0) != h.Prev.IsZero() {
		s.fail("prev is %s at first %d: it is zero in the first op and in no other", h.Prev, h.First)
	}
	copy(h.Root[:], s.bin("root", len(h.Root), len(h.Root)))
	h.Clock = Clock(s.uint("clock", MaxClock))
	h.Retention = Retention(s.uint("retention", uint64(Trimmable)+1))
	if h.Floor = s.uint("floor", MaxSeq); h.Floor > h.First {
		s.fail("floor %d is above first %d", h.Floor, h.First)
	}
	return h
}

// broadcast takes the signed part of a transient event.
func (s *shape) broadcast() {
	s.version("transient event", 6)
	s.bin("log", len(LogID{}), len(LogID{}))
	s.bin("author", len(Author{}), len(Author{}))
	s.uint("clock", MaxClock)
	s.bin("nonce", len(Nonce{}), len(Nonce{}))
	s.entry(Transient)
}

// version takes the header of an array of n elements, whose first one is the format version. A
// version that is not ours ends the walk with a [*VersionError], since what follows it is unknown.
func (s *shape) version(what string, n int) {
	got := s.array(what, 1<<16-1)
	v := s.uint("version", 1<<32)
	if s.err == nil && v != Version {
		s.err = &VersionError{What: what, Version: v}
		return
	}
	if s.err == nil && got != n {
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
