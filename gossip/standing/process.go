package standing

import (
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

const (
	// maxSaid bounds the authors of whom a process is remembered to have said something since it compared, beside
	// this node's own.
	maxSaid = 1024
	// maxHeads bounds the heads of one author that were said since, and those that are carried over a comparison.
	maxHeads = 8
	// maxApart bounds what is remembered of a process that is not linked any more, in heads, and in authors that have
	// none or of whom it takes no more; where there is more, all is forgotten but this node's own feed.
	maxApart = 64
)

// Mark is what this node holds at a moment.
type Mark struct {
	Offset uint64      // all that has arrived before that
	Own    []crdt.Head // of its own feed
}

// Process is what one process of a peer has said. Its methods may be called from any goroutine.
type Process struct {
	of     *Standings
	author crdt.Author
	id     crdt.Author
	// The fields below are guarded by of.mu.

	links int       // to it
	apart time.Time // since when there is none
	keeps *Keeps
	shut  []crdt.Author // of whom it takes no more, ascending
	now   uint64        // counts what it says
	last  compared
	said  map[crdt.Author]saying // since then
}

// compared is what a comparison has shown.
type compared struct {
	at     time.Time
	mark   Mark
	whole  bool                     // of the authors that are not in differ it had all that was here at mark
	differ map[crdt.Author]position // the others
}

// position is where a process stands with one feed.
type position struct {
	heads []crdt.Head
	below uint64 // it has all of it that arrived here before that offset
	told  uint64 // what arrived before that offset was here when it said all that it has of the feed
}

// saying is what a process said of one feed.
type saying struct {
	heads  []crdt.Head // ascending
	at     time.Time
	number uint64
}

// Keeps is what a process says that it does not forget.
type Keeps struct {
	Bodies    bool          // it drops the body of no op
	Forgotten bool          // it keeps what authors have given leave to forget
	Age       time.Duration // it drops no body below this age,
	Entries   uint64        // and none with fewer entries of the feed above it
}

// Comparison is what came of comparing with a process.
type Comparison struct {
	Since  uint64 // what [Process.Now] returned before the peer said it
	Mark   Mark   // of what was compared
	Whole  bool   // Differ names all authors of whom the process had other heads
	Differ crdt.Frontier
	Ahead  crdt.Frontier // those of Differ of whom it has something that is not held here
	// Left are the authors that were left out, since either end takes no more of them.
	Left []crdt.Author
	// Held reports whether a head may be of an op that is held here.
	Held func(crdt.Author, crdt.Head) bool
}

// Now returns a number that grows with all that the process says.
func (p *Process) Now() uint64 {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	return p.now
}

// Compared replaces what the process said before c.Since. Of an author of whom it has more than is held here, or
// who was left out, it keeps what it was known to have.
func (p *Process) Compared(c Comparison, now time.Time) {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	next := compared{at: now, mark: c.Mark, whole: c.Whole, differ: make(map[crdt.Author]position, len(c.Differ))}
	for a, heads := range c.Differ {
		at := position{heads: heads, told: c.Mark.Offset}
		if _, ahead := c.Ahead[a]; ahead {
			at = p.carried(a, c)
			at.heads = append(at.heads, heads...)
		}
		next.differ[a] = at
	}
	for _, a := range c.Left {
		if at := p.carried(a, c); at.below > 0 || len(at.heads) > 0 || c.Whole {
			next.differ[a] = at
		}
	}
	p.last = next
	maps.DeleteFunc(p.said, func(_ crdt.Author, s saying) bool { return s.number <= c.Since })
	p.of.change()
}

// carried returns where the process stood with a feed so far, less what is known of what it did not have. The caller
// holds the lock.
func (p *Process) carried(a crdt.Author, c Comparison) position {
	at := p.at(a)
	at.told = 0
	at.heads = slices.DeleteFunc(at.heads, func(h crdt.Head) bool { return !c.Held(a, h) })
	slices.SortFunc(at.heads, crdt.Head.Compare)
	at.heads = at.heads[max(0, len(at.heads)-maxHeads):]
	return at
}

// Said takes note that the process has a feed up to a head. In a feed that has one branch here that stands for what
// was said of lower heads.
func (p *Process) Said(a crdt.Author, h crdt.Head, branches int, now time.Time) {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.now++
	s, known := p.said[a]
	if !known && len(p.said) >= maxSaid && a != p.of.self {
		return
	}
	s.at, s.number = now, p.now
	if at, found := slices.BinarySearchFunc(s.heads, h, crdt.Head.Compare); !found {
		s.heads = slices.Insert(slices.Clone(s.heads), at, h)
	}
	most := maxHeads
	if branches < 2 {
		most = 1
	}
	s.heads = s.heads[max(0, len(s.heads)-most):]
	p.said[a] = s
	p.of.change()
}

// Keeps takes note of what the process says that it does not forget.
func (p *Process) Keeps(k Keeps) {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.keeps = &k
	p.of.change()
}

// Shuts takes note of whom the process takes no more; authors is ascending.
func (p *Process) Shuts(authors []crdt.Author) {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.shut = authors
	p.of.change()
}

// at returns where the process stands with a feed. The caller holds the lock.
func (p *Process) at(a crdt.Author) position {
	at := p.last.of(a, p.of.self)
	at.heads = slices.Concat(at.heads, p.said[a].heads)
	return at
}

// of returns where the process stood with a feed, for a node that writes the feed of self.
func (c *compared) of(a, self crdt.Author) position {
	at, differs := c.differ[a]
	if !differs && c.whole {
		at = position{below: c.mark.Offset, told: c.mark.Offset}
		if a == self {
			at.heads = c.mark.Own
		}
	}
	return at
}

// shuts reports whether the process takes no more of an author. The caller holds the lock.
func (p *Process) shuts(a crdt.Author) bool {
	_, shut := slices.BinarySearchFunc(p.shut, a, crdt.Author.Compare)
	return shut
}

// part takes note that there is no link to the process any more: what takes much memory is forgotten. The caller holds
// the lock.
func (p *Process) part(now time.Time) {
	p.apart = now
	own := p.of.self
	kept := len(p.shut)
	for _, at := range p.last.differ {
		kept += max(1, len(at.heads))
	}
	if kept > maxApart {
		at := p.last.of(own, own)
		if most := len(at.heads) - maxHeads; most > 0 {
			at.heads, at.told = slices.Clone(at.heads[most:]), 0
		}
		p.last.whole, p.last.differ = false, map[crdt.Author]position{own: at}
		shut := p.shuts(own)
		if p.shut = nil; shut {
			p.shut = []crdt.Author{own}
		}
	}
	if s, said := p.said[own]; len(p.said) > maxApart {
		p.said = make(map[crdt.Author]saying) // a map that is emptied keeps its memory
		if said {
			p.said[own] = s
		}
	}
}
