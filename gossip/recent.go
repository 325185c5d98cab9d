package gossip

import (
	"sync"
	"unsafe"

	"github.com/quipulog/quipu/crdt"
)

const (
	// maxRecent bounds the memory of the runs that are kept for pushing, in bytes: of the frames that they
	// came in, of what is known of each op, and of the list itself.
	maxRecent = 8 << 20
	// maxRecentItems bounds their number.
	maxRecentItems = 8192
	// maxRecentFeeds bounds the authors whose last head is remembered after their runs have gone.
	maxRecentFeeds = 4096
	// newsMemory is what news takes in the list, in bytes: half of the list may be spare room.
	newsMemory = 2 * int(unsafe.Sizeof(news{}))
)

// news is what came into the log and is to be spread: a run that was appended here or pushed by a
// peer, or only the head it led to, when it came as an answer and others probably have it.
type news struct {
	author crdt.Author
	head   crdt.Head
	run    crdt.Run // without ops: to be announced, not pushed
	size   int      // memory that the run keeps alive, where that is more than its own, in bytes
	from   linkID   // who brought it; zeros: this node wrote it
	hops   uint16   // it has made so far
}

// cost is what the news counts for, in bytes.
func (n news) cost() int { return newsMemory + max(n.size, n.run.Memory()) }

// recent holds the latest news once, for all links. Each link has a place in it and moves on at its
// own speed; none is waited for. What a link is too slow for has gone when it comes back: then it
// announces the last heads instead, and the peer asks for the ops, which are read from disk.
//
//	news:  41 ─ 42 ─ 43 ─ 44 ─ 45 ─ 46        46: the next to be put
//	        │first         │a link's place
type recent struct {
	mu sync.Mutex
	// The fields below are guarded by mu.

	items   []news // from number first on
	first   uint64
	bytes   int
	heads   map[crdt.Author]lastNews
	swept   uint64        // what first was when heads was last cleared of what has gone
	changed chan struct{} // closed at the next put
}

// lastNews is the last head of an author that was put, and its number.
type lastNews struct {
	head   crdt.Head
	number uint64
}

func newRecent() *recent {
	return &recent{heads: make(map[crdt.Author]lastNews), changed: make(chan struct{})}
}

// put adds news, and drops the oldest where there is too much.
func (r *recent) put(n news) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.heads) >= maxRecentFeeds && r.first != r.swept {
		r.swept = r.first
		for a, last := range r.heads {
			if last.number < r.first {
				delete(r.heads, a)
			}
		}
	}
	if _, known := r.heads[n.author]; known || len(r.heads) < maxRecentFeeds {
		r.heads[n.author] = lastNews{n.head, r.end()}
	}
	r.items = append(r.items, n)
	r.bytes += n.cost()
	for r.bytes > maxRecent || len(r.items) > maxRecentItems {
		r.bytes -= r.items[0].cost()
		r.items[0] = news{}
		r.items = r.items[1:]
		r.first++
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// end returns the number of the next news, for a caller that holds mu.
func (r *recent) end() uint64 { return r.first + uint64(len(r.items)) }

// place returns the place behind all that is there, and a channel that is closed when there is more.
func (r *recent) place() (uint64, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end(), r.changed
}

// at returns the news with a number, and whether there is any yet. With lost set, it has gone.
func (r *recent) at(number uint64) (n news, ok, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case number < r.first:
		return news{}, false, true
	case number >= r.end():
		return news{}, false, false
	}
	return r.items[number-r.first], true, false
}

// headsSince returns the last heads of the authors of whom there were news from number on.
func (r *recent) headsSince(number uint64) map[crdt.Author]crdt.Head {
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
