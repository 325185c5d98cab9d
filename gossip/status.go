package gossip

import (
	"net/netip"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/membership"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wallclock"
)

// Status is a snapshot of how a node gets on with the others.
type Status struct {
	Self    crdt.Author
	Log     crdt.LogID
	Addr    netip.AddrPort
	Version string // of this program, as peers are told
	Members []Member
	Seeds   []Seed
	// Progress is how far this node is behind the others together, and how fast it catches up.
	Progress backfill.Progress
	// Starved are the authors of whom more is to be had, but not with the bodies that this node keeps.
	Starved []Starved
	// Clock says whether this node's wall clock disagrees with those of most linked peers.
	Clock ClockOff
	// Full says since when there is no room for what peers send, and why; nil while there is.
	Full       *Full
	Counts     Counts
	Queues     Queues
	Transport  transport.Counts
	Membership membership.Counts
}

// Queues are what waits in memory for something.
type Queues struct {
	Apply     Queue // of what was read on links, for the log; its bytes are those of what the log is taking, too
	Pending   Queue // of runs, for the ops before them
	News      Queue // of what has just come, for links that are slower than others
	Transient Queue // of transient events, for their links
}

// Queue is how many things wait, and the bytes that they keep in memory.
type Queue struct{ Waiting, Bytes int }

// queues looks at what waits.
func (g *Gossip) queues() (q Queues) {
	a := g.applier
	q.Apply = Queue{len(a.queue), int(a.unapplied.Load())}
	q.Pending = Queue{int(a.waiting.Load()), int(a.waitingBytes.Load())}
	q.News.Waiting, q.News.Bytes = g.news.Len()
	q.Transient.Waiting, q.Transient.Bytes = g.transients.Len()
	return q
}

// Counts is what a node has done and seen since it was made.
type Counts struct {
	BytesSent, BytesReceived uint64 // of frames on links, without TLS
	BytesPacked              uint64 // what compressing saved of those sent
	RunsSent, OpsSent        uint64
	RunsPushed               uint64 // of those sent, along the tree
	PayloadSent              uint64 // bytes of ops
	PayloadReceived          uint64 // bytes of ops, pushed or asked for
	PushedReceived           uint64 // bytes of ops that were pushed here
	PayloadTaken             uint64 // bytes of ops that were new here
	OpsTaken, EntriesTaken   uint64 // new here
	Duplicates               uint64 // ops that were held already
	Pending                  uint64 // runs that could not be placed when they came
	PendingKept              uint64 // of those, runs that were kept until the ops before them came
	Forks                    uint64 // runs that began a branch
	OffersSent               uint64 // comparisons begun
	ProbesSent, VectorsSent  uint64 // their steps
	Announced                uint64 // heads named to lazy peers
	Grafts, Detaches         uint64 // links made eager and lazy from this side
	Asks                     uint64 // asks sent to fill what is missing
	ReadFailures             uint64 // ops that could not be read for a peer
	NotWritten               uint64 // runs in our own name that were new here
	TransientsSent           uint64 // transient events that went out on links, our own and others'
	TransientsTaken          uint64 // of peers, told here
	TransientsRelayed        uint64 // of peers, handed to links
	TransientsDropped        uint64 // for a link that was too slow
	TransientsRepeated       uint64 // of peers, that had come before
	TransientsStale          uint64 // of peers, more than a minute old or ahead
	TransientsLimited        uint64 // of peers, past what a link may send
	TransientsRefused        uint64 // of peers, of shut authors or of a format that is not known here
	Faults                   map[Reason]uint64
	Unlogged                 uint64 // faults that were counted and not logged, to spare the log
}

// ClockOff says how this node's wall clock stands to those of the peers that it is linked to.
type ClockOff = wallclock.Off

// ClockOff returns how this node's wall clock stands to those of the linked peers.
func (g *Gossip) ClockOff() (off ClockOff) {
	if g.loop.running() {
		g.loop.ask(func(s *state) { off = s.clockOff(g.self, time.Now()) })
	}
	return off
}

// Status returns a snapshot.
func (g *Gossip) Status() Status {
	s := Status{
		Self:       g.self,
		Log:        g.log.ID(),
		Addr:       g.Addr(),
		Version:    g.cfg.Version,
		Members:    g.Members(),
		Seeds:      g.Seeds(),
		Counts:     g.counts(),
		Queues:     g.queues(),
		Transport:  g.transport.Counts(),
		Membership: g.members.Counts(),
	}
	s.Full = g.applier.full.Load()
	if g.loop.running() {
		g.loop.ask(func(st *state) {
			now := time.Now()
			s.Progress, s.Starved, s.Clock = st.spread.schedule.Progress(now), st.spread.allStarved(), st.clockOff(g.self, now)
		})
	}
	return s
}

// counts adds up what the parts have counted.
func (g *Gossip) counts() Counts {
	in, out, taken, transient := &g.received, &g.sent, &g.applier.taken, &g.transients.Counts
	c := Counts{ // A part is read before its whole, which grows first.
		BytesSent: out.bytes.Load(), BytesReceived: in.bytes.Load(), BytesPacked: out.packed.Load(),
		RunsPushed: out.pushed.Load(), RunsSent: out.runs.Load(), OpsSent: out.ops.Load(), PayloadSent: out.payload.Load(),
		PayloadTaken: taken.payload.Load(), PushedReceived: in.pushed.Load(), PayloadReceived: in.payload.Load(),
		OpsTaken: taken.ops.Load(), EntriesTaken: taken.entries.Load(), Duplicates: taken.duplicates.Load(),
		PendingKept: taken.kept.Load(), Pending: taken.pending.Load(), Forks: taken.forks.Load(),
		OffersSent: out.offers.Load(), ProbesSent: out.probes.Load(), VectorsSent: out.vectors.Load(), Announced: out.announced.Load(),
		Grafts: g.asked.grafts.Load(), Detaches: g.asked.detaches.Load(), Asks: g.asked.asks.Load(), ReadFailures: out.unread.Load(),
		TransientsSent: transient.Sent.Load(), TransientsTaken: transient.Taken.Load(), TransientsRelayed: transient.Relayed.Load(),
		TransientsDropped: transient.Dropped.Load(), TransientsRepeated: transient.Repeated.Load(), TransientsStale: transient.Stale.Load(),
		TransientsLimited: transient.Limited.Load(), TransientsRefused: transient.Refused.Load(),
	}
	c.Faults, c.Unlogged = g.faults.counts()
	c.NotWritten = c.Faults[reasonNotWritten]
	return c
}
