package crdt

import (
	"fmt"
	"slices"
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

// encoder is kept and reset: making one costs several times what using it does.
type encoder struct {
	buf []byte
	enc *codec.Encoder
}

// maxPooled bounds the buffer that an encoder keeps between uses, in bytes.
const maxPooled = 64 << 10

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
		e.enc = codec.NewEncoderBytes(&e.buf, handle)
		return e
	}}
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
