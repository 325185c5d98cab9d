package gossip_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// scenario is what a seed stands for: a number of nodes and what happens to them. It is made before
// anything runs.
type scenario struct {
	seed  uint64
	nodes int
	after time.Duration // how long a member that is not there is waited for to say where a feed ends; 0: for ever
	steps []step
}

// step is an event and the fake time from the one before it.
type step struct {
	after time.Duration
	event event
}

// simName returns the name of the n-th node.
func simName(n int) string { return fmt.Sprintf("n%d", n+1) }

// newScenario returns the scenario of a seed. With nodes 0 the seed decides how many there are. In every fourth
// something happens to the folders of nodes, in all of them with folders.
func newScenario(seed uint64, nodes int, folders bool) scenario {
	p := &plot{rng: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), folders: folders || seed%4 == 0}
	size := p.draw()
	if p.folders {
		size = min(size, 7)
	}
	if nodes > 0 {
		size = nodes
	}
	p.size = size
	sc := scenario{seed: seed, nodes: size}
	if p.folders && p.rng.IntN(3) == 0 {
		sc.after = 40 * time.Second
	}
	for i := range size {
		p.up = append(p.up, simName(i))
	}
	p.all = slices.Clone(p.up)
	for range 2 + p.rng.IntN(2) {
		p.round(4+p.rng.IntN(12), len(p.all) == size && !p.folders && p.rng.IntN(8) == 0)
	}
	p.add(0, quietEvent{})
	sc.steps = p.steps
	return sc
}

// plot is a scenario in the making: who is up, and who is down, if all goes as it says.
type plot struct {
	rng      *rand.Rand
	all      []string
	up, down []string
	steps    []step

	folders bool
	size    int      // how many nodes there are without copies
	backed  []string // of whom there is a backup
	victim  string   // to whom something happened last
}

// round adds some events, with the cloning of a node among them if so wished, and a check.
func (p *plot) round(events int, clones bool) {
	at := p.rng.IntN(events)
	for i := range events {
		if clones && i == at {
			p.clone()
		}
		p.next()
	}
	p.add(p.pause(), checkEvent{})
	p.up, p.down = slices.Concat(p.up, p.down), nil
}

// draw draws how many nodes there are: mostly few, 50 at most.
func (p *plot) draw() int {
	switch n := p.rng.IntN(100); {
	case n < 75:
		return 3 + p.rng.IntN(3)
	case n < 93:
		return 6 + p.rng.IntN(4)
	case n < 98:
		return 10 + p.rng.IntN(8)
	default:
		return 18 + p.rng.IntN(33)
	}
}

func (p *plot) add(after time.Duration, e event) { p.steps = append(p.steps, step{after, e}) }

// pause draws the time between two events: often none to speak of, now and then long enough for the
// dead to be noticed.
func (p *plot) pause() time.Duration {
	switch p.rng.IntN(10) {
	case 0:
		return time.Duration(p.rng.IntN(20_000)) * time.Millisecond
	case 1, 2, 3:
		return time.Duration(p.rng.IntN(10)) * time.Millisecond
	}
	return time.Duration(p.rng.IntN(1500)) * time.Millisecond
}

// one draws one of a list.
func (p *plot) one(names []string) string { return names[p.rng.IntN(len(names))] }

// two draws two of the nodes, not the same.
func (p *plot) two() (string, string) {
	i := p.rng.IntN(len(p.all))
	j := (i + 1 + p.rng.IntN(len(p.all)-1)) % len(p.all)
	return p.all[i], p.all[j]
}

// next draws the next event.
func (p *plot) next() {
	if p.folders && p.rng.IntN(3) == 0 {
		p.folder()
		return
	}
	switch n := p.rng.IntN(100); {
	case n < 40:
		p.write()
	case n < 50:
		p.add(p.pause(), p.weather())
	case n < 57:
		p.add(p.pause(), p.partition())
	case n < 65:
		from, to := p.two()
		p.add(p.pause(), blockEvent{from, to})
	case n < 68:
		p.add(p.pause(), healEvent{})
	case n < 70:
		from, to := p.two()
		p.add(p.pause(), slowEvent{from, to, 1 << (16 + p.rng.IntN(4))})
	case n < 75:
		a, b := p.two()
		p.add(p.pause(), cutEvent{a, b})
	case n < 82:
		p.add(p.pause(), jumpEvent{p.one(p.all), p.jump()})
	case n < 91:
		p.end()
	default:
		p.start()
	}
}

// write has a node append.
func (p *plot) write() {
	if len(p.up) == 0 {
		return
	}
	if p.rng.IntN(4) == 0 {
		p.add(p.pause(), burstEvent{p.one(p.up), 2 + p.rng.IntN(4), 1 + p.rng.IntN(6)})
		return
	}
	sizes := []int{0, 0, 10, 10, 200, 200, 5_000, 5_000, 60_000}
	p.add(p.pause(), appendEvent{p.one(p.up), 1 + p.rng.IntN(20), sizes[p.rng.IntN(len(sizes))]})
}

// weather draws what happens to all packets from now on.
func (p *plot) weather() event {
	least := time.Duration(p.rng.IntN(20)) * time.Millisecond
	return weatherEvent{
		loss: float64(p.rng.IntN(4)) * 0.08, duplication: float64(p.rng.IntN(3)) * 0.1,
		least: least, most: least + time.Duration(p.rng.IntN(100))*time.Millisecond,
	}
}

// partition splits the nodes into two or three sides.
func (p *plot) partition() event {
	sides := make([][]string, 2+p.rng.IntN(2))
	for _, name := range p.all {
		i := p.rng.IntN(len(sides))
		sides[i] = append(sides[i], name)
	}
	return partitionEvent{slices.DeleteFunc(sides, func(s []string) bool { return len(s) == 0 })}
}

// jump draws how far a clock jumps, to either side.
func (p *plot) jump() time.Duration {
	by := []time.Duration{50 * time.Millisecond, 20 * time.Second, 2 * time.Hour, 400 * 24 * time.Hour}[p.rng.IntN(4)]
	if p.rng.IntN(2) == 0 {
		by = -by
	}
	return by
}

// end takes a node down, by a power cut or cleanly.
func (p *plot) end() {
	if len(p.up) == 0 {
		return
	}
	name := p.one(p.up)
	p.up = slices.DeleteFunc(p.up, func(s string) bool { return s == name })
	p.down = append(p.down, name)
	if p.rng.IntN(3) == 0 {
		p.add(p.pause(), stopEvent{name})
		return
	}
	p.add(p.pause(), crashEvent{name, p.rng.Uint64()})
}

// start brings a node back.
func (p *plot) start() {
	if len(p.down) == 0 {
		return
	}
	name := p.one(p.down)
	p.down = slices.DeleteFunc(p.down, func(s string) bool { return s == name })
	p.up = append(p.up, name)
	p.add(p.pause(), startEvent{name})
}

// clone copies a node's folder to a machine of its own.
func (p *plot) clone() {
	if len(p.up) == 0 {
		return
	}
	name := p.one(p.up)
	twin := name + "-copy"
	p.add(p.pause(), cloneEvent{name, twin})
	p.down = append(p.down, twin)
	p.all = append(p.all, twin)
}
