package crdt

import (
	"bytes"
	"crypto/sha256"
	"reflect"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/rfc6962"
	"pgregory.net/rapid"
)

// TestSealedIsParsed holds what Seal fills in against what ParseOp reads in the bytes, for ops of any events.
func TestSealedIsParsed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		drafts := make([]Draft, rapid.IntRange(1, 20).Draw(rt, "entries"))
		var retention Retention
		for i := range drafts {
			e := anyEvent(rt)
			if i == 0 {
				retention = e.Retention
			}
			e.Retention = retention
			var err error
			if drafts[i], err = NewDraft(e); err != nil {
				rt.Fatal(err)
			}
		}
		h := Header{Log: vectorLog, Clock: Clock(rapid.Uint64Range(0, MaxClock-1).Draw(rt, "clock"))}
		if h.First = rapid.Uint64Range(0, MaxSeq-21).Draw(rt, "first"); h.First > 0 {
			h.Prev = OpID(sha256.Sum256([]byte("prev")))
			h.Floor = rapid.Uint64Range(0, h.First).Draw(rt, "floor")
		}
		op, err := Seal(rfcKey(0), h, drafts)
		if err != nil {
			rt.Fatal(err)
		}
		parsed, err := ParseOp(bytes.Clone(op.Bytes()))
		if err != nil || !reflect.DeepEqual(op, parsed) {
			rt.Fatalf("sealed %+v\nparsed %+v, %v", op, parsed, err)
		}
	})
}

// TestAppendDraft makes drafts in memory that grows under them, and seals them: each is what NewDraft makes, and the
// op shares none of that memory.
func TestAppendDraft(t *testing.T) {
	var one, shared []Draft
	var buf []byte
	for i, size := range []int{0, 10, 1 << 10, 3, 20 << 10, 100} {
		e := Event{Kind: "k", Time: vectorTime, ContentType: "text/plain", Payload: bytes.Repeat([]byte{byte(i)}, size)}
		alone, err := NewDraft(e)
		if err != nil {
			t.Fatal(err)
		}
		var d Draft
		if d, buf, err = AppendDraft(buf, &e); err != nil {
			t.Fatal(err)
		}
		one, shared = append(one, alone), append(shared, d)
		if _, after, err := AppendDraft(buf, &Event{}); err == nil || len(after) != len(buf) {
			t.Errorf("a draft of no event: %d bytes after %d, %v", len(after), len(buf), err)
		}
	}
	h := Header{Log: vectorLog, Clock: 1}
	want, err := Seal(rfcKey(0), h, one)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Seal(rfcKey(0), h, shared)
	if err != nil {
		t.Fatal(err)
	}
	clear(buf)
	if !bytes.Equal(got.Bytes(), want.Bytes()) || got.CheckBody() != nil {
		t.Errorf("the op of drafts that share memory is another: %v", got.CheckBody())
	}
}

// TestLeafHash holds the leaf hash of entries of all sizes against that of the library, above and below the size
// from which on they are hashed in pieces.
func TestLeafHash(t *testing.T) {
	for _, size := range []int{0, 1, 55, 64, 1022, 1023, 1024, 1025, MaxPayload} {
		entry := bytes.Repeat([]byte("e"), size)
		if got, want := leafHash(entry), Hash(rfc6962.DefaultHasher.HashLeaf(entry)); got != want {
			t.Errorf("%d bytes: %s, want %s", size, got, want)
		}
	}
}

// TestDraftAllocations counts what making drafts and sealing them allocates: nothing for an entry, and for an op its
// bytes and its signature.
func TestDraftAllocations(t *testing.T) {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("under the race detector a pool forgets what it is given")
	}
	e := Event{Kind: "k", Module: "m", Subject: "s", Time: vectorTime, Headers: []EventHeader{{"a", "b"}}, Payload: []byte(`{"n":1}`)}
	key := rfcKey(0)
	drafts, buf := make([]Draft, 200), make([]byte, 0, 64<<10)
	made := testing.AllocsPerRun(100, func() {
		buf = buf[:0]
		for i := range drafts {
			var err error
			if drafts[i], buf, err = AppendDraft(buf, &e); err != nil {
				t.Fatal(err)
			}
		}
	})
	if made > 0 {
		t.Errorf("%v allocations for %d drafts, want none", made, len(drafts))
	}
	if sealed := testing.AllocsPerRun(100, func() { _, _ = Seal(key, Header{Log: vectorLog, Clock: 1}, drafts) }); sealed > 2 {
		t.Errorf("%v allocations for an op of %d entries, want at most 2", sealed, len(drafts))
	}
}
