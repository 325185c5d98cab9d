package api

import (
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Ahead is a feed whose last clock is more than a minute ahead of the node's wall clock.
type Ahead struct {
	Author crdt.Author `json:"author"`
	// Clock is that of the feed's last op, Time the date that it stands for.
	Clock crdt.Clock `json:"clock"`
	Time  time.Time  `json:"time"`
	// Entries is how many a trim has kept for it: they are not known to be old, and have not been here long
	// enough. Below is the seq after the last of them. Both are of a trim alone.
	Entries uint64 `json:"entries,omitempty"`
	Below   uint64 `json:"below,omitempty"`
}
