package gossip

import (
	"slices"
	"sync"

	"github.com/quipulog/quipu/crdt"
)

// roots computes what the two ends of a link compare: the digest's root, less the authors that either
// has shut. Without any that is the log's own root; else it is computed again only when something
// changed.
type roots struct {
	log Log

	mu sync.Mutex
	// The fields below are guarded by mu.

	theirs []crdt.Author // shut by the peer
	shut   []crdt.Author // shut by either, as of the last computation
	whole  crdt.Hash     // the log's root then
	less   crdt.Hash     // and the root without shut
}

// setShut replaces what the peer has shut.
func (r *roots) setShut(authors []crdt.Author) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.theirs = authors
}

// excluded returns the authors that either side has shut, ascending.
func (r *roots) excluded() []crdt.Author {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.union()
}

// union is excluded for a caller that holds mu.
func (r *roots) union() []crdt.Author {
	ours := r.log.Shut()
	if len(r.theirs) == 0 {
		return ours
	}
	both := slices.Concat(ours, r.theirs)
	slices.SortFunc(both, crdt.Author.Compare)
	return slices.Compact(both)
}

// hasShut reports whether the peer takes no more of a.
func (r *roots) hasShut(a crdt.Author) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, found := slices.BinarySearchFunc(r.theirs, a, crdt.Author.Compare)
	return found
}

// root returns the root to compare.
func (r *roots) root() crdt.Hash {
	r.mu.Lock()
	defer r.mu.Unlock()
	shut, whole := r.union(), r.log.Root()
	if len(shut) == 0 {
		return whole
	}
	if whole != r.whole || !slices.Equal(shut, r.shut) {
		r.shut, r.whole, r.less = shut, whole, r.log.Frontier().Without(shut).Hash()
	}
	return r.less
}

// frontier returns what is held of the authors that are compared.
func (r *roots) frontier() crdt.Frontier {
	f, shut := r.log.Frontier(), r.excluded()
	if len(shut) == 0 {
		return f
	}
	return f.Without(shut)
}
