package metrics

import (
	"crypto/x509"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/server"
)

// Look is what the parts of a node say at a moment.
type Look struct {
	At      time.Time
	Version string
	Self    crdt.Author
	// Ready and CaughtUp are what /readyz says of the node, Appends that it may append.
	Ready, CaughtUp, Appends bool
	Conditions               []gossip.Condition // that hold
	Log                      eventlog.Meters
	// Feeds calls visit with what is held of each feed.
	Feeds   func(visit func(eventlog.FeedStats))
	Shut    map[crdt.Author]eventlog.ShutReason
	Network gossip.Status
	// Heads is by peer the seq up to which it says that it holds our own feed.
	Heads map[crdt.Author]uint64
	Trims Trims
	Calls server.Counts
	// Certificate is the one that is shown over HTTPS; nil for none.
	Certificate *x509.Certificate
	// Sample is the last that was taken; nil before the first.
	Sample *Sample

	*chosen // by the collector
}

// Trims is what the node has trimmed since its start.
type Trims struct {
	Runs, Failed    uint64
	Trimmed, Pruned eventlog.Forgotten
	// Last is when the last one began, and Held who has kept back something of it.
	Last time.Time
	Held []eventlog.HeldBack
}

// Sample is what takes reading, or asking the system.
type Sample struct {
	Followers []eventlog.FollowerStatus
	// Alone is what of our own feed no other node is known to hold; nil where none is known that could.
	Alone *elsewhere.Alone
	// DiskFree is how many bytes are free on the disk of the log's file; nil where that cannot be told.
	DiskFree *uint64
	// Gaps are the entries that say what programs lost before it became entries, and Lost how many events they name.
	Gaps, Lost uint64
}
