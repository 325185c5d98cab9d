package gossip_test

import (
	"slices"
	"time"
)

// folder draws what happens to the folder of a node, or to those whom it asks then.
func (p *plot) folder() {
	name := p.one(p.all)
	if p.victim != "" && p.rng.IntN(2) == 0 {
		name = p.victim
	}
	switch n := p.rng.IntN(100); {
	case n < 22 || len(p.backed) == 0 && n < 48:
		p.add(p.pause(), backupEvent{name})
		p.backed = append(p.backed, name)
	case n < 38:
		p.happens(p.one(p.backed), func(name string) event { return restoreEvent{name, p.rng.IntN(3) == 0} })
	case n < 48:
		p.happens(p.one(p.backed), func(name string) event { return rollBackEvent{name, p.rng.IntN(2) == 0} })
	case n < 56:
		p.happens(name, func(name string) event { return loseEvent{name} })
	case n < 61:
		p.happens(name, func(name string) event { return spoilEvent{name} })
	case n < 68:
		p.happens(name, func(name string) event { return moveEvent{name, p.rng.IntN(2) == 0} })
	case n < 75:
		p.twin(name)
	case n < 92:
		p.lie(name)
	case n < 96:
		p.add(p.pause(), p.word(name))
	default:
		p.write()
	}
}

// twin copies a node that is up beside itself, once; the copy gets a key of its own now and then.
func (p *plot) twin(name string) {
	switch {
	case len(p.all) > p.size:
		p.happens(p.all[p.size], func(name string) event { return newKeyEvent{name} })
	case slices.Contains(p.up, name):
		twin := name + "-twin"
		p.add(p.pause(), copyEvent{name, twin})
		p.all, p.down, p.victim = append(p.all, twin), append(p.down, twin), twin
	}
}

// word draws what the operator of a node says.
func (p *plot) word(name string) event {
	if p.rng.IntN(2) == 0 {
		return withoutEvent{name}
	}
	return aloneEvent{name}
}

// happens has something happen to a node, which is down then, and mostly started soon: with others out of reach now and
// then, while somebody writes, or on its operator's word.
func (p *plot) happens(name string, e func(name string) event) {
	p.add(p.pause(), e(name))
	p.victim = name
	p.up = slices.DeleteFunc(p.up, func(s string) bool { return s == name })
	p.down = slices.DeleteFunc(p.down, func(s string) bool { return s == name })
	if p.rng.IntN(5) == 0 {
		p.down = append(p.down, name)
		return
	}
	p.up = append(p.up, name)
	apart := p.rng.IntN(4) == 0
	if apart {
		p.add(p.pause(), p.partition())
	}
	p.add(p.pause(), startEvent{name})
	soon := func() time.Duration { return time.Duration(p.rng.IntN(4000)) * time.Millisecond }
	if apart && p.rng.IntN(3) == 0 {
		p.add(soon(), p.word(name))
	}
	if p.rng.IntN(2) == 0 {
		p.add(soon(), appendEvent{name, 1 + p.rng.IntN(5), 20})
	}
}

// lie has a node lie about the feed of another.
func (p *plot) lie(about string) {
	name := p.one(p.all)
	if name == about {
		return
	}
	p.add(p.pause(), lieEvent{name, about, lies[p.rng.IntN(len(lies))], p.rng.Uint64()})
	p.down = slices.DeleteFunc(p.down, func(s string) bool { return s == name })
	if !slices.Contains(p.up, name) {
		p.up = append(p.up, name)
	}
}
