package scalemodel

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// members is what package memberlist does, with the intervals of the LAN profile: each node probes one
// other at a time; one that does not answer is suspected, and declared dead when nobody has heard from
// it for a while; suspicions and deaths spread as rumours in packets to random members. Of what is not
// dead, nobody is suspected wrongly here.
type members struct {
	sizes   sizes
	advert  float64 // bytes of all packets that advertise one op's head
	retell  int     // how often a rumour is told by each node
	least   time.Duration
	most    time.Duration // a suspicion stands so long unless it is confirmed; then least
	rumours map[rumourKey]*rumour
	noticed []noticed
}

// The numbers of memberlist's configuration, as package membership sets them.
const (
	gossipNodes    = 3
	retransmitMult = 4
	indirectChecks = 3
	suspicionMult  = 3
	suspicionMax   = 3 // most is so many times least
	tableScale     = 32
)

// The sizes of memberlist's messages, in bytes, in MessagePack with field names; a node's name is its
// author in hex, its metadata an announcement with a name of 8 bytes.
const (
	packetBytes = 1400                     // the most that a packet holds
	packetFrame = 34 + 29 + 2              // label, encryption, and the head of a compound
	pingBytes   = 190 + packetFrame        // names the one probed and the one who asks
	ackBytes    = 24 + packetFrame         //
	indirect    = pingBytes*2 + ackBytes   // to somebody else, who pings and is not answered either
	rumourBytes = 160 + 2                  // a suspicion or a death, and its length in a compound
	tableEntry  = 265                      // a member in a push or pull
	tableFrame  = 2 * (34 + 29 + 22 + 64)  // both ways: label, encryption, TLS, the root
	advertBytes = 1 + 2 + 74 + packetFrame // one head of one author
)

// rumourKey names a rumour: by says who suspects, and is -1 for a death.
type rumourKey struct{ about, by int }

// rumour is what is told about a node. Each node remembers by a bit whether it has heard it.
type rumour struct {
	rumourKey
	heard []uint64
}

// noticed is that a node has taken another for dead.
type noticed struct {
	about int
	at    time.Duration
}

// suspicions is what a node thinks of those it does not take for alive.
type suspicions map[int]*suspicion

type suspicion struct {
	by    []int // who suspects, at most two
	since time.Duration
	dead  bool
}

func (s suspicions) believesDead(i int) bool { return s[i] != nil && s[i].dead }

// gossiper is a node's queue of rumours.
type gossiper struct {
	tell    []telling
	telling bool
	probes  int // made so far

	alarmed time.Duration // until then its probes are not held
	plans   int           // of probes, made so far: the last one counts

	advertised time.Duration // when its head was last advertised
}

type telling struct {
	*rumour
	times int
}

func newMembers(n int) members {
	scale := max(1, math.Log10(float64(n)))
	least := time.Duration(suspicionMult * scale * float64(250*time.Millisecond))
	m := members{
		sizes: newSizes(), least: least, most: suspicionMax * least, rumours: make(map[rumourKey]*rumour),
		retell: retransmitMult * int(math.Ceil(math.Log10(float64(n+1)))),
	}
	m.advert = float64(m.retell * advertBytes)
	return m
}

// advertise counts what it costs that n advertises its head. A newer head takes the place of one that
// has not been sent as often as it should.
func (m *model) advertise(n *node) {
	takes := time.Duration(m.members.retell/gossipNodes) * m.cfg.Pace.Gossip
	passed := min(m.now-n.advertised, takes)
	m.traffic.Membership += m.members.advert * float64(passed) / float64(takes)
	n.advertised = m.now
}

// tablePause is the time between two exchanges of tables of one node.
func (m *model) tablePause() time.Duration {
	n := float64(m.cfg.Nodes)
	if n <= tableScale {
		return m.cfg.Pace.PushPull
	}
	return time.Duration(math.Ceil(math.Log2(n)-math.Log2(tableScale))+1) * m.cfg.Pace.PushPull
}

// startProbing begins what n does at intervals.
func (m *model) startProbing(n *node) {
	m.planProbe(n, time.Duration(m.rand.Int64N(int64(m.cfg.Pace.Hold))))
	m.after(time.Duration(m.rand.Int64N(int64(m.tablePause()))), func() { m.exchangeTables(n) })
}

func (m *model) exchangeTables(n *node) {
	if n.dead {
		return
	}
	m.traffic.Membership += float64(2*m.cfg.Nodes*tableEntry + tableFrame)
	m.after(m.tablePause(), func() { m.exchangeTables(n) })
}

// probe asks the next member whether it is there.
func (m *model) probe(n *node) {
	if n.dead {
		return
	}
	m.planProbe(n, m.probePause(n))
	target := m.probed(n)
	if target == n.index || n.believesDead(target) {
		return
	}
	m.traffic.Membership += pingBytes
	if !m.nodes[target].dead {
		m.traffic.Membership += ackBytes
		return
	}
	m.traffic.Membership += indirectChecks * indirect
	m.alarm(n)
	for range indirectChecks {
		m.alarm(m.nodes[m.rand.IntN(len(m.nodes))])
	}
	m.after(m.cfg.Pace.Probe, func() { m.suspect(n, target, n.index) })
}

// planProbe has n probe after a pause, in place of what was planned before.
func (m *model) planProbe(n *node, pause time.Duration) {
	n.plans++
	plan := n.plans
	m.after(pause, func() {
		if n.plans == plan {
			m.probe(n)
		}
	})
}

// probePause is the time between two probes of n.
func (m *model) probePause(n *node) time.Duration {
	if m.now < n.alarmed {
		return m.cfg.Pace.Probe
	}
	return m.cfg.Pace.Hold
}

// alarmTime is for how long probes are not held after a sign that somebody may have gone.
const alarmTime = 5 * time.Second

// alarm takes note of such a sign.
func (m *model) alarm(n *node) {
	held := m.now >= n.alarmed
	n.alarmed = m.now + alarmTime
	if held {
		m.planProbe(n, 0)
	}
}

// probed returns whom n probes next: each once before any a second time, in an order of its own.
func (m *model) probed(n *node) int {
	n.probes++
	total := len(m.nodes)
	step := 2*(n.index*7919%total) + 1
	for gcd(step, total) != 1 {
		step += 2
	}
	return (n.index + n.probes*step) % total
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// suspect takes in that by suspects about.
func (m *model) suspect(n *node, about, by int) {
	s := n.suspicions[about]
	switch {
	case n.dead || s != nil && (s.dead || len(s.by) == 2 || slices.Contains(s.by, by)):
		return
	case s == nil:
		s = &suspicion{since: m.now}
		n.suspicions[about] = s
		m.after(m.members.most, func() { m.bury(n, about) })
	default:
		m.queue.push(max(m.now, s.since+m.members.least), func() { m.bury(n, about) })
	}
	s.by = append(s.by, by)
	m.tell(n, rumourKey{about, by})
}

// bury takes about for dead.
func (m *model) bury(n *node, about int) {
	s := n.suspicions[about]
	if s == nil {
		s = new(suspicion)
		n.suspicions[about] = s
	}
	if s.dead || n.dead {
		return
	}
	s.dead = true
	m.members.noticed = append(m.members.noticed, noticed{about, m.now})
	m.tell(n, rumourKey{about, -1})
	if n.links[about] != nil {
		m.choose(n, m.dialTime())
	}
}

// tell puts a rumour among those that n tells.
func (m *model) tell(n *node, key rumourKey) {
	r := m.members.rumours[key]
	if r == nil {
		r = &rumour{rumourKey: key, heard: make([]uint64, len(m.nodes)/64+1)}
		m.members.rumours[key] = r
	}
	r.heard[n.index/64] |= 1 << (n.index % 64)
	n.tell = append(n.tell, telling{rumour: r})
	if !n.telling {
		n.telling = true
		m.after(time.Duration(m.rand.Int64N(int64(m.cfg.Pace.Gossip))), func() { m.gossip(n) })
	}
}

// gossip tells some random members what n has to tell, what was told least often first.
func (m *model) gossip(n *node) {
	if n.telling = len(n.tell) > 0 && !n.dead; !n.telling {
		return
	}
	m.after(m.cfg.Pace.Gossip, func() { m.gossip(n) })
	for range gossipNodes {
		peer := m.nodes[m.rand.IntN(len(m.nodes))]
		if peer == n || len(n.tell) == 0 {
			continue
		}
		slices.SortStableFunc(n.tell, func(a, b telling) int { return cmp.Compare(a.times, b.times) })
		told := make([]*rumour, 0, min(len(n.tell), (packetBytes-packetFrame)/rumourBytes))
		for i := range cap(told) {
			told = append(told, n.tell[i].rumour)
			n.tell[i].times++
		}
		n.tell = slices.DeleteFunc(n.tell, func(t telling) bool { return t.times >= m.members.retell })
		m.traffic.Membership += float64(packetFrame + len(told)*rumourBytes)
		m.after(m.delay(), func() { m.hear(peer, told) })
	}
}

// hear takes in rumours.
func (m *model) hear(n *node, told []*rumour) {
	for _, r := range told {
		if n.dead || r.heard[n.index/64]&(1<<(n.index%64)) != 0 {
			continue
		}
		r.heard[n.index/64] |= 1 << (n.index % 64)
		m.alarm(n)
		if r.by < 0 {
			m.bury(n, r.about)
		} else {
			m.suspect(n, r.about, r.by)
		}
	}
}
