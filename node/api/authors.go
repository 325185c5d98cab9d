package api

import (
	"github.com/quipulog/quipu/crdt"
)

// Author is an author that the node knows of: it holds something of his feed, or has met his node.
type Author struct {
	Author crdt.Author `json:"author"`
	// Name is what the author's node calls itself, now or when it was last met; it may be anything. Empty
	// where it is not known.
	Name string `json:"name,omitempty"`
	// Next is the greatest seq that comes next on a branch of what is held of the feed; 0 where nothing is.
	Next uint64 `json:"next"`
}
