package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math"
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

var same = cmp.Options{
	cmp.Comparer(func(a, b crdt.Op) bool { return bytes.Equal(a.Bytes(), b.Bytes()) }),
	cmp.Comparer(func(a, b crdt.Signed) bool { return bytes.Equal(a.Bytes(), b.Bytes()) }),
	cmp.Comparer(func(a, b crdt.Broadcast) bool { return bytes.Equal(a.Bytes(), b.Bytes()) && a.ID == b.ID }),
	cmp.Comparer(func(a, b crdt.Path) bool { return a == b }),
	cmpopts.EquateEmpty(),
}

func TestRoundTrip(t *testing.T) {
	for name, m := range messages(t) {
		t.Run(name, func(t *testing.T) {
			frame := wire.Append([]byte("before"), m)[len("before"):]
			got, size, err := wire.ReadFrame(iotest.OneByteReader(bytes.NewReader(frame)), false)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m, got, same); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if want := (wire.Size{Wire: len(frame), Plain: len(frame)}); size != want || len(frame)-5 > m.Kind().MaxBody() {
				t.Errorf("size %v of a frame of %d bytes, at most %d", size, len(frame), m.Kind().MaxBody())
			}
		})
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

// badMessages are messages that are refused, each by one rule.
func badMessages(t testing.TB) map[string]wire.Message {
	ops := chain(t, 1)
	other, err := crdt.NewOp(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), crdt.Header{}, time.Unix(1, 0), crdt.Event{Kind: "k"})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]wire.Message{
		"heads out of order":       wire.Hello{Version: wire.Version, Held: []crdt.Head{heads(2)[1], heads(2)[0]}},
		"head twice":               wire.Hello{Version: wire.Version, Held: []crdt.Head{heads(1)[0], heads(1)[0]}},
		"head without id":          wire.Hello{Version: wire.Version, Held: []crdt.Head{{Next: 1}}},
		"head at 0":                wire.Hello{Version: wire.Version, Held: []crdt.Head{{ID: crdt.OpID{1}}}},
		"head at 2^53":             wire.Hello{Version: wire.Version, Held: []crdt.Head{{Next: crdt.MaxSeq, ID: crdt.OpID{1}}}},
		"name not UTF-8":           wire.Hello{Version: wire.Version, Name: "\xff"},
		"long name":                wire.Hello{Version: wire.Version, Name: strings.Repeat("x", wire.MaxName+1)},
		"long genesis":             wire.Hello{Version: wire.Version, Genesis: make([]byte, wire.MaxGenesis+1)},
		"author without heads":     wire.Vector{Upto: self, Heads: crdt.Frontier{self: nil}},
		"author beyond":            wire.Vector{Upto: crdt.Author{1}, Heads: crdt.Frontier{self: heads(1)}},
		"author before":            wire.Vector{After: self, Upto: self, Heads: crdt.Frontier{self: heads(1)}},
		"range of nobody":          wire.Vector{After: self, Upto: self},
		"nothing wanted":           wire.Missing{},
		"want without a number":    wire.Missing{Wants: []wire.Want{{}}},
		"too many wants":           wire.Missing{Wants: slices.Repeat([]wire.Want{{Ask: 1}}, wire.MaxWants+1)},
		"too many locator items":   wire.Missing{Wants: []wire.Want{{Ask: 1, Want: crdt.Want{Locator: crdt.Locator{Heads: heads(2), Back: make([]crdt.Key, crdt.MaxLocator-1)}}}}},
		"too many grafts":          wire.Graft{Wants: slices.Repeat([]wire.Want{{Ask: 1}}, wire.MaxWants+1)},
		"no spans":                 wire.Spans{},
		"span without a number":    wire.Spans{Wants: []wire.SpanWant{{Span: span(0, 1)}}},
		"span of nothing":          wire.Spans{Wants: []wire.SpanWant{{Ask: 1, Span: span(4, 4)}}},
		"span to 2^53":             wire.Spans{Wants: []wire.SpanWant{{Ask: 1, Span: span(4, crdt.MaxSeq)}}},
		"span without a head":      wire.Spans{Wants: []wire.SpanWant{{Ask: 1, Span: crdt.Span{Author: self, Upto: 4}}}},
		"too many spans":           wire.Spans{Wants: slices.Repeat([]wire.SpanWant{{Ask: 1, Span: span(0, 1)}}, wire.MaxWants+1)},
		"nothing probed":           wire.Probe{},
		"probes out of order":      wire.Probe{Probes: []crdt.Probe{{Path: path("b")}, {Path: path("a")}}},
		"probe twice":              wire.Probe{Probes: []crdt.Probe{{Path: path("b")}, {Path: path("b"), Heads: true}}},
		"probe of nobody twice":    wire.Probe{Probes: []crdt.Probe{{Path: crdt.PathTo(crdt.Author{}, 64)}, {Path: crdt.PathTo(crdt.Author{}, 64)}}},
		"probe below a probe":      wire.Probe{Probes: []crdt.Probe{{Path: path("b")}, {Path: path("b0")}}},
		"probe below the top":      wire.Probe{Probes: []crdt.Probe{{}, {Path: path("00")}}},
		"too many probes":          wire.Probe{Probes: probes(wire.MaxProbes + 1)},
		"too many nodes":           wire.Nodes{Nodes: make([]crdt.Node, wire.MaxNodes+1)},
		"nothing held":             wire.IHave{},
		"haves out of order":       wire.IHave{Haves: []wire.Have{{Author: crdt.Author{2}, Head: heads(1)[0]}, {Author: crdt.Author{1}, Head: heads(1)[0]}}},
		"two haves of an author":   wire.IHave{Haves: []wire.Have{{Author: self, Head: heads(1)[0]}, {Author: self, Head: heads(2)[1]}}},
		"have without a head":      wire.IHave{Haves: []wire.Have{{Author: self}}},
		"too many haves":           wire.IHave{Haves: haves(wire.MaxHaves + 1)},
		"done without a number":    wire.Done{Author: self},
		"done at 2^53":             wire.Done{Ask: 1, Author: self, Next: crdt.MaxSeq},
		"run without ops":          wire.Ops{Author: self},
		"op of another author":     wire.Ops{Author: self, Run: crdt.Run{Ops: []crdt.Op{other}}},
		"leave of another":         wire.Ops{Author: self, Run: crdt.Run{Leave: other.Signed, Ops: ops}},
		"transient of two hops":    wire.Transient{Hops: 2, Event: broadcast(t, 0)},
		"transient of nothing":     wire.Transient{},
		"condition 0":              wire.Conditions{List: []wire.Condition{0, 1}},
		"conditions out of order":  wire.Conditions{List: []wire.Condition{2, 1}},
		"a condition twice":        wire.Conditions{List: []wire.Condition{7, 7}},
		"too many conditions":      wire.Conditions{List: conditions(wire.MaxConditions + 1)},
		"a time past all clocks":   wire.Time{Round: 1, Millis: wire.MaxMillis},
		"a time before 1970":       wire.Time{Round: 1, Millis: -1},
		"year 584554051":           wire.Time{Round: 1, Millis: math.MaxInt64},
		"members out of order":     wire.Members{List: []wire.Known{{Author: crdt.Author{2}}, {Author: crdt.Author{1}}}},
		"a member of nobody":       wire.Members{List: []wire.Known{{}}},
		"a member twice":           wire.Members{List: []wire.Known{{Author: self}, {Author: self, Ago: 1}}},
		"too many members":         wire.Members{List: known(wire.MaxMembers + 1)},
		"a member of long ago":     wire.Members{List: []wire.Known{{Author: self, Ago: wire.MaxAgo + 1}}},
		"a member's long name":     wire.Members{List: []wire.Known{{Author: self, Name: strings.Repeat("x", wire.MaxName+1)}}},
		"a member not in UTF-8":    wire.Members{List: []wire.Known{{Author: self, Name: "\xff"}}},
		"a program's long version": wire.Program{Version: strings.Repeat("x", wire.MaxProgram+1)},
		"a program not in UTF-8":   wire.Program{Version: "\xff"},
		"shut out of order":        wire.Shut{Authors: []crdt.Author{{2}, {1}}},
		"a page that is no text":   wire.Page{URL: "\xff"},
	}
}

func TestBadMessages(t *testing.T) {
	for name, m := range badMessages(t) {
		if _, err := wire.Parse(m.Kind(), wire.Append(nil, m)[5:]); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// As much as each bound allows is read, and fits the bound on the frame.
func TestFullMessages(t *testing.T) {
	locator := crdt.Locator{Heads: heads(40), Back: make([]crdt.Key, crdt.MaxLocator-40)}
	wants := slices.Repeat([]wire.Want{{Ask: 1, Want: crdt.Want{Author: self, Locator: locator}}}, wire.MaxWants)
	node := crdt.Node{Path: crdt.PathTo(self, crdt.MaxPath)}
	for i := range node.Children {
		node.Children[i][0] = 1
	}
	full := probes(wire.MaxProbes)
	for i := range full {
		full[i].Path = crdt.PathTo(crdt.Author{byte(i)}, crdt.MaxPath)
	}
	for _, m := range []wire.Message{
		wire.Hello{Version: wire.Version, Genesis: make([]byte, wire.MaxGenesis), Name: strings.Repeat("x", wire.MaxName), Held: heads(wire.MaxHeads)},
		wire.Missing{Wants: wants},
		wire.Graft{Wants: wants},
		wire.Spans{Wants: slices.Repeat([]wire.SpanWant{{Ask: 1, Span: span(0, 1)}}, wire.MaxWants)},
		wire.Probe{Probes: full},
		wire.Nodes{Nodes: slices.Repeat([]crdt.Node{node}, wire.MaxNodes)},
		wire.IHave{Haves: haves(wire.MaxHaves)},
		wire.Conditions{List: conditions(wire.MaxConditions)},
		wire.Members{List: known(wire.MaxMembers)},
		wire.Program{Version: strings.Repeat("x", wire.MaxProgram)},
		wire.Bye{Text: strings.Repeat("x", wire.MaxText)},
	} {
		frame := wire.Append(nil, m)
		if most := m.Kind().MaxBody(); len(frame)-5 > most || len(frame)-5 < most-64 {
			t.Errorf("%s: %d bytes, at most %d are allowed", m.Kind(), len(frame)-5, most)
		}
		if _, _, err := wire.ReadFrame(bytes.NewReader(frame), false); err != nil {
			t.Errorf("%s: %v", m.Kind(), err)
		}
	}
}

// A child that is there has a print: a node has one encoding.
func TestChildWithoutPrint(t *testing.T) {
	frame := wire.Append(nil, wire.Nodes{Nodes: []crdt.Node{{Children: [16]crdt.Print{{1}}}}})
	clear(frame[len(frame)-16:])
	if _, err := wire.Parse(wire.KindNodes, frame[5:]); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("a child of zeros: %v", err)
	}
}

// The largest event that there is fits its frame, with all that goes with it.
func TestLargestTransientFits(t *testing.T) {
	frame := wire.Append(nil, wire.Transient{Event: broadcast(t, crdt.MaxPayload)})
	if most := wire.KindTransient.MaxBody(); len(frame)-5 > most || most > wire.KindPacked.MaxBody() {
		t.Errorf("%d bytes, at most %d are allowed, packed %d", len(frame)-5, most, wire.KindPacked.MaxBody())
	}
	if _, _, err := wire.ReadFrame(bytes.NewReader(frame), false); err != nil {
		t.Error(err)
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
		if newer(m) {
			return
		}
		if got := wire.Append(nil, m)[5:]; !bytes.Equal(got, body) {
			t.Fatalf("%s parsed from\n%x encodes to\n%x", m.Kind(), body, got)
		}
	})
}
