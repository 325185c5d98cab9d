package gossip

import (
	"sync"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/answer"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/wire"
)

const (
	// maxAsks bounds the asks that one peer is sent and has not answered.
	maxAsks = 16
	// maxGrafts bounds the authors that wait to be asked for with a graft.
	maxGrafts = wire.MaxHaves
)

// outbox is what there is to write on a link. It holds intentions, not bytes: the writer makes each message from the
// log when the peer is ready to take it, so a slow peer costs nothing here, and is told what is true by then.
type outbox struct {
	wake chan struct{} // of one place

	mu sync.Mutex
	// The fields below are guarded by mu.

	box letters
}

// letters is what an outbox holds.
type letters struct {
	offer   uint32                       // begin the comparison of this number; 0 is none
	offered *wire.Offer                  // answer this
	probed  *wire.Probe                  // answer this
	probe   *wire.Probe                  // send this
	asks    []backfill.Ask               // send these
	wants   []answer.Want                // answer these
	refused []wire.Done                  // wants that are past answer.MaxWants
	lazier  bool                         // the peer is to push no more
	eager   bool                         // the peer is to push again
	grafts  map[crdt.Author]backfill.Ask // what it is to push first
	askWho  uint32                       // ask whom the peer has heard of, by this number; 0 is none
	who     *uint32                      // answer this
	await   bool                         // ask to be told when the peer holds our feed as it is
	confirm bool                         // tell the peer up to where its own feed is held
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// put changes what there is to write and wakes the writer.
func (o *outbox) put(change func(*letters)) {
	o.mu.Lock()
	change(&o.box)
	o.mu.Unlock()
	o.nudge()
}

// nudge wakes the writer, who has something to write that is not in the outbox.
func (o *outbox) nudge() {
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

// offer begins a comparison.
func (o *outbox) offer(round uint32) { o.put(func(b *letters) { b.offer = round }) }

// offered answers a comparison; a later one takes the place of one that waits.
func (o *outbox) offered(m wire.Offer) {
	o.put(func(b *letters) { b.offered, b.probed = &m, nil })
}

// probed answers a step of a comparison.
func (o *outbox) probed(m wire.Probe) { o.put(func(b *letters) { b.probed = &m }) }

// probe takes a step of a comparison.
func (o *outbox) probe(m wire.Probe) { o.put(func(b *letters) { b.probe = &m }) }

// ask asks for what is missing.
func (o *outbox) ask(a backfill.Ask) { o.put(func(b *letters) { b.asks = append(b.asks, a) }) }

// graft asks the peer to push again, from what asks name on. Of one author the last ask counts; past
// [maxGrafts] authors, what is missing is left to comparisons.
func (o *outbox) graft(asks ...backfill.Ask) {
	o.put(func(b *letters) {
		b.eager, b.lazier = true, false
		if b.grafts == nil && len(asks) > 0 {
			b.grafts = make(map[crdt.Author]backfill.Ask)
		}
		for _, a := range asks {
			if _, known := b.grafts[a.Author]; known || len(b.grafts) < maxGrafts {
				b.grafts[a.Author] = a
			}
		}
	})
}

// detach asks the peer to push no more.
func (o *outbox) detach() { o.put(func(b *letters) { b.lazier, b.eager, b.grafts = true, false, nil }) }

// askWho asks whom the peer has heard of.
func (o *outbox) askWho(round uint32) { o.put(func(b *letters) { b.askWho = round }) }

// who answers whom this node has heard of; a later question takes the place of one that waits.
func (o *outbox) who(round uint32) { o.put(func(b *letters) { b.who = &round }) }

// await asks to be told when the peer holds our own feed as far as it goes when that is asked.
func (o *outbox) await() { o.put(func(b *letters) { b.await = true }) }

// confirm tells the peer up to where its own feed is held here.
func (o *outbox) confirm() { o.put(func(b *letters) { b.confirm = true }) }

// answer answers wants.
func (o *outbox) answer(wants []answer.Want) {
	o.put(func(b *letters) {
		for _, w := range wants {
			switch {
			case len(b.wants) < answer.MaxWants:
				b.wants = append(b.wants, w)
			case len(b.refused) < answer.MaxWants:
				b.refused = append(b.refused, w.End())
			}
		}
	})
}
