package gossip

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/membership"
)

// State says how a member is.
type State string

const (
	// Alive: it is linked, or answers probes.
	Alive State = "alive"
	// Suspect: nothing says that it has gone, and it has not been heard of for a while.
	Suspect State = "suspect"
	// Dead: it stopped without a word, as far as the membership can tell.
	Dead State = "dead"
	// Left: it said that it leaves.
	Left State = "left"
	// Guest: it is linked and no member. It dialled for an exchange, or is about to join, or is a second
	// process with a member's key. Its address is where its stream comes from.
	Guest State = "guest"
)

// Member is another node, as this one sees it. Nothing in it but Author and Addr has been proven.
type Member struct {
	Author crdt.Author
	Name   string // what it calls itself; it may be anything
	Addr   netip.AddrPort
	State  State
	Since  time.Time     // when it became alive or was seen to have gone
	RTT    time.Duration // of the last answered probe; 0 if none was
	Heard  time.Time     // when it was last heard of; zero if never

	Linked bool
	// Eager says that news goes to it at once; otherwise it is told what there is, and asks if that
	// does not come from elsewhere.
	Eager bool
	// Overruns is how often it was too slow for the news and was left to ask for it.
	Overruns uint64
	// Compared is when the two last compared; zero if they have not lately. Then nothing is known of what
	// one of them lacks.
	Compared time.Time
	// Behind is how many entries this node is known to lack that the member has: it has lately delivered, or shown
	// that it can, or nothing can be taken here. BehindSince is since when; zero while nothing is lacking.
	Behind      uint64
	BehindSince time.Time
	// Lacks is how many entries this node had then that the member lacked, with one for each author of whom
	// it takes no more: how many those are nobody tells.
	Lacks uint64
	// LacksSince is since when it has lacked something; zero while it lacks nothing that it takes.
	LacksSince time.Time
	// Conditions is what the member says keeps it from having, taking or writing what it could. What this
	// program does not know is among them.
	Conditions []Condition
	// Version is what the member says its program is, while it is linked; empty if it has not.
	Version string
	// Page is where the member says that it is asked over HTTP; empty where it has not. It may be anything.
	Page string
	// Clock is by how much its wall clock is ahead of ours, negative when it is behind; ClockKnown says
	// whether that was measured in the last minute.
	Clock      time.Duration
	ClockKnown bool
	// EqualAt is when its digest last was the same as ours; zero if never on the present link.
	EqualAt time.Time
}

// Members returns the other nodes that are known, by author. Before [Gossip.Run] there are none.
func (g *Gossip) Members() []Member {
	if !g.loop.running() {
		return nil
	}
	known := g.members.Members()
	var all []Member
	g.loop.ask(func(s *state) { all = s.members(known, time.Now()) })
	return all
}

// members puts together what the membership and the links say.
func (s *state) members(known []membership.Member, now time.Time) []Member {
	var all []Member
	seen := make(map[crdt.Author]bool)
	for _, k := range known {
		seen[k.Author] = true
		m := Member{Author: k.Author, Name: k.Name, Addr: k.Addr, Since: k.Since, RTT: k.RTT, Heard: k.Heard, State: Alive}
		if p := s.linkTo(k.Author); p != nil {
			s.describe(&m, p)
		} else {
			m.State = s.neighbours.unlinked(k, now)
		}
		all = append(all, m)
	}
	for _, p := range s.links {
		// Beside a member, another process with its key is shown while it is heard of.
		if !seen[p.peer] || p != s.linkTo(p.peer) && !p.quiet(s.g.pace, now) {
			m := Member{Author: p.peer, Addr: addrPortOf(p.addr), Since: p.since, State: Guest}
			s.describe(&m, p)
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return a.Author.Compare(b.Author) })
	return all
}

// describe adds to m what its link says.
func (s *state) describe(m *Member, p *peering) {
	m.Linked, m.EqualAt = true, p.equalAt
	if heard := p.lastHeard(); heard.After(m.Heard) {
		m.Heard = heard
	}
	m.Name = cmp.Or(m.Name, p.name)
	lag := s.spread.schedule.Lag(p.id, time.Now())
	m.Behind, m.BehindSince = lag.Entries, lag.Since
	if lacks, known := p.lacking(s.g.pace, time.Now()); known {
		m.Lacks, m.LacksSince, m.Compared = lacks, p.lacksSince, p.lacksAt
	}
	m.Conditions, m.Version, m.Page = p.says(), said(&p.program), said(&p.page)
	m.Clock, m.ClockKnown = p.clock.Off(time.Now())
	m.Eager, m.Overruns = p.eager.Load(), p.news.Overruns()
}

// addrPortOf returns the address and port in a network address, zero if there are none.
func addrPortOf(a net.Addr) netip.AddrPort {
	ap, _ := netip.ParseAddrPort(a.String())
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
