package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"math"
	"strings"
	"testing"
	"time"

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

// broadcast returns a transient event with a payload of size bytes.
func broadcast(t testing.TB, size int) crdt.Broadcast {
	t.Helper()
	e := crdt.Event{Kind: "k", Time: time.Unix(1, 0), ContentType: "a/b", Payload: make([]byte, size), Retention: crdt.Transient}
	b, err := crdt.SignBroadcast(key, crdt.Broadcast{Event: e, Log: crdt.LogID{9}, Clock: 1, Nonce: crdt.Nonce{7}})
	if err != nil {
		t.Fatal(err)
	}
	return b
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
	locator := crdt.Locator{Heads: heads(2), Back: []crdt.Key{{First: 7, ID: crdt.OpID{7}}}}
	wants := []wire.Want{
		{Ask: 8, Want: crdt.Want{Author: self, Locator: locator}}, {Ask: 1, Want: crdt.Want{Author: crdt.Author{3}}},
	}
	return map[string]wire.Message{
		"hello": wire.Hello{
			Version: wire.Version, Features: wire.FeatureZstd, Instance: wire.Instance{9}, Log: crdt.LogID{1, 2}, Genesis: []byte{3, 4}, Name: "käse", Held: heads(2),
		},
		"empty hello": wire.Hello{Version: wire.Version},
		"shut":        wire.Shut{Authors: []crdt.Author{{1}, {2}}},
		"shut nobody": wire.Shut{},
		"offer":       wire.Offer{Round: 7, Root: crdt.Hash{5}},
		"same":        wire.Same{Round: 7},
		"probe": wire.Probe{Round: 7, Probes: []crdt.Probe{
			{Path: path("0")}, {Path: path("10a"), Heads: true}, {Path: path("10b")}, {Path: crdt.PathTo(self, crdt.MaxPath)},
		}},
		"probe of all": wire.Probe{Probes: []crdt.Probe{{}}},
		"nodes": wire.Nodes{Round: 7, Last: true, Nodes: []crdt.Node{
			{Path: path("b"), Count: 9, Children: [16]crdt.Print{0: {1}, 3: {2}, 15: {3}}}, {},
		}},
		"no nodes": wire.Nodes{Last: true},
		"vector": wire.Vector{
			Round: 7, Last: true, After: crdt.Author{1}, Upto: crdt.Author{9}, Heads: crdt.Frontier{{2}: heads(1), {9}: heads(3)},
		},
		"empty vector":  wire.Vector{Upto: crdt.Author{1}, Heads: crdt.Frontier{}},
		"missing":       wire.Missing{Wants: wants},
		"spans":         wire.Spans{Wants: []wire.SpanWant{{Ask: 3, Span: span(5, 9), MaxBytes: 1 << 20}, {Ask: 4, Span: span(0, 1)}}},
		"ops":           wire.Ops{Author: self, Ask: 5, Run: crdt.Run{Ops: ops}},
		"with leave":    wire.Ops{Author: self, Hops: 3, Run: crdt.Run{Leave: ops[1].Signed, Ops: ops[1:]}},
		"done":          wire.Done{Ask: 5, Author: self, Complete: true, Next: 77},
		"ihave":         wire.IHave{Haves: []wire.Have{{Author: crdt.Author{1}, Head: heads(1)[0], Hops: 4}, {Author: self, Head: heads(2)[1]}}},
		"graft":         wire.Graft{Wants: wants},
		"graft nothing": wire.Graft{},
		"detach":        wire.Detach{},
		"transient":     wire.Transient{Event: broadcast(t, 3)},
		"relayed":       wire.Transient{Hops: 1, Event: broadcast(t, 0)},
		"conditions":    wire.Conditions{List: []wire.Condition{wire.ConditionStuck, wire.ConditionDamaged, 200}},
		"all is well":   wire.Conditions{},
		"time":          wire.Time{Round: 7, Millis: 1772366400000},
		"the last time": wire.Time{Round: 1, Millis: wire.MaxMillis - 1},
		"who":           wire.Who{Round: 7},
		"members": wire.Members{Round: 7, List: []wire.Known{
			{Author: crdt.Author{1}, Ago: 90, Name: "käse"}, {Author: crdt.Author{2}, Ago: wire.MaxAgo}, {Author: self, Name: "c"},
		}},
		"no members": wire.Members{Round: 7},
		"keeps":      wire.Keeps{Age: 14 * 24 * 60 * 60 * 1000, Entries: 10_000},
		"keeps all":  wire.Keeps{Bodies: true, Forgotten: true, Age: math.MaxUint64, Entries: math.MaxUint64},
		"await":      wire.Await{Head: heads(1)[0]},
		"program":    wire.Program{Version: "v1.2.3"},
		"no program": wire.Program{},
		"page":       wire.Page{URL: "https://käse.example:8443"},
		"no page":    wire.Page{},
		"bye":        wire.Bye{Code: wire.CodeOtherLog, Text: "no"},
	}
}

// path returns the path of the given hex digits.
func path(digits string) crdt.Path {
	var p crdt.Path
	for _, c := range digits {
		p = p.Child(strings.IndexRune("0123456789abcdef", c))
	}
	return p
}

// span returns a span of self's feed.
func span(from, upto uint64) crdt.Span {
	return crdt.Span{Author: self, Head: heads(1)[0], From: from, Upto: upto}
}

// probes returns n probes in order, none below another.
func probes(n int) []crdt.Probe {
	all := make([]crdt.Probe, n)
	for i := range all {
		all[i].Path = crdt.PathTo(crdt.Author{byte(i >> 8), byte(i)}, 4)
	}
	return all
}

// conditions returns n conditions, most of them not known here.
func conditions(n int) []wire.Condition {
	all := make([]wire.Condition, n)
	for i := range all {
		all[i] = wire.Condition(i + 1)
	}
	return all
}

// haves returns n runs in order of their authors.
func haves(n int) []wire.Have {
	all := make([]wire.Have, n)
	for i := range all {
		all[i] = wire.Have{Author: crdt.Author{byte(i >> 8), byte(i), 1}, Head: heads(1)[0]}
	}
	return all
}

// known returns n members in order, each with the longest name.
func known(n int) []wire.Known {
	all := make([]wire.Known, n)
	for i := range all {
		all[i] = wire.Known{Author: crdt.Author{byte(i >> 8), byte(i), 1}, Ago: wire.MaxAgo, Name: strings.Repeat("x", wire.MaxName)}
	}
	return all
}
