package pending

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

const (
	// MaxBytes bounds the memory of the runs that wait for what they name, in bytes. Of the smallest ops it
	// is twice the bytes, and no more of those are asked for than find room here.
	MaxBytes = 16 << 20
	// leastBytes is what a run that waits counts for at least, in bytes, so that their number is bounded too.
	leastBytes = 4 << 10
	// waitTime is how long one may wait; by then what it names has been asked for and has not come.
	waitTime = 30 * time.Second
	// sweepTime is how often those that have waited too long are looked for.
	sweepTime = time.Second
)

// Arrival is a run that has come on a link; L is what links are told apart by.
type Arrival[L comparable] interface {
	// Came returns the run, the link that it came on, and the memory that it keeps alive, in bytes.
	Came() (run crdt.Run, on L, memory int)
}

// Runs is the runs that wait for what they name. The zero Runs is empty and ready for use.
type Runs[A Arrival[L], L comparable] struct {
	waiting map[crdt.Author][]waiting[A, L] // by the first seq
	links   map[L]int                       // bytes, by the link that they came on
	bytes   int
	lost    map[crdt.Author]bool // whose runs were thrown away since this was last asked
	swept   time.Time
}

// waiting is a run that waits, and since when.
type waiting[A Arrival[L], L comparable] struct {
	arrival A
	ops     []crdt.Op // of the run
	link    L
	cost    int // what it counts for: the memory that it keeps alive
	since   time.Time
}

func (w waiting[A, L]) first() uint64 { return w.ops[0].First }

// Len returns how many runs wait, and the bytes that they count for.
func (p *Runs[A, L]) Len() (runs, bytes int) {
	for _, of := range p.waiting {
		runs += len(of)
	}
	return runs, p.bytes
}

// MustWait reports whether a run cannot be placed in feed yet, which it tells without looking at the
// ops that are held: it begins beyond the end of the feed. One that begins at a floor may.
func MustWait(feed crdt.Feed, run crdt.Run) bool {
	return len(run.Leave.Bytes()) == 0 && run.Ops[0].First > feed.Next()
}

// Keep keeps an arrival.
func (p *Runs[A, L]) Keep(a A, now time.Time) {
	if p.waiting == nil {
		p.waiting, p.links = make(map[crdt.Author][]waiting[A, L]), make(map[L]int)
	}
	run, link, memory := a.Came()
	author, added := run.Author(), waiting[A, L]{arrival: a, ops: run.Ops, link: link, cost: max(memory, leastBytes), since: now}
	runs := p.waiting[author]
	i, _ := slices.BinarySearchFunc(runs, added.first(), func(w waiting[A, L], first uint64) int {
		if w.first() < first {
			return -1
		}
		return 1
	})
	for _, w := range runs[i:] {
		if w.first() != added.first() {
			break
		}
		if w.link == link && w.ops[0].ID == run.Ops[0].ID && len(w.ops) >= len(run.Ops) {
			return // It waits already. From another peer it may be another: an id says nothing of the bodies.
		}
	}
	p.waiting[author] = slices.Insert(runs, i, added)
	p.bytes += added.cost
	p.links[link] += added.cost
	if p.bytes > MaxBytes {
		p.makeRoom()
	}
}

// makeRoom drops runs of the link with the most bytes, a sixteenth of all at a time, so that the next
// so many find room at no cost. Of each feed the last go first.
func (p *Runs[A, L]) makeRoom() {
	var from L
	for l, bytes := range p.links {
		if bytes > p.links[from] {
			from = l
		}
	}
	excess := p.bytes - MaxBytes*15/16
	for a, runs := range p.waiting {
		for i := len(runs) - 1; i >= 0 && excess > 0; i-- {
			if w := runs[i]; w.link == from {
				excess -= w.cost
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
func (p *Runs[A, L]) remove(w waiting[A, L]) {
	p.bytes -= w.cost
	if p.links[w.link] -= w.cost; p.links[w.link] == 0 {
		delete(p.links, w.link)
	}
}

// lose takes note that a run is thrown away, unplaced.
func (p *Runs[A, L]) lose(w waiting[A, L]) {
	p.remove(w)
	if p.lost == nil {
		p.lost = make(map[crdt.Author]bool)
	}
	p.lost[w.ops[0].Author] = true
}

// TakeLost returns whose runs were thrown away since the last call.
func (p *Runs[A, L]) TakeLost() map[crdt.Author]bool {
	lost := p.lost
	p.lost = nil
	return lost
}

// set replaces the runs of an author.
func (p *Runs[A, L]) set(a crdt.Author, runs []waiting[A, L]) {
	if len(runs) == 0 {
		delete(p.waiting, a)
		return
	}
	p.waiting[a] = runs
}

// Placeable takes out the runs of an author that may be placed now that its feed has grown.
func (p *Runs[A, L]) Placeable(feed crdt.Feed) []A {
	runs := p.waiting[feed.Author]
	var ready []A
	next := feed.Next()
	for len(runs) > 0 && runs[0].first() <= next {
		next = max(next, runs[0].ops[len(runs[0].ops)-1].Next())
		ready = append(ready, runs[0].arrival)
		p.remove(runs[0])
		runs[0] = waiting[A, L]{}
		runs = runs[1:]
	}
	if len(ready) > 0 {
		p.set(feed.Author, runs)
	}
	return ready
}

// Expire drops what has waited too long.
func (p *Runs[A, L]) Expire(now time.Time) {
	if now.Sub(p.swept) < sweepTime {
		return
	}
	p.swept = now
	for a, runs := range p.waiting {
		runs = slices.DeleteFunc(runs, func(w waiting[A, L]) bool {
			if now.Sub(w.since) < waitTime {
				return false
			}
			p.lose(w)
			return true
		})
		p.set(a, runs)
	}
}
