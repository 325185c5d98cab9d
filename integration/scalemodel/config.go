package scalemodel

import (
	"cmp"
	"time"
)

// Config says what is simulated. The zero value of every field but Nodes means its default.
type Config struct {
	Nodes   int
	Seed    uint64
	Writers int     // authors that write; the others hold what they wrote before. Default: 100, at most Nodes
	Rate    float64 // ops a second, of the whole cluster. Default: 10
	OpBytes int     // of one op. Default: 400: an entry of some 200 bytes

	// DelayMin and DelayMax bound the way over a link or of a packet. Default: 1 and 5 ms.
	DelayMin, DelayMax time.Duration
	// Store is how long it takes to store what has come. Default: 1 ms.
	Store time.Duration

	Pace Pace
}

// Pace is what package gossip and its membership do how often, on a LAN. The zero value of every field
// means what they do.
type Pace struct {
	Offer time.Duration // between two comparisons on a link, each way
	Rest  time.Duration // the same, of both ends together, while they hold the same
	Lazy  time.Duration // how long announcements are gathered
	IHave time.Duration // plumtree's IHaveTimeout
	Graft time.Duration // plumtree's GraftTimeout

	Patience time.Duration // how long what a comparison has shown may take to be pushed
	Silence  time.Duration // after so long a link to a dead node ends
	Redial   time.Duration // the longest pause between two attempts to reach a seed

	Gossip   time.Duration // between two packets of rumours
	Probe    time.Duration // between two probes while somebody may have gone
	Hold     time.Duration // between two probes else
	PushPull time.Duration // between two exchanges of tables, among at most 32 nodes
}

func (c Config) withDefaults() Config {
	c.Writers = cmp.Or(c.Writers, 100)
	c.Writers = min(c.Writers, c.Nodes)
	c.Rate = cmp.Or(c.Rate, 10)
	c.OpBytes = cmp.Or(c.OpBytes, 400)
	c.DelayMin = cmp.Or(c.DelayMin, time.Millisecond)
	c.DelayMax = cmp.Or(c.DelayMax, 5*time.Millisecond)
	c.Store = cmp.Or(c.Store, time.Millisecond)
	p := &c.Pace
	p.Offer = cmp.Or(p.Offer, time.Second)
	p.Rest = cmp.Or(p.Rest, 4*time.Second)
	p.Lazy = cmp.Or(p.Lazy, 30*time.Millisecond)
	p.IHave = cmp.Or(p.IHave, 150*time.Millisecond)
	p.Graft = cmp.Or(p.Graft, 100*time.Millisecond)
	p.Patience = cmp.Or(p.Patience, 750*time.Millisecond)
	p.Silence = cmp.Or(p.Silence, 10*time.Second)
	p.Redial = cmp.Or(p.Redial, 10*time.Second)
	p.Gossip = cmp.Or(p.Gossip, 50*time.Millisecond)
	p.Probe = cmp.Or(p.Probe, 250*time.Millisecond)
	p.Hold = cmp.Or(p.Hold, time.Second)
	p.PushPull = cmp.Or(p.PushPull, 30*time.Second)
	return c
}
