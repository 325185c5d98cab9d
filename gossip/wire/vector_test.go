package wire_test

import (
	"bytes"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// The parts of a frontier together cover every author once, and each fits its frame.
func TestVectors(t *testing.T) {
	for _, n := range []int{0, 1, wire.MaxVectorAuthors, 5000} {
		f := make(crdt.Frontier, n)
		for i := range n {
			f[crdt.Author{byte(i >> 8), byte(i), 1}] = heads(1 + i%40)
		}
		got := make(crdt.Frontier, n)
		after, upto := crdt.Path{}.AuthorRange()
		last := after
		for v := range wire.Vectors(after, upto, f.All()) {
			if v.After != last {
				t.Fatalf("a part begins after %s, the one before ends at %s", v.After, last)
			}
			last = v.Upto
			m, _, err := wire.ReadFrame(bytes.NewReader(wire.Append(nil, v)), false)
			if err != nil {
				t.Fatal(err)
			}
			for a, h := range m.(wire.Vector).Heads {
				if a.Compare(v.After) <= 0 || a.Compare(v.Upto) > 0 {
					t.Errorf("a part does not cover %s, which is in it", a)
				}
				got[a] = h
			}
		}
		if !got.Equal(f) {
			t.Errorf("the parts of %d authors have %d", len(f), len(got))
		}
		if last != upto {
			t.Errorf("the parts end at %s", last)
		}
	}
}
