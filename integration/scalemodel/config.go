package scalemodel

import "time"

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
	Lazy  time.Duration // how long announcements are gathered
	IHave time.Duration // plumtree's IHaveTimeout
	Graft time.Duration // plumtree's GraftTimeout

	Patience time.Duration // how long what a comparison has shown may take to be pushed
	Silence  time.Duration // after so long a link to a dead node ends
	Redial   time.Duration // the longest pause between two attempts to reach a seed

	Gossip   time.Duration // between two packets of rumours
	Probe    time.Duration // between two probes
	PushPull time.Duration // between two exchanges of tables, among at most 32 nodes
}

func (c Config) withDefaults() Config {
	or(&c.Writers, 100)
	c.Writers = min(c.Writers, c.Nodes)
	or(&c.Rate, 10)
	or(&c.OpBytes, 400)
	or(&c.DelayMin, time.Millisecond)
	or(&c.DelayMax, 5*time.Millisecond)
	or(&c.Store, time.Millisecond)
	p := &c.Pace
	or(&p.Offer, time.Second)
	or(&p.Lazy, 30*time.Millisecond)
	or(&p.IHave, 150*time.Millisecond)
	or(&p.Graft, 100*time.Millisecond)
	or(&p.Patience, 750*time.Millisecond)
	or(&p.Silence, 10*time.Second)
	or(&p.Redial, 10*time.Second)
	or(&p.Gossip, 50*time.Millisecond)
	or(&p.Probe, 250*time.Millisecond)
	or(&p.PushPull, 15*time.Second)
	return c
}

// or puts in a default.
func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
