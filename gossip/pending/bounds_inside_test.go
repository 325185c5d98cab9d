package pending

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// arrival is an op that has come on a link.
type arrival struct {
	link string
	op   crdt.Op
}

func (a arrival) Came() (run crdt.Run, on string, memory int) {
	return crdt.Run{Ops: []crdt.Op{a.op}}, a.link, a.op.Size()
}

// What waits is bounded in bytes and in number, and a link that fills it pushes out its own. In
// system A what waited had no bound.
func TestPendingIsBounded(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	op := func(payload int) crdt.Op {
		op, err := crdt.NewOp(key, crdt.Header{First: 100, Prev: crdt.OpID{1}, Clock: 1}, time.Now(),
			crdt.Event{Kind: "test", ContentType: "text/plain", Payload: make([]byte, payload)})
		if err != nil {
			t.Fatal(err)
		}
		return op
	}
	const honest, hostile = "honest", "hostile"
	var p Runs[arrival, string]
	now := time.Now()
	const large = 512 << 10
	for i := range 6 {
		wanted := op(large)
		wanted.First += uint64(i)
		p.Keep(arrival{honest, wanted}, now)
	}
	small := op(1)
	const sent = 50_000
	for i := range sent {
		var author crdt.Author
		binary.BigEndian.PutUint32(author[:], uint32(i))
		stray, err := crdt.ParseOp(bytes.Replace(small.Bytes(), small.Author[:], author[:], 1))
		if err != nil {
			t.Fatal(err)
		}
		p.Keep(arrival{hostile, stray}, now)
	}
	if n := len(p.waiting); n > MaxBytes/leastBytes || n < MaxBytes/leastBytes/2 {
		t.Errorf("runs of %d authors wait", n)
	}
	if p.bytes > MaxBytes || p.links[honest] < 6*large || p.links[honest]+p.links[hostile] != p.bytes {
		t.Errorf("%d bytes wait: %d of the one, %d of the other", p.bytes, p.links[honest], p.links[hostile])
	}
	if lost := p.TakeLost(); lost[small.Author] || len(lost) != sent-(len(p.waiting)-1) {
		t.Errorf("runs of %d authors were thrown away", len(lost))
	}
	if ready := p.Placeable(crdt.Feed{Author: small.Author}); len(ready) != 0 {
		t.Errorf("%d runs can be placed", len(ready))
	}
	p.Expire(now.Add(waitTime))
	if len(p.waiting) > 0 || len(p.links) > 0 || p.bytes != 0 {
		t.Errorf("%d authors, %d links and %d bytes are left", len(p.waiting), len(p.links), p.bytes)
	}
}
