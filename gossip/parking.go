package gossip

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

const (
	// maxParked bounds the memory of the runs that wait for what they name, in bytes. Of the smallest ops it
	// is twice the bytes, and no more of those are asked for than find room here.
	maxParked = 16 << 20
	// leastParked is what a run that waits counts for at least, in bytes, so that their number is
	// bounded too.
	leastParked = 4 << 10
	// parkedTime is how long one may wait; by then what it names has been asked for and has not come.
	parkedTime = 30 * time.Second
	// parkedSweep is how often those that have waited too long are looked for.
	parkedSweep = time.Second
)

// parking keeps runs that arrived before the ops that they name, until those are there: stretches of
// a feed that come from several peers, pushes that overtook each other. Nothing in them has been
// verified, so when it is full, the link that most of it came on makes room: a peer that sends runs
// without end that cannot be placed pushes out its own. What goes will be asked for again.
type parking struct {
	waiting map[crdt.Author][]parked // by the first seq
	links   map[*link]int            // bytes, by the link that they came on
	bytes   int
	lost    map[crdt.Author]bool // whose runs were thrown away since this was last asked
	swept   time.Time
}

// parked is a run that waits, and since when.
type parked struct {
	arrival
	since time.Time
}

func (p parked) first() uint64 { return p.run.Ops[0].First }

// cost is what the run counts for: the memory that it keeps alive.
func (p parked) cost() int { return max(p.size, leastParked) }

// mustWait reports whether a run cannot be placed in feed yet, which it tells without looking at the
// ops that are held: it begins beyond the end of the feed. One that begins at a floor may.
func mustWait(feed crdt.Feed, run crdt.Run) bool {
	return len(run.Leave.Bytes()) == 0 && run.Ops[0].First > feed.Next()
}

// park keeps an arrival.
func (p *parking) park(a arrival, now time.Time) {
	a.waited = true
	if p.waiting == nil {
		p.waiting, p.links = make(map[crdt.Author][]parked), make(map[*link]int)
	}
	author, first := a.run.Author(), a.run.Ops[0].First
	runs := p.waiting[author]
	i, _ := slices.BinarySearchFunc(runs, first, func(w parked, first uint64) int {
		if w.first() < first {
			return -1
		}
		return 1
	})
	for _, w := range runs[i:] {
		if w.first() != first {
			break
		}
		if w.link == a.link && w.run.Ops[0].ID == a.run.Ops[0].ID && len(w.run.Ops) >= len(a.run.Ops) {
			return // It waits already. From another peer it may be another: an id says nothing of the bodies.
		}
	}
	w := parked{a, now}
	p.waiting[author] = slices.Insert(runs, i, w)
	p.bytes += w.cost()
	p.links[a.link] += w.cost()
	if p.bytes > maxParked {
		p.makeRoom()
	}
}

// makeRoom drops runs of the link with the most bytes, a sixteenth of all at a time, so that the next
// so many find room at no cost. Of each feed the last go first.
func (p *parking) makeRoom() {
	var from *link
	for l, bytes := range p.links {
		if from == nil || bytes > p.links[from] {
			from = l
		}
	}
	excess := p.bytes - maxParked*15/16
	for a, runs := range p.waiting {
		for i := len(runs) - 1; i >= 0 && excess > 0; i-- {
			if w := runs[i]; w.link == from {
				excess -= w.cost()
				p.lose(w)
				runs = slices.Delete(runs, i, i+1)
			}
		}
		p.keep(a, runs)
		if excess <= 0 {
			return
		}
	}
}

// remove takes note that a run waits no more.
func (p *parking) remove(w parked) {
	p.bytes -= w.cost()
	if p.links[w.link] -= w.cost(); p.links[w.link] == 0 {
		delete(p.links, w.link)
	}
}

// lose takes note that a run is thrown away, unplaced.
func (p *parking) lose(w parked) {
	p.remove(w)
	if p.lost == nil {
		p.lost = make(map[crdt.Author]bool)
	}
	p.lost[w.run.Author()] = true
}

// takeLost returns whose runs were thrown away since the last call.
func (p *parking) takeLost() map[crdt.Author]bool {
	lost := p.lost
	p.lost = nil
	return lost
}

// keep replaces the runs of an author.
func (p *parking) keep(a crdt.Author, runs []parked) {
	if len(runs) == 0 {
		delete(p.waiting, a)
		return
	}
	p.waiting[a] = runs
}

// placeable takes out the runs of an author that may be placed now that its feed has grown.
func (p *parking) placeable(feed crdt.Feed) []arrival {
	runs := p.waiting[feed.Author]
	var ready []arrival
	next := feed.Next()
	for len(runs) > 0 && runs[0].first() <= next {
		last := runs[0].run.Ops[len(runs[0].run.Ops)-1]
		next = max(next, last.Next())
		ready = append(ready, runs[0].arrival)
		p.remove(runs[0])
		runs[0] = parked{}
		runs = runs[1:]
	}
	if len(ready) > 0 {
		p.keep(feed.Author, runs)
	}
	return ready
}

// expire drops what has waited too long.
func (p *parking) expire(now time.Time) {
	if now.Sub(p.swept) < parkedSweep {
		return
	}
	p.swept = now
	for a, runs := range p.waiting {
		runs = slices.DeleteFunc(runs, func(w parked) bool {
			if now.Sub(w.since) < parkedTime {
				return false
			}
			p.lose(w)
			return true
		})
		p.keep(a, runs)
	}
}
