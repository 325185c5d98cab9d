package scalemodel

import (
	"slices"
	"time"
)

// Result is what a story has measured. Rates are means over all living nodes.
type Result struct {
	Config Config
	Links  float64 // of a node

	Busy  Traffic // bytes a node and second, while ops are written
	Idle  Traffic // bytes a node and second, while none are
	Ratio float64 // ops received for each that was new
	Reach Reach

	Heal  Heal
	Death Death
}

// Reach is how long it takes from the moment that an op is durable where it was written.
type Reach struct {
	Median, P99 time.Duration // to a node
	LastMedian  time.Duration // to the last node, of half of the ops
	Last        time.Duration // to the last node, of the slowest op
}

// Heal is what comes after a partition into two halves.
type Heal struct {
	Apart time.Duration // how long it lasted
	Ops   int           // written meanwhile, in both halves
	Took  time.Duration // from the first link between the halves until all nodes held all
	Bytes Traffic       // a node, until then
}

// Death is what comes after the power of one node in a hundred fails, while others write.
type Death struct {
	Nodes       int
	NoticedHalf time.Duration // until half of the living have taken a dead one for dead
	NoticedAll  time.Duration // until all have taken all
	Reach       Reach         // of ops written in the seconds after
	Ratio       float64
}

// The acts of a story.
const (
	warmUp    = 10 * time.Second
	busyFor   = 10 * time.Second
	drainFor  = 3 * time.Second
	idleFor   = 5 * time.Second
	apartFor  = 10 * time.Second
	healMost  = 2 * time.Minute
	deathFor  = 12 * time.Second
	aliveRate = 180 // members a second of whom a node learns after a partition, see heal
)

// Run tells the story of a cluster.
func Run(cfg Config) Result {
	cfg = cfg.withDefaults()
	m := newModel(cfg)
	r := Result{Config: cfg}
	for _, n := range m.nodes {
		r.Links += float64(len(n.order)) / float64(cfg.Nodes)
	}
	m.writeFor(warmUp)
	r.Busy, r.Ratio, r.Reach = m.busy()
	m.run(drainFor)
	before := m.traffic
	m.run(idleFor)
	r.Idle = m.traffic.sub(before).per(float64(cfg.Nodes) * idleFor.Seconds())
	r.Heal = m.heal()
	m.run(drainFor)
	r.Death = m.death()
	return r
}

// Load measures a cluster of which only live ops are of interest: a story that ends after its first act.
func Load(cfg Config) Result {
	cfg = cfg.withDefaults()
	m, r := newModel(cfg), Result{Config: cfg}
	m.writeFor(warmUp)
	r.Busy, r.Ratio, r.Reach = m.busy()
	return r
}

// writeFor lets writers write at random, and time pass.
func (m *model) writeFor(d time.Duration) {
	pause := time.Duration(float64(time.Second) / m.cfg.Rate)
	for at := time.Duration(0); at < d; at += pause {
		m.after(at+time.Duration(m.rand.Int64N(int64(pause))), func() { m.write(m.rand.IntN(m.cfg.Writers)) })
	}
	m.run(d)
}

// watch measures what is written while do runs.
func (m *model) watch(whole int, do func()) (Traffic, Reach, float64) {
	before := m.traffic
	m.reach = reach{on: true, whole: whole - 1, under: make(map[[2]uint32]*op)}
	do()
	passed := m.traffic.sub(before)
	m.reach.on = false
	m.run(drainFor)
	all := m.traffic.sub(before)
	return passed, m.reach.result(), float64(all.Delivered) / float64(max(1, all.New))
}

func (m *model) busy() (Traffic, float64, Reach) {
	t, reach, ratio := m.watch(len(m.nodes), func() { m.writeFor(busyFor) })
	return t.per(float64(len(m.nodes)) * busyFor.Seconds()), ratio, reach
}

func (r *reach) result() Reach {
	return Reach{
		Median: quantile(r.latencies, 0.5), P99: quantile(r.latencies, 0.99),
		LastMedian: quantile(r.lasts, 0.5), Last: quantile(r.lasts, 1),
	}
}

// quantile returns the value below which the part q lies. It sorts values.
func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(q*float64(len(values))))]
}

// heal cuts the cluster in two, lets both halves write, and joins them again. The links across end at
// once, and each half closes its own ring. In the end, three nodes of each half reach one of the other
// within the pause between two attempts; the others find theirs once they have heard who there is: so
// many members a second fit into the packets that a node is sent, half of them news.
func (m *model) heal() Heal {
	half := len(m.nodes) / 2
	m.side = func(i int) int { return 2 * i / len(m.nodes) }
	for _, n := range m.nodes {
		m.cut(n)
	}
	m.linkAll()
	ops := m.total()
	m.writeFor(apartFor)
	h := Heal{Apart: apartFor, Ops: m.total() - ops}
	m.run(drainFor)
	m.side = nil
	before, began := m.traffic, m.now
	for k := range 6 {
		wait := m.dialTime()
		if k > 0 {
			wait = time.Duration(m.rand.Int64N(int64(m.cfg.Pace.Redial)))
		}
		m.after(wait, func() { m.link(m.nodes[m.rand.IntN(half)], m.nodes[half+m.rand.IntN(half)]) })
	}
	spread := time.Duration(float64(half) / aliveRate * float64(time.Second))
	for _, n := range m.nodes {
		m.after(m.dialTime()+time.Duration(m.rand.Int64N(int64(spread))), func() { m.choose(n, m.dialTime()) })
	}
	for !m.equal() && m.now-began < healMost {
		m.run(10 * time.Millisecond)
	}
	h.Took, h.Bytes = m.now-began, m.traffic.sub(before).per(float64(len(m.nodes)))
	m.run(spread)
	return h
}

// total returns how many ops there are.
func (m *model) total() int {
	sum := 0
	for _, n := range m.written {
		sum += int(n)
	}
	return sum
}

// equal reports whether all living nodes hold all ops.
func (m *model) equal() bool {
	return !slices.ContainsFunc(m.nodes, func(n *node) bool { return !n.dead && !slices.Equal(n.held, m.written) })
}

// death takes the power of one node in a hundred, but at least of one. The writers live.
func (m *model) death() Death {
	d := Death{Nodes: max(1, len(m.nodes)/100)}
	writers := make(map[int]bool)
	for w := range m.cfg.Writers {
		writers[m.home(w)] = true
	}
	for killed := 0; killed < d.Nodes; {
		n := m.nodes[m.rand.IntN(len(m.nodes))]
		if n.dead || writers[n.index] && len(writers) < len(m.nodes) {
			continue
		}
		n.dead = true
		killed++
		for _, p := range n.order {
			m.after(m.cfg.Pace.Silence, func() {
				m.cut(m.nodes[p])
				m.choose(m.nodes[p], m.dialTime())
			})
		}
	}
	began := m.now
	m.members.noticed = nil
	_, d.Reach, d.Ratio = m.watch(len(m.nodes)-d.Nodes, func() { m.writeFor(deathFor) })
	var after []time.Duration
	for _, n := range m.members.noticed {
		after = append(after, n.at-began)
	}
	d.NoticedHalf, d.NoticedAll = quantile(after, 0.5), quantile(after, 1)
	return d
}
