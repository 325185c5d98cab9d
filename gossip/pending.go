package gossip

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

const (
	// maxPending bounds the memory of the runs that wait for what they name, in bytes. Of the smallest ops it
	// is twice the bytes, and no more of those are asked for than find room here.
	maxPending = 16 << 20
	// leastPending is what a run that waits counts for at least, in bytes, so that their number is
	// bounded too.
	leastPending = 4 << 10
	// pendingTime is how long one may wait; by then what it names has been asked for and has not come.
	pendingTime = 30 * time.Second
	// pendingSweep is how often those that have waited too long are looked for.
	pendingSweep = time.Second
)

// pendingRuns keeps runs that arrived before the ops that they name, until those are there: stretches of
// a feed that come from several peers, pushes that overtook each other. Nothing in them has been
// verified, so when it is full, the link that most of it came on makes room: a peer that sends runs
// without end that cannot be placed pushes out its own. What goes will be asked for again.
type pendingRuns struct {
	waiting map[crdt.Author][]pendingRun // by the first seq
	links   map[*link]int                // bytes, by the link that they came on
	bytes   int
	lost    map[crdt.Author]bool // whose runs were thrown away since this was last asked
	swept   time.Time
}

// pendingRun is a run that waits, and since when.
type pendingRun struct {
	arrival
	since time.Time
}

func (p pendingRun) first() uint64 { return p.run.Ops[0].First }

// cost is what the run counts for: the memory that it keeps alive.
func (p pendingRun) cost() int { return max(p.size, leastPending) }

// mustWait reports whether a run cannot be placed in feed yet, which it tells without looking at the
// ops that are held: it begins beyond the end of the feed. One that begins at a floor may.
func mustWait(feed crdt.Feed, run crdt.Run) bool {
	return len(run.Leave.Bytes()) == 0 && run.Ops[0].First > feed.Next()
}

// keep keeps an arrival.
func (p *pendingRuns) keep(a arrival, now time.Time) {
	a.waited = true
	if p.waiting == nil {
		p.waiting, p.links = make(map[crdt.Author][]pendingRun), make(map[*link]int)
	}
	author, first := a.run.Author(), a.run.Ops[0].First
	runs := p.waiting[author]
	i, _ := slices.BinarySearchFunc(runs, first, func(w pendingRun, first uint64) int {
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
	w := pendingRun{a, now}
	p.waiting[author] = slices.Insert(runs, i, w)
	p.bytes += w.cost()
	p.links[a.link] += w.cost()
	if p.bytes > maxPending {
		p.makeRoom()
	}
}

// makeRoom drops runs of the link with the most bytes, a sixteenth of all at a time, so that the next
// so many find room at no cost. Of each feed the last go first.
func (p *pendingRuns) makeRoom() {
	var from *link
	for l, bytes := range p.links {
		if from == nil || bytes > p.links[from] {
			from = l
		}
	}
	excess := p.bytes - maxPending*15/16
	for a, runs := range p.waiting {
		for i := len(runs) - 1; i >= 0 && excess > 0; i-- {
			if w := runs[i]; w.link == from {
				excess -= w.cost()
				p.lose(w)
				runs = slices.Delete(runs, i, i+1)
			}
		}
		p.set(a, runs)
		if excess <= 0 {
			return
		}
	}
}

// remove takes note that a run waits no more.
func (p *pendingRuns) remove(w pendingRun) {
	p.bytes -= w.cost()
	if p.links[w.link] -= w.cost(); p.links[w.link] == 0 {
		delete(p.links, w.link)
	}
}

// lose takes note that a run is thrown away, unplaced.
func (p *pendingRuns) lose(w pendingRun) {
	p.remove(w)
	if p.lost == nil {
		p.lost = make(map[crdt.Author]bool)
	}
	p.lost[w.run.Author()] = true
}

// takeLost returns whose runs were thrown away since the last call.
func (p *pendingRuns) takeLost() map[crdt.Author]bool {
	lost := p.lost
	p.lost = nil
	return lost
}

// set replaces the runs of an author.
func (p *pendingRuns) set(a crdt.Author, runs []pendingRun) {
	if len(runs) == 0 {
		delete(p.waiting, a)
		return
	}
	p.waiting[a] = runs
}

// placeable takes out the runs of an author that may be placed now that its feed has grown.
func (p *pendingRuns) placeable(feed crdt.Feed) []arrival {
	runs := p.waiting[feed.Author]
	var ready []arrival
	next := feed.Next()
	for len(runs) > 0 && runs[0].first() <= next {
		last := runs[0].run.Ops[len(runs[0].run.Ops)-1]
		next = max(next, last.Next())
		ready = append(ready, runs[0].arrival)
		p.remove(runs[0])
		runs[0] = pendingRun{}
		runs = runs[1:]
	}
	if len(ready) > 0 {
		p.set(feed.Author, runs)
	}
	return ready
}

// expire drops what has waited too long.
func (p *pendingRuns) expire(now time.Time) {
	if now.Sub(p.swept) < pendingSweep {
		return
	}
	p.swept = now
	for a, runs := range p.waiting {
		runs = slices.DeleteFunc(runs, func(w pendingRun) bool {
			if now.Sub(w.since) < pendingTime {
				return false
			}
			p.lose(w)
			return true
		})
		p.set(a, runs)
	}
}
