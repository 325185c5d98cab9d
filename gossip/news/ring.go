package news

import (
	"sync"
	"unsafe"

	"github.com/quipulog/quipu/crdt"
)

const (
	// MaxBytes bounds the memory of the runs that are kept for pushing, in bytes: of the frames that they
	// came in, of what is known of each op, and of the list itself.
	MaxBytes = 8 << 20
	// maxItems bounds their number.
	maxItems = 8192
	// maxFeeds bounds the authors whose last head is remembered after their runs have gone.
	maxFeeds = 4096
	// itemMemory is what an item takes in the list, in bytes: half of the list may be spare room.
	itemMemory = 2 * int(unsafe.Sizeof(Item{}))
)

// Item is what came into the log and is to be spread: a run that was appended here or pushed by a
// peer, or only the head it led to, when it came as an answer and others probably have it.
type Item struct {
	Author crdt.Author
	Head   crdt.Head
	Run    crdt.Run    // without ops: to be announced, not pushed
	Size   int         // memory that the run keeps alive, where that is more than its own, in bytes
	From   crdt.Author // the [Peer.ID] of who brought it; zeros: this node wrote it
	Hops   uint16      // it has made so far
}

// cost is what the item counts for, in bytes.
func (n Item) cost() int { return itemMemory + max(n.Size, n.Run.Memory()) }

// Ring holds the latest news once, for all links. Each link has a [Place] in it and moves on at its own speed; none
// is waited for. What a link is too slow for has gone when it comes back: then it announces the last heads instead,
// and the peer asks for the ops, which are read from disk. Its methods may be called from any goroutine.
//
//	news:  41 ─ 42 ─ 43 ─ 44 ─ 45 ─ 46        46: the next to be put
//	        │first         │a link's place
type Ring struct {
	mu sync.Mutex
	// The fields below are guarded by mu.

	items   []Item // from number first on
	first   uint64
	bytes   int
	heads   map[crdt.Author]lastHead
	swept   uint64        // what first was when heads was last cleared of what has gone
	changed chan struct{} // closed at the next put
}

// lastHead is the last head of an author that was put, and its number.
type lastHead struct {
	head   crdt.Head
	number uint64
}

// NewRing returns a ring without news.
func NewRing() *Ring {
	return &Ring{heads: make(map[crdt.Author]lastHead), changed: make(chan struct{})}
}

// Put adds news, and drops the oldest where there is too much.
func (r *Ring) Put(n Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.heads) >= maxFeeds && r.first != r.swept {
		r.swept = r.first
		for a, last := range r.heads {
			if last.number < r.first {
				delete(r.heads, a)
			}
		}
	}
	if _, known := r.heads[n.Author]; known || len(r.heads) < maxFeeds {
		r.heads[n.Author] = lastHead{n.Head, r.end()}
	}
	r.items = append(r.items, n)
	r.bytes += n.cost()
	for r.bytes > MaxBytes || len(r.items) > maxItems {
		r.bytes -= r.items[0].cost()
		r.items[0] = Item{}
		r.items = r.items[1:]
		r.first++
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// Len returns how many news there are, and the bytes that they count for.
func (r *Ring) Len() (items, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.items), r.bytes
}

// end returns the number of the next news, for a caller that holds mu.
func (r *Ring) end() uint64 { return r.first + uint64(len(r.items)) }

// behind returns the number behind all that is there, and a channel that is closed when there is more.
func (r *Ring) behind() (uint64, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end(), r.changed
}

// at returns the news with a number, and whether there is any yet. With lost set, it has gone.
func (r *Ring) at(number uint64) (n Item, ok, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case number < r.first:
		return Item{}, false, true
	case number >= r.end():
		return Item{}, false, false
	}
	return r.items[number-r.first], true, false
}

// headsSince returns the last heads of the authors of whom there were news from number on.
func (r *Ring) headsSince(number uint64) map[crdt.Author]crdt.Head {
	r.mu.Lock()
	defer r.mu.Unlock()
	heads := make(map[crdt.Author]crdt.Head)
	for a, last := range r.heads {
		if last.number >= number {
			heads[a] = last.head
		}
	}
	return heads
}
