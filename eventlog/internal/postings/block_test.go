package postings

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawPostings draws up to a few blocks of postings of a layer, in order.
func drawPostings(rt *rapid.T, layer Layer) []posting {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
	postings := make([]posting, rapid.IntRange(0, 3_000).Draw(rt, "postings"))
	for i := range postings {
		t := 1 + rng.Uint64N(5) // most often the same terms
		if rng.IntN(3) == 0 {
			t = rng.Uint64N(uint64(endTerm))
		}
		postings[i] = posting{term: Term(t), offset: layer.From + rng.Uint64N(layer.To-layer.From)}
	}
	slices.SortFunc(postings, posting.compare)
	return slices.Compact(postings)
}

// What is written in blocks is read again: all of it, and each term by itself.
func TestBlocksKeepPostings(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		layer := Layer{From: rapid.Uint64Range(0, 1<<50).Draw(rt, "from")}
		layer.To = layer.From + rapid.Uint64Range(1, 1<<50).Draw(rt, "offsets")
		want := drawPostings(rt, layer)
		w := newBlockWriter(layer)
		for _, p := range want {
			w.add(p)
		}
		w.end(endOfLayer)
		var got []posting
		next := posting{}
		for _, pair := range w.blocks {
			if len(pair.value) > maxBlock || decodePosting(pair.key[9:]) != next {
				rt.Fatalf("a block of %d bytes with the key %x, want %v", len(pair.value), pair.key, next)
			}
			b, err := openBlock(layer, pair.key, pair.value)
			if err != nil {
				rt.Fatal(err)
			}
			next = b.next
			for p, more, err := b.read(); more || err != nil; p, more, err = b.read() {
				if err != nil {
					rt.Fatal(err)
				}
				got = append(got, p)
			}
		}
		if !slices.Equal(want, got) || next != endOfLayer || w.layer.Postings != uint64(len(want)) {
			rt.Fatalf("next %v, %d postings\n%v, want\n%v", next, w.layer.Postings, got, want)
		}
	})
}

// FuzzBlock shows that no bytes of a block do harm, even with a right checksum.
func FuzzBlock(f *testing.F) {
	layer := Layer{From: 1 << 20, To: 1 << 21}
	w := newBlockWriter(layer)
	w.add(posting{5, 1 << 20})
	w.add(posting{5, 1<<20 + 17})
	w.add(posting{1 << 40, 1<<20 + 3})
	w.end(endOfLayer)
	f.Add(w.blocks[0].value)
	f.Fuzz(func(t *testing.T, value []byte) {
		key := layer.blockKey(posting{})
		if len(value) >= 4 {
			binary.BigEndian.PutUint32(value, layer.blockSum(key, value))
		}
		b, err := openBlock(layer, key, value)
		for more := err == nil; more; {
			var p posting
			if p, more, err = b.read(); more && (err != nil || p.offset < layer.From || p.offset >= layer.To || p.term >= endTerm) {
				t.Fatalf("%v, %v", p, err)
			}
		}
	})
}
