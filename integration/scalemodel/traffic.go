package scalemodel

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// Traffic is what all nodes together have sent, in bytes.
type Traffic struct {
	Payload    float64 // ops, with the frames around them
	Tree       float64 // IHave, Graft, Detach, and asks
	Compare    float64 // offers and all that follows from them
	Membership float64 // packets, and exchanges of tables

	Delivered int // ops that arrived
	New       int // of those, ops that were new
}

// Sum returns all bytes.
func (t Traffic) Sum() float64 { return t.Payload + t.Tree + t.Compare + t.Membership }

func (t Traffic) sub(o Traffic) Traffic {
	return Traffic{
		Payload: t.Payload - o.Payload, Tree: t.Tree - o.Tree, Compare: t.Compare - o.Compare, Membership: t.Membership - o.Membership,
		Delivered: t.Delivered - o.Delivered, New: t.New - o.New,
	}
}

// per divides the bytes.
func (t Traffic) per(n float64) Traffic {
	t.Payload /= n
	t.Tree /= n
	t.Compare /= n
	t.Membership /= n
	return t
}

// record is what a TLS 1.3 record adds to a frame: a header, a tag and the inner type, in bytes.
const record = 22

// frame returns the bytes of a message as it is sent.
func frame(msg wire.Message) float64 { return float64(len(wire.Append(nil, msg)) + record) }

// sizes are those of the frames of the tree, in bytes. What grows is the base and so much for each.
type sizes struct {
	opsBase, opsEach     float64 // an Ops, and what stands before each op
	ihaveBase, ihaveEach float64
	graftBase, wantEach  float64
	detach, done         float64
}

func newSizes() sizes {
	head := crdt.Head{Next: 1 << 20}
	want := wire.Want{Ask: 1, Want: crdt.Want{Locator: crdt.Locator{Heads: []crdt.Head{head}, Back: make([]crdt.Key, 10)}}}
	s := sizes{
		opsBase: frame(wire.Ops{}), opsEach: 4,
		ihaveBase: frame(wire.IHave{}), ihaveEach: frame(wire.IHave{Haves: make([]wire.Have, 1)}) - frame(wire.IHave{}),
		graftBase: frame(wire.Graft{}), wantEach: frame(wire.Graft{Wants: []wire.Want{want}}) - frame(wire.Graft{}),
		detach: frame(wire.Detach{}), done: frame(wire.Done{}),
	}
	return s
}
