package bundle_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
)

// Whatever several bundles hold, in whatever order they come, and cut off or not: after enough of them a
// log holds what the source holds, and never anything else.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		from, to := newMemLog(), &forgetful{newMemLog()}
		var bundles [][]byte
		chains := make([]chain, 3)
		var seen []crdt.Frontier
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			who := rapid.IntRange(0, 2).Draw(rt, "who")
			base := chains[who][:rapid.IntRange(0, len(chains[who])).Draw(rt, "from")]
			if rapid.Bool().Draw(rt, "honest") {
				base = chains[who]
			}
			chains[who] = base.grow(t, who, rapid.IntRange(1, 3).Draw(rt, "ops"), fmt.Sprint(len(bundles)))
			from.give(t, crdt.Run{Ops: chains[who]})
			var since crdt.Frontier
			if n := rapid.IntRange(0, len(seen)).Draw(rt, "since"); n < len(seen) {
				since = seen[n]
			}
			seen = append(seen, from.Frontier())
			b, _ := create(t, from, since)
			bundles = append(bundles, b)
		}
		for range bundles {
			for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4, 5}[:len(bundles)]).Draw(rt, "order") {
				b := bundles[i]
				if rapid.Bool().Draw(rt, "cut") {
					b = b[:rapid.IntRange(100, len(b)).Draw(rt, "at")]
				}
				if _, err := bundle.Apply(t.Context(), to, bytes.NewReader(b)); err != nil && !errors.Is(err, bundle.ErrHead) {
					rt.Fatal(err)
				}
			}
		}
		for range bundles {
			for _, b := range bundles {
				apply(t, to, b)
			}
		}
		if !to.Frontier().Equal(from.Frontier()) {
			rt.Fatalf("frontiers differ:\n%v\n%v", from.Frontier(), to.Frontier())
		}
		for _, b := range bundles {
			if r := apply(t, to, b); !r.OK() || r.Ops > 0 {
				rt.Fatalf("at the end: %+v", r)
			}
		}
	})
}

// FuzzApply: whatever bytes follow a head, they are no panic, and nothing is taken that verifies nowhere.
func FuzzApply(f *testing.F) {
	b, _ := create(f, full(f), nil)
	head := len("quipu bundle 1\n") + len(frames(b)[0])
	f.Add(b)
	f.Add(b[:head])
	for _, frame := range frames(b)[1:] {
		f.Add(append(bytes.Clone(b[:head]), frame...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		to := newMemLog()
		r, err := bundle.Apply(t.Context(), to, bytes.NewReader(b))
		c, inspectErr := bundle.Inspect(t.Context(), bytes.NewReader(b), nil)
		if (err == nil) != (inspectErr == nil) {
			if _, other := errors.AsType[*bundle.OtherLogError](err); !other {
				t.Fatalf("apply: %v, inspect: %v", err, inspectErr)
			}
		}
		if err == nil && (r.Whole != c.Whole || r.Ops > c.Ops) {
			t.Fatalf("apply: %+v, inspect: %+v", r, c)
		}
	})
}
