package gossip

import (
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backfill"
	"github.com/quipulog/quipu/gossip/membership"
	"github.com/quipulog/quipu/gossip/rarely"
	"github.com/quipulog/quipu/gossip/transport"
)

// Status is a snapshot of how a node gets on with the others.
type Status struct {
	Self    crdt.Author
	Log     crdt.LogID
	Addr    netip.AddrPort
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
	Transport  transport.Counts
	Membership membership.Counts
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

// Status returns a snapshot.
func (g *Gossip) Status() Status {
	s := Status{
		Self:       g.self,
		Log:        g.log.ID(),
		Addr:       g.Addr(),
		Members:    g.Members(),
		Seeds:      g.Seeds(),
		Counts:     g.tally.snapshot(),
		Transport:  g.transport.Counts(),
		Membership: g.members.Counts(),
	}
	s.Full = g.applier.full.Load()
	if g.loop.running() {
		g.loop.ask(func(st *state) {
			now := time.Now()
			s.Progress, s.Starved, s.Clock = st.schedule.Progress(now), st.allStarved(), st.clockOff(now)
		})
	}
	return s
}

// tally counts.
type tally struct {
	mu sync.Mutex
	// The fields below are guarded by mu.

	counts Counts
	logged rarely.Lines[fault]
}

// fault is a kind of fault of one author, as a peer or as the author of ops.
type fault struct {
	who    crdt.Author
	reason Reason
}

func newTally() *tally {
	return &tally{counts: Counts{Faults: make(map[Reason]uint64)}}
}

// add changes the counts.
func (t *tally) add(change func(*Counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.counts)
}

// outcome counts what became of a run.
func (t *tally) outcome(a arrival, o fate) {
	bytes := 0
	for _, op := range a.run.Ops[min(o.Duplicates, len(a.run.Ops)):min(o.Duplicates+o.Ops, len(a.run.Ops))] {
		bytes += op.Size()
	}
	t.add(func(c *Counts) {
		if o.Kept {
			c.PendingKept++
		}
		c.PayloadTaken += uint64(bytes)
		c.OpsTaken += uint64(o.Ops)
		c.EntriesTaken += uint64(o.Entries)
		c.Duplicates += uint64(o.Duplicates)
		if o.Decision == crdt.Pending && o.Err == nil {
			c.Pending++
		}
		if o.Forked {
			c.Forks++
		}
	})
}

// fault counts a fault and reports whether it is to be logged.
func (t *tally) fault(who crdt.Author, reason Reason, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Faults[reason]++
	if !t.logged.Pass(fault{who, reason}, now) {
		t.counts.Unlogged++
		return false
	}
	return true
}

func (t *tally) snapshot() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	c.Faults = maps.Clone(c.Faults)
	return c
}
