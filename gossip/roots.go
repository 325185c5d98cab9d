package gossip

import (
	"slices"
	"sync"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/standing"
)

// roots computes what the two ends of a link compare: the digest less the authors that either has
// shut. Without any that is the log's own; else it is made again only when something changed.
type roots struct {
	log Log

	mu sync.Mutex
	// The fields below are guarded by mu.

	theirs []crdt.Author // shut by the peer
	ours   []crdt.Author // shut here, when both was made
	both   []crdt.Author // shut by either
	shut   []crdt.Author // the same, as of the last computation of the digest
	whole  crdt.Hash     // the log's root then
	less   crdt.Digest   // and the digest without shut
}

// setShut replaces what the peer has shut.
func (r *roots) setShut(authors []crdt.Author) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.theirs, r.both = authors, nil
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
	if r.both == nil || !slices.Equal(ours, r.ours) {
		both := slices.Concat(ours, r.theirs)
		slices.SortFunc(both, crdt.Author.Compare)
		r.ours, r.both = ours, slices.Compact(both)
	}
	return r.both
}

// hasShut reports whether the peer takes no more of a.
func (r *roots) hasShut(a crdt.Author) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, found := slices.BinarySearchFunc(r.theirs, a, crdt.Author.Compare)
	return found
}

// withheld returns the number of authors of whom we hold something and the peer takes no more.
func (r *roots) withheld() (authors uint64) {
	r.mu.Lock()
	theirs := r.theirs
	r.mu.Unlock()
	for _, a := range theirs {
		if len(r.log.Feed(a).Branches) > 0 {
			authors++
		}
	}
	return authors
}

// digest returns what is compared.
func (r *roots) digest() crdt.Digest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.without(r.union())
}

// without is digest for a caller that holds mu and knows who is left out.
func (r *roots) without(shut []crdt.Author) crdt.Digest {
	whole := r.log.Digest()
	if len(shut) == 0 {
		return whole
	}
	if root := whole.Root(); root != r.whole || !slices.Equal(shut, r.shut) {
		r.shut, r.whole, r.less = shut, root, whole.Without(shut)
	}
	return r.less
}

// basis is what this end goes by in one step of a comparison.
type basis struct {
	digest crdt.Digest
	mark   standing.Mark // all of it is in the digest, but for the authors that were left out
	left   []crdt.Author
}

// basis returns what is compared.
func (r *roots) basis() basis {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := r.union()
	mark := standing.Mark{Offset: r.log.Next(), Own: r.log.Feed(r.log.Author()).Heads()}
	return basis{digest: r.without(left), mark: mark, left: left}
}
