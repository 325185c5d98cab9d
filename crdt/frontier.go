package crdt

import (
	"iter"
	"maps"
	"slices"
)

// Frontier is exactly what a node holds: author → heads, sorted by (next, id). It is a version
// vector that also carries hashes, so that two feeds of one height that differ are seen to differ.
// Floors are not in it: where a feed begins is local.
type Frontier map[Author][]Head

// All yields the authors in order with their heads.
func (f Frontier) All() iter.Seq2[Author, []Head] {
	return func(yield func(Author, []Head) bool) {
		for _, a := range slices.SortedFunc(maps.Keys(f), Author.Compare) {
			if !yield(a, f[a]) {
				return
			}
		}
	}
}

// Equal reports whether f and g hold the same.
func (f Frontier) Equal(g Frontier) bool { return maps.EqualFunc(f, g, slices.Equal[[]Head]) }

// Clone returns a frontier that shares nothing with f.
func (f Frontier) Clone() Frontier {
	g := make(Frontier, len(f))
	for a, heads := range f {
		g[a] = slices.Clone(heads)
	}
	return g
}

// Without returns f less the given authors, sharing the heads with f.
func (f Frontier) Without(shut []Author) Frontier {
	g := maps.Clone(f)
	for _, a := range shut {
		delete(g, a)
	}
	return g
}

// Entries returns how many entries f holds, counting a seq once for each branch that reaches it from
// the beginning of the feed; exact for feeds that are not forked.
func (f Frontier) Entries() uint64 {
	var n uint64
	for _, heads := range f {
		for _, h := range heads {
			n += h.Next
		}
	}
	return n
}

// Hash returns the root of the frontier's digest: equal for two frontiers exactly when they are.
func (f Frontier) Hash() Hash { return DigestOf(f).Root() }
