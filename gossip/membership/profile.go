package membership

import (
	"fmt"
	"time"

	"github.com/hashicorp/memberlist"
)

// Profile says what the network between the members is like.
type Profile string

const (
	// LAN is a network with round trips of a few milliseconds: a process that dies is noticed in about a second,
	// a machine that falls silent in one to three. It is the default.
	LAN Profile = "lan"
	// Local is one machine: like LAN, with more frequent push and pull.
	Local Profile = "local"
	// WAN is the internet: a dead node is noticed in about a quarter of a minute.
	WAN Profile = "wan"
)

// Check says why p is not usable, or nil. The empty profile is LAN.
func (p Profile) Check() error {
	switch p {
	case "", LAN, Local, WAN:
		return nil
	}
	return fmt.Errorf("profile %q: expected lan, local or wan", string(p))
}

// probeHold returns the time between two probes in a lull, 0 where they are seldom enough without one.
func (p Profile) probeHold() time.Duration {
	if p == WAN {
		return 0
	}
	return probeHold
}

// tune sets the intervals of memberlist. A member that does not answer is suspected after one probe
// interval; with m members it is declared dead SuspicionMult · max(1, log10 m) intervals later, or up
// to SuspicionMaxTimeoutMult times that if nobody confirms.
func (p Profile) tune(c *memberlist.Config) {
	c.GossipInterval = 50 * time.Millisecond
	c.GossipNodes = 3
	c.RetransmitMult = 4
	c.IndirectChecks = 3
	c.SuspicionMult = 3
	c.SuspicionMaxTimeoutMult = 3
	c.AwarenessMaxMultiplier = 4
	c.ProbeInterval = 250 * time.Millisecond
	c.ProbeTimeout = 125 * time.Millisecond
	c.TCPTimeout = 5 * time.Second
	c.PushPullInterval = 30 * time.Second
	c.GossipToTheDeadTime = 15 * time.Second
	switch p {
	case Local:
		c.PushPullInterval = 5 * time.Second
	case WAN:
		c.SuspicionMult = 5
		c.ProbeInterval = 2 * time.Second
		c.ProbeTimeout = time.Second
		c.TCPTimeout = 15 * time.Second
		c.PushPullInterval = time.Minute
		c.GossipToTheDeadTime = time.Minute
	}
}
