package gossip

import (
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
)

const (
	// DefaultNewAuthors is how many authors one peer may bring in a minute unless told otherwise.
	DefaultNewAuthors = 6000
	// maxBringers bounds the peers of whom is remembered what they have brought.
	maxBringers = 4096
)

// errNewAuthors is why a run of an author of whom nothing is held is refused for now. It is nobody's offence:
// it is asked for again.
var errNewAuthors = errors.New("the peer brings more new authors than it may in a minute")

// newcomers bounds the authors that each peer brings in beside its own. It counts as a bucket does that leaks as many in a
// minute as it holds: a peer may bring so many at once, and then as many as have leaked. It goes by the
// peer's key, so that coming back on another link changes nothing.
type newcomers struct {
	most int // authors in a minute

	mu sync.Mutex
	// The field below is guarded by mu.

	peers map[crdt.Author]bucket
}

type bucket struct {
	level float64
	at    time.Time
}

func newNewcomers(most int) *newcomers {
	return &newcomers{most: most, peers: make(map[crdt.Author]bucket)}
}

// room returns how many authors a peer may bring now.
func (n *newcomers) room(peer crdt.Author, now time.Time) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.most - int(n.leaked(n.peers[peer], now).level)
}

// takes takes note that a peer brings a new author, and reports whether it may.
func (n *newcomers) takes(peer crdt.Author, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	b, known := n.peers[peer]
	if b = n.leaked(b, now); b.level+1 > float64(n.most) {
		return false
	}
	if !known && len(n.peers) >= maxBringers {
		maps.DeleteFunc(n.peers, func(_ crdt.Author, b bucket) bool { return n.leaked(b, now).level == 0 })
		if len(n.peers) >= maxBringers {
			return false
		}
	}
	b.level++
	n.peers[peer] = b
	return true
}

// leaked returns what is left of a bucket now.
func (n *newcomers) leaked(b bucket, now time.Time) bucket {
	left := b.level - now.Sub(b.at).Minutes()*float64(n.most)
	return bucket{level: max(left, 0), at: now}
}
