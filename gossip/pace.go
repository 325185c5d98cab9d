package gossip

import (
	"time"

	"github.com/quipulog/quipu/gossip/membership"
)

// pace is how long things take and how often they are done, by profile.
type pace struct {
	tick     time.Duration // how often the loop looks at its clocks while anything is under way
	offer    time.Duration // between two anti-entropy offers on a link; ± a quarter
	rest     time.Duration // the same, of both ends together, while they hold the same; well below silence
	soon     time.Duration // from news to the offer that spreads it; up to twice as long
	lazy     time.Duration // how long announcements are gathered
	ihave    time.Duration // how long what is announced may take to be pushed
	graft    time.Duration // how long the next announcer has when one did not push it after all
	patience time.Duration // how long a little that others are seen to have may take to be pushed
	compare  time.Duration // how long a peer may take to answer a step of a comparison
	deliver  time.Duration // how long a peer may take to send the next of what it was asked for
	avoid    time.Duration // how long a peer that did not deliver is not asked for that author
	stuck    time.Duration // an exchange in which nothing has moved for so long is given up
	silence  time.Duration // after so long without a word a link is dead
	greet    time.Duration // for the exchange of hellos
	write    time.Duration // for one frame to be taken by the peer
	dialLow  time.Duration // first pause after a failed dial or join; doubles
	dialHigh time.Duration // longest pause
	suspect  time.Duration // a member that is neither linked nor heard of for so long is suspect
	dialBack time.Duration // after so long without a link the higher author dials too
}

func paceOf(p membership.Profile) pace {
	lan := pace{
		tick:     50 * time.Millisecond,
		offer:    time.Second,
		rest:     4 * time.Second,
		soon:     100 * time.Millisecond,
		lazy:     30 * time.Millisecond,
		ihave:    150 * time.Millisecond,
		graft:    100 * time.Millisecond,
		patience: 750 * time.Millisecond,
		compare:  5 * time.Second,
		deliver:  3 * time.Second,
		avoid:    20 * time.Second,
		stuck:    time.Minute,
		silence:  10 * time.Second,
		greet:    5 * time.Second,
		write:    30 * time.Second,
		dialLow:  500 * time.Millisecond,
		dialHigh: 10 * time.Second,
		suspect:  time.Second,
		dialBack: 3 * time.Second,
	}
	if p != membership.WAN {
		return lan
	}
	wan := lan
	wan.offer = 5 * time.Second
	wan.rest = 16 * time.Second
	wan.soon = 500 * time.Millisecond
	wan.lazy = 250 * time.Millisecond
	wan.ihave = 2 * time.Second
	wan.graft = time.Second
	wan.patience = 4 * time.Second
	wan.compare = 30 * time.Second
	wan.deliver = 15 * time.Second
	wan.stuck = 3 * time.Minute
	wan.silence = 45 * time.Second
	wan.greet = 15 * time.Second
	wan.write = 2 * time.Minute
	wan.suspect = 10 * time.Second
	wan.dialBack = 10 * time.Second
	return wan
}
