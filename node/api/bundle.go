package api

import (
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
)

// Since says what a bundle need not have. The zero Since leaves nothing out.
type Since struct {
	// Frontier is what whoever the bundle is for holds.
	Frontier *Frontier `json:"frontier,omitempty"`
	// Offset, unless it is 0, says that they hold all that this node held before that offset of
	// arrival; Incarnation names the arrivals that it counts, in hex. Frontier is empty then.
	Offset      uint64 `json:"offset,omitempty"`
	Incarnation string `json:"incarnation,omitempty"`
}

// BundleTrailer is the trailer of the answer to the making of a bundle: a [BundleEnd] in JSON. An
// answer without it was cut off.
const BundleTrailer = "Quipu-Bundle"

// BundleEnd says how the making of a bundle ended.
type BundleEnd struct {
	Summary *bundle.Summary `json:"summary,omitempty"`
	Error   *Error          `json:"error,omitempty"`
	// Unknown and Left count what the lists in Summary, which are cut to fit a trailer, leave out.
	Unknown int `json:"unknown,omitempty"`
	Left    int `json:"left,omitempty"`
}

// FrontierOf returns the form in which a node tells f.
func FrontierOf(f crdt.Frontier) Frontier {
	told := Frontier{Hash: f.Hash(), Authors: []Feed{}}
	for author, heads := range f.All() {
		feed := Feed{Author: author}
		for _, h := range heads {
			feed.Heads = append(feed.Heads, Head{Next: h.Next, Op: h.ID})
		}
		told.Authors = append(told.Authors, feed)
	}
	return told
}

// Held returns the frontier as a value to compute with. It refuses one whose hash is not that of its
// heads: it was changed since a node printed it.
func (f *Frontier) Held() (crdt.Frontier, error) {
	held := make(crdt.Frontier, len(f.Authors))
	for _, feed := range f.Authors {
		for _, h := range feed.Heads {
			held[feed.Author] = append(held[feed.Author], crdt.Head{Next: h.Next, ID: h.Op})
		}
	}
	if hash := held.Hash(); hash != f.Hash {
		return nil, fmt.Errorf("a frontier with the hash %s, whose heads have the hash %s: expected what quipu frontier --format json prints", f.Hash, hash)
	}
	return held, nil
}
