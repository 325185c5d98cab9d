package backfill

import (
	"cmp"
	"math/rand/v2"
	"time"
)

// Config says how much is asked for at a time and how long things may take. The zero Config is
// usable.
type Config struct {
	// PerPeer bounds the asks that one peer has at a time. Default 16.
	PerPeer int
	// All bounds the asks at a time, of all peers. Default 64.
	All int
	// SpanBytes is what the answer to a span may take, in bytes; spans are cut so that they fill it,
	// and smaller ones are asked of many peers. Default 1 MiB.
	SpanBytes uint32
	// Window bounds the spans of one author that are asked for or wait to be placed. Default 8.
	Window int
	// Pending bounds the bytes of all spans that are asked for or pending, save those that
	// can be placed as they come. Default 16 MiB.
	Pending int64
	// Patience is how long a small lack is left to live push. Default 750 ms.
	Patience time.Duration
	// Deliver is how long a peer may take to send the next of what it was asked for. Default 3 s.
	Deliver time.Duration
	// Avoid is how long a peer that failed is not asked for that author; ± a quarter. Default 20 s.
	Avoid time.Duration
	// Rand breaks ties. Default one that is seeded with zeros.
	Rand *rand.Rand
}

func (c Config) withDefaults() Config {
	c.PerPeer = cmp.Or(c.PerPeer, 16)
	c.All = cmp.Or(c.All, 64)
	c.SpanBytes = cmp.Or(c.SpanBytes, 1<<20)
	c.Window = cmp.Or(c.Window, 8)
	c.Pending = cmp.Or(c.Pending, 16<<20)
	c.Patience = cmp.Or(c.Patience, 750*time.Millisecond)
	c.Deliver = cmp.Or(c.Deliver, 3*time.Second)
	c.Avoid = cmp.Or(c.Avoid, 20*time.Second)
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(0, 0))
	}
	return c
}
