package crdt

import (
	"bytes"
	"testing"
	"time"

	"github.com/ugorji/go/codec"
)

// decodeByCodec fills a wire form by the codec. It is what the walk over the shape is held against: the codec
// takes more than the format allows, and what it took is told from what is allowed by encoding it again.
func decodeByCodec(b []byte, form any) bool {
	return codec.NewDecoderBytes(b, handle).Decode(form) == nil && bytes.Equal(encode(form), b)
}

// entryByCodec reads an entry of an op, and reports whether it is one.
func entryByCodec(b []byte, retention Retention) (Event, bool) {
	var w wireEntry
	if !decodeByCodec(b, &w) || w.Headers == nil || w.Payload == nil {
		return Event{}, false
	}
	e := Event{
		Kind: w.Kind, Module: w.Module, Subject: w.Subject, Time: time.Unix(0, w.Time).UTC(), ContentType: w.ContentType,
		Headers: w.Headers, Payload: w.Payload, Retention: retention,
	}
	return e, e.checkFields() == nil
}

// headerByCodec reads the header of an op, and reports whether it is one.
func headerByCodec(b []byte) (Header, bool) {
	var w wireHeader
	if !decodeByCodec(b, &w) || w.Version != Version ||
		len(w.Log) != 16 || len(w.Author) != 32 || len(w.Prev) != 32 || len(w.Root) != 32 ||
		w.Count == 0 || w.Count > MaxOpEntries || w.First >= MaxSeq || w.First+w.Count >= MaxSeq || w.Clock >= MaxClock ||
		w.Retention > uint64(Trimmable) || w.Floor > w.First || (w.First == 0) != bytes.Equal(w.Prev, make([]byte, 32)) {
		return Header{}, false
	}
	return Header{
		Log: LogID(w.Log), Author: Author(w.Author), First: w.First, Count: w.Count, Prev: OpID(w.Prev), Root: Hash(w.Root),
		Clock: Clock(w.Clock), Retention: Retention(w.Retention), Floor: w.Floor,
	}, true
}

// entryByWalk is entryByCodec by the walk over the shape, with room for the headers or without.
func entryByWalk(b []byte, retention Retention, room *headerRoom) (Event, bool) {
	s, e := shape{b: b}, Event{Retention: retention}
	s.entry(&e, room)
	s.end("entry")
	return e, s.err == nil
}

// checkAgainstCodec fails the test unless the walk takes b for an entry, and for a header, when the codec does,
// and reads the same.
func checkAgainstCodec(t *testing.T, b []byte) {
	t.Helper()
	for _, retention := range []Retention{Persistent, Trimmable} {
		want, is := entryByCodec(b, retention)
		got, ok := entryByWalk(b, retention, &headerRoom{left: 1})
		if ok != is || ok && !(sameEvent(got, want) && got.Time == want.Time) {
			t.Fatalf("%s entry %x: %+v, %t, the codec reads %+v, %t", retention, b, got, ok, want, is)
		}
		if bare, same := entryByWalk(b, retention, nil); same != ok || ok && bare.Headers != nil {
			t.Fatalf("%s entry %x: %+v, %t without room for its headers, %t with it", retention, b, bare, same, ok)
		}
	}
	want, is := headerByCodec(b)
	s := shape{b: b}
	got := s.header()
	s.end("header")
	if ok := s.err == nil; ok != is || ok && got != want {
		t.Fatalf("header %x: %+v, %v, the codec reads %+v, %t", b, got, s.err, want, is)
	}
}

// FuzzDecode holds the walk over the shape against the codec.
func FuzzDecode(f *testing.F) {
	for _, op := range smallOps(f) {
		raw := op.Signed.Bytes()
		f.Add(raw[:len(raw)-signatureSize])
		for _, b := range op.encoded() {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) <= 64<<10 { // the codec nests as deep as hostile bytes do
			checkAgainstCodec(t, b)
		}
	})
}

// TestDecodeAgainstCodec is FuzzDecode with each token of real entries and headers in every other form.
func TestDecodeAgainstCodec(t *testing.T) {
	tried := 0
	for _, op := range smallOps(t) {
		raw := op.Signed.Bytes()
		parts := [][]byte{raw[:len(raw)-signatureSize]}
		for _, b := range op.encoded() {
			parts = append(parts, b)
		}
		for _, part := range parts {
			checkAgainstCodec(t, part)
			for at := 0; at < len(part); {
				head, content, rest := token(part[at:])
				for _, form := range otherForms(head, content) {
					checkAgainstCodec(t, bytes.Join([][]byte{part[:at], form, rest}, nil))
					tried++
				}
				at = len(part) - len(rest)
			}
		}
	}
	if tried < 1000 {
		t.Errorf("only %d forms were tried", tried)
	}
}
