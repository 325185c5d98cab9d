package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

var (
	key  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	self = crdt.AuthorOf(key)
)

// chain returns n ops of one entry each.
func chain(t testing.TB, n int) []crdt.Op {
	t.Helper()
	var ops []crdt.Op
	h := crdt.Header{Log: crdt.LogID{9}, Clock: 1}
	for range n {
		op, err := crdt.NewOp(key, h, time.Unix(1, 0), crdt.Event{Kind: "k", Payload: []byte(`1`)})
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
		h.First, h.Prev, h.Clock = op.Next(), op.ID, op.Clock+1
	}
	return ops
}

// heads returns n heads in order.
func heads(n int) []crdt.Head {
	var all []crdt.Head
	for i := range n {
		all = append(all, crdt.Head{Next: uint64(i + 1), ID: crdt.OpID{byte(i), 1}})
	}
	return all
}

// messages returns one of each kind, with everything in it.
func messages(t testing.TB) map[string]wire.Message {
	ops := chain(t, 3)
	return map[string]wire.Message{
		"hello":        wire.Hello{Version: wire.Version, Log: crdt.LogID{1, 2}, Genesis: []byte{3, 4}, Name: "käse", Held: heads(2)},
		"empty hello":  wire.Hello{Version: wire.Version},
		"shut":         wire.Shut{Authors: []crdt.Author{{1}, {2}}},
		"shut nobody":  wire.Shut{},
		"offer":        wire.Offer{Root: crdt.Hash{5}},
		"vector":       wire.Vector{After: crdt.Author{1}, Upto: crdt.Author{9}, Partial: true, Heads: crdt.Frontier{{2}: heads(1), {9}: heads(3)}},
		"empty vector": wire.Vector{Heads: crdt.Frontier{}},
		"missing": wire.Missing{Wants: []crdt.Want{
			{Author: self, Locator: crdt.Locator{Heads: heads(2), Back: []crdt.Key{{First: 7, ID: crdt.OpID{7}}}}}, {Author: crdt.Author{3}},
		}},
		"ops":        wire.Ops{Author: self, Answer: true, Run: crdt.Run{Ops: ops}},
		"with leave": wire.Ops{Author: self, Run: crdt.Run{Leave: ops[1].Signed, Ops: ops[1:]}},
		"done":       wire.Done{Author: self, Complete: true},
		"bye":        wire.Bye{Code: wire.CodeOtherLog, Text: "no"},
	}
}

var same = cmp.Options{
	cmp.Comparer(func(a, b crdt.Op) bool { return bytes.Equal(a.Bytes(), b.Bytes()) }),
	cmp.Comparer(func(a, b crdt.Signed) bool { return bytes.Equal(a.Bytes(), b.Bytes()) }),
	cmpopts.EquateEmpty(),
}

func TestRoundTrip(t *testing.T) {
	for name, m := range messages(t) {
		t.Run(name, func(t *testing.T) {
			frame := wire.Append([]byte("before"), m)[len("before"):]
			got, size, err := wire.ReadFrame(iotest.OneByteReader(bytes.NewReader(frame)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m, got, same); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if size != len(frame)-5 || size > m.Kind().MaxBody() {
				t.Errorf("size %d of a frame of %d bytes, at most %d", size, len(frame), m.Kind().MaxBody())
			}
		})
	}
}

// The bytes of the protocol. They can only change together with the version.
func TestGolden(t *testing.T) {
	for name, want := range map[string]string{
		"hello": "0000006e 01" + // length, kind
			"0001" + "01020000000000000000000000000000" + // version, log
			"0002 0304" + "05 6bc3a47365" + // genesis, name
			"0002" + // heads held
			"0000000000000001 0001" + strings.Repeat("00", 30) +
			"0000000000000002 0101" + strings.Repeat("00", 30),
		"shut":  "00000044 02 00000002 01" + strings.Repeat("00", 31) + "02" + strings.Repeat("00", 31),
		"offer": "00000020 03 05" + strings.Repeat("00", 31),
		"bye":   "00000004 08 04 02 6e6f",
	} {
		got := hex.EncodeToString(wire.Append(nil, messages(t)[name]))
		if want := strings.ReplaceAll(want, " ", ""); got != want {
			t.Errorf("%s is\n%s, want\n%s", name, got, want)
		}
	}
}

// A message that is cut off anywhere, or goes on, is refused.
func TestCutOffAndTooLong(t *testing.T) {
	for name, m := range messages(t) {
		body := wire.Append(nil, m)[5:]
		for n := range body {
			if _, err := wire.Parse(m.Kind(), slices.Clone(body[:n])); !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
		if _, err := wire.Parse(m.Kind(), append(slices.Clone(body), 0)); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s with a byte more: %v", name, err)
		}
	}
}

func TestBadMessages(t *testing.T) {
	ops := chain(t, 1)
	other, err := crdt.NewOp(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), crdt.Header{}, time.Unix(1, 0), crdt.Event{Kind: "k"})
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]wire.Message{
		"heads out of order":     wire.Hello{Version: wire.Version, Held: []crdt.Head{heads(2)[1], heads(2)[0]}},
		"head twice":             wire.Hello{Version: wire.Version, Held: []crdt.Head{heads(1)[0], heads(1)[0]}},
		"head without id":        wire.Hello{Version: wire.Version, Held: []crdt.Head{{Next: 1}}},
		"head at 0":              wire.Hello{Version: wire.Version, Held: []crdt.Head{{ID: crdt.OpID{1}}}},
		"head at 2^53":           wire.Hello{Version: wire.Version, Held: []crdt.Head{{Next: crdt.MaxSeq, ID: crdt.OpID{1}}}},
		"name not UTF-8":         wire.Hello{Version: wire.Version, Name: "\xff"},
		"long name":              wire.Hello{Version: wire.Version, Name: strings.Repeat("x", wire.MaxName+1)},
		"long genesis":           wire.Hello{Version: wire.Version, Genesis: make([]byte, wire.MaxGenesis+1)},
		"author without heads":   wire.Vector{Upto: self, Heads: crdt.Frontier{self: nil}},
		"author beyond":          wire.Vector{Upto: crdt.Author{1}, Heads: crdt.Frontier{self: heads(1)}},
		"author before":          wire.Vector{After: self, Upto: self, Heads: crdt.Frontier{self: heads(1)}},
		"nothing wanted":         wire.Missing{},
		"too many wants":         wire.Missing{Wants: make([]crdt.Want, wire.MaxWants+1)},
		"too many locator items": wire.Missing{Wants: []crdt.Want{{Locator: crdt.Locator{Heads: heads(2), Back: make([]crdt.Key, crdt.MaxLocator-1)}}}},
		"run without ops":        wire.Ops{Author: self},
		"op of another author":   wire.Ops{Author: self, Run: crdt.Run{Ops: []crdt.Op{other}}},
		"leave of another":       wire.Ops{Author: self, Run: crdt.Run{Leave: other.Signed, Ops: ops}},
		"shut out of order":      wire.Shut{Authors: []crdt.Author{{2}, {1}}},
	} {
		if _, err := wire.Parse(m.Kind(), wire.Append(nil, m)[5:]); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An op of a newer format ends the run before it.
func TestNewerOp(t *testing.T) {
	ops := chain(t, 3)
	frame := wire.Append(nil, wire.Ops{Author: self, Run: crdt.Run{Ops: ops}})
	at := bytes.Index(frame, ops[1].Bytes())
	frame[at+1] = 2 // the version, after the array's header
	m, _, err := wire.ReadFrame(bytes.NewReader(frame))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.(wire.Ops); len(got.Run.Ops) != 1 || got.Newer == nil || got.Newer.Version != 2 {
		t.Errorf("%d ops, then %v", len(got.Run.Ops), got.Newer)
	}
}

func TestOtherVersion(t *testing.T) {
	_, _, err := wire.ReadFrame(bytes.NewReader(wire.Append(nil, wire.Hello{Version: 7})))
	if other, ok := errors.AsType[*wire.VersionError](err); !ok || other.Version != 7 {
		t.Errorf("a hello of version 7: %v", err)
	}
}

// A frame that announces much is refused before memory is taken for it, and one that stops short takes
// no more than what came.
func TestAnnouncedSizes(t *testing.T) {
	frame := []byte{0xff, 0xff, 0xff, 0xff, byte(wire.KindOps)}
	if _, _, err := wire.ReadFrame(bytes.NewReader(frame)); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("a frame of 4 GiB: %v", err)
	}
	frame = []byte{0, 0x10, 0, 0, byte(wire.KindOps), 1, 2, 3}
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := wire.ReadFrame(bytes.NewReader(frame)); !errors.Is(err, io.ErrUnexpectedEOF) {
				b.Fatalf("a frame of 1 MiB that stops after 3 bytes: %v", err)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 128<<10 {
		t.Errorf("3 bytes of 1 MiB took %d bytes of memory", allocated)
	}
	if _, _, err := wire.ReadFrame(bytes.NewReader(nil)); err != io.EOF {
		t.Errorf("the end of a stream: %v", err)
	}
}

// The parts of a frontier together cover every author once, and each fits its frame.
func TestVectors(t *testing.T) {
	for _, n := range []int{0, 1, wire.MaxVectorAuthors, 5000} {
		f := make(crdt.Frontier, n)
		for i := range n {
			f[crdt.Author{byte(i >> 8), byte(i), 1}] = heads(1 + i%40)
		}
		got := make(crdt.Frontier, n)
		var last crdt.Author
		for v := range wire.Vectors(f) {
			if v.After != last {
				t.Fatalf("a part begins after %s, the one before ends at %s", v.After, last)
			}
			last = v.Upto
			m, _, err := wire.ReadFrame(bytes.NewReader(wire.Append(nil, v)))
			if err != nil {
				t.Fatal(err)
			}
			for a, h := range m.(wire.Vector).Heads {
				if !v.Covers(a) {
					t.Errorf("a part does not cover %s, which is in it", a)
				}
				got[a] = h
			}
		}
		if !got.Equal(f) {
			t.Errorf("the parts of %d authors have %d", len(f), len(got))
		}
		if last != crdt.Author(bytes.Repeat([]byte{0xff}, 32)) {
			t.Errorf("the parts end at %s", last)
		}
	}
}

// FuzzParse: whatever parses has exactly the encoding that it was parsed from.
func FuzzParse(f *testing.F) {
	for _, m := range messages(f) {
		f.Add(byte(m.Kind()), wire.Append(nil, m)[5:])
	}
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		m, err := wire.Parse(wire.Kind(kind), slices.Clone(body))
		if err != nil {
			if m != nil {
				t.Fatal("an error and a message")
			}
			return
		}
		if ops, ok := m.(wire.Ops); ok && ops.Newer != nil {
			return
		}
		if got := wire.Append(nil, m)[5:]; !bytes.Equal(got, body) {
			t.Fatalf("%s parsed from\n%x encodes to\n%x", m.Kind(), body, got)
		}
	})
}
