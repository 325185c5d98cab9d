package gossip

import (
	"slices"
	"sync"

	"github.com/quipulog/quipu/crdt"
)

const (
	// maxAsks bounds the authors that one peer is asked for at a time.
	maxAsks = 16
	// maxAnswers bounds the wants of a peer that wait for their answer. One that asks more than
	// twice what this program asks is told that it does not get them.
	maxAnswers = 2 * maxAsks
	// maxReplies bounds the partial vectors that wait to be sent.
	maxReplies = 4
)

// outbox is what there is to write on a link. It holds intentions, not bytes: the writer makes each
// message from the log when the peer is ready to take it, so a slow peer costs nothing here, and is
// told what is true by then.
type outbox struct {
	wake chan struct{} // of one place

	mu sync.Mutex
	// The fields below are guarded by mu.

	box letters
}

// letters is what an outbox holds.
type letters struct {
	offer   bool                        // send our root
	vector  bool                        // send our frontier
	replies []crdt.Frontier             // send these heads, which the peer lacks
	asks    map[crdt.Author][]crdt.Head // ask for what leads to these heads
	wants   []crdt.Want                 // answer these
	refused []crdt.Author               // wants that are past maxAnswers
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// put changes what there is to write and wakes the writer.
func (o *outbox) put(change func(*letters)) {
	o.mu.Lock()
	change(&o.box)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take empties the outbox.
func (o *outbox) take() letters {
	o.mu.Lock()
	defer o.mu.Unlock()
	box := o.box
	o.box = letters{}
	return box
}

// offer sends our root.
func (o *outbox) offer() { o.put(func(b *letters) { b.offer = true }) }

// vector sends our frontier.
func (o *outbox) vector() { o.put(func(b *letters) { b.vector = true }) }

// reply sends heads that the peer lacks, if not too many replies wait.
func (o *outbox) reply(f crdt.Frontier) {
	o.put(func(b *letters) {
		if len(b.replies) < maxReplies {
			b.replies = append(b.replies, f)
		}
	})
}

// ask asks for what leads to heads of a's feed.
func (o *outbox) ask(a crdt.Author, heads []crdt.Head) {
	o.put(func(b *letters) {
		if b.asks == nil {
			b.asks = make(map[crdt.Author][]crdt.Head)
		}
		b.asks[a] = heads
	})
}

// answer answers wants.
func (o *outbox) answer(wants []crdt.Want) {
	o.put(func(b *letters) {
		for _, w := range wants {
			switch {
			case slices.ContainsFunc(b.wants, func(v crdt.Want) bool { return v.Author == w.Author }):
			case len(b.wants) < maxAnswers:
				b.wants = append(b.wants, w)
			case len(b.refused) < maxAnswers:
				b.refused = append(b.refused, w.Author)
			}
		}
	})
}
