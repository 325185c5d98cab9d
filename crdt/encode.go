package crdt

import (
	"fmt"
	"sync"

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

// encoder is kept and reset: making one costs several times what using it does. It holds the wire forms that it
// writes often, so that those need no memory of their own.
type encoder struct {
	out    []byte // what enc has written
	enc    *codec.Encoder
	of     Header // what header shows
	header wireHeader
	entry  wireEntry
}

// mostHeader bounds the encoded header of an op, in bytes: ten elements, of which two are numbers that fit a byte and
// one fits two, all behind the byte that says that they are ten.
const mostHeader = 1 + 2*1 + 3 + 3*9 + 2 + len(LogID{}) + 3*(2+len(Hash{}))

var (
	handle = func() *codec.MsgpackHandle {
		h := new(codec.MsgpackHandle)
		h.StructToArray = true       // fields in order, without names
		h.WriteExt = true            // bytes as bin, text as str
		h.PositiveIntUnsigned = true // integers ≥ 0 in uint form
		return h
	}()
	encoders = sync.Pool{New: func() any {
		e := new(encoder)
		e.enc = codec.NewEncoderBytes(&e.out, handle)
		return e
	}}
)

// encode returns the encoding of a wire form in memory of its own.
func encode(form any) []byte {
	e := encoders.Get().(*encoder)
	defer e.release()
	return e.append(nil, form)
}

// append appends the encoding of a wire form to dst.
func (e *encoder) append(dst []byte, form any) []byte {
	e.out = dst[len(dst):]
	e.enc.ResetBytes(&e.out)
	if err := e.enc.Encode(form); err != nil {
		panic(fmt.Sprintf("crdt: encode %T: %v", form, err)) // no wire form has a value that cannot be encoded
	}
	return append(dst, e.out...) // where dst had the room it lies there already
}

// release gives e back, without what it refers to.
func (e *encoder) release() {
	e.out, e.entry = nil, wireEntry{}
	encoders.Put(e)
}

// append appends the bytes of h to dst.
func (h *Header) append(dst []byte) []byte {
	e := encoders.Get().(*encoder)
	defer e.release()
	e.of = *h
	e.header = wireHeader{
		Version: Version, Log: e.of.Log[:], Author: e.of.Author[:], First: h.First, Count: h.Count, Prev: e.of.Prev[:], Root: e.of.Root[:],
		Clock: uint64(h.Clock), Retention: uint64(h.Retention), Floor: h.Floor,
	}
	return e.append(dst, &e.header)
}

// appendEvent appends the bytes of an event as an entry to dst. The event was checked.
func appendEvent(dst []byte, event *Event) []byte {
	e := encoders.Get().(*encoder)
	defer e.release()
	e.entry = wireOf(event)
	return e.append(dst, &e.entry)
}

// mostEncoded bounds the bytes of an event as an entry: its texts and bytes, and for each value what stands before it.
func mostEncoded(e *Event) int {
	n := 1 + 9 + 4*3 + 3 + 5 + len(e.Kind) + len(e.Module) + len(e.Subject) + len(e.ContentType) + len(e.Payload)
	for _, h := range e.Headers {
		n += 1 + 2*3 + len(h.Name) + len(h.Value)
	}
	return n
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
