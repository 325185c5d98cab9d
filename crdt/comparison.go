package crdt

import "slices"

const (
	// MaxDiffer bounds the authors that one comparison finds in each direction; the next finds more.
	MaxDiffer = 4096
	// maxProbing bounds what one comparison has still to probe.
	maxProbing = 64 << 10
)

// Comparison is the asking side of a comparison: it takes in what a peer answers, and says what to probe
// next and where the peer has other heads than we. It goes by our digest as it was when it began, and
// ignores what was not asked for, or has been answered.
//
//	NewComparison    ─▶ offer: the root of ours
//	                 ◀─ equal, and that is all; or an answer, as to a probe of the top
//	Nodes and Heads     for each part of the answer
//	Next             ─▶ probes
//	                 ◀─ an answer, and so on until there is nothing left to probe
type Comparison struct {
	ours    Digest
	probing map[Path]bool // asked for and not answered yet
	queue   []Probe       // to be asked for
	upto    Author        // the end of the last heads of this step: they come in order
	behind  Frontier
	cut     bool // there was more to probe than is kept
}

// NewComparison begins to compare ours with what a peer has, which is asked for its top.
func NewComparison(ours Digest) *Comparison {
	return &Comparison{ours: ours, probing: map[Path]bool{{}: true}, behind: make(Frontier)}
}

// Nodes takes in nodes of the peer's digest.
func (c *Comparison) Nodes(theirs []Node) {
	for _, n := range theirs {
		if !c.probing[n.Path] {
			continue
		}
		delete(c.probing, n.Path)
		probes := c.ours.compare(n)
		room := maxProbing - len(c.queue)
		c.cut = c.cut || len(probes) > room
		c.queue = append(c.queue, probes[:min(len(probes), room)]...)
		for i, print := range n.Children {
			if print.IsZero() {
				c.noneUnder(n.Path.Child(i))
			}
		}
	}
}

// noneUnder takes note that the peer has nothing of the authors under a path.
func (c *Comparison) noneUnder(p Path) {
	for a := range c.ours.Under(p) {
		if len(c.behind) >= MaxDiffer {
			return
		}
		c.behind[a] = nil
	}
}

// compare returns what to probe next, given the node of a peer at a path that was probed: the children
// of which the peer has something that differs from what d has, with their heads at once where d has
// nothing. It returns one probe for the heads of all below the path where d has nothing there, or where
// nearly all children differ and there are at most maxVectorProbe authors. A node may claim anything;
// there are never more than 16 probes, each one nibble longer than its path, or that one for the path.
func (d Digest) compare(theirs Node) []Probe {
	if theirs.Path.Len() >= MaxPath {
		return nil // no node has children there
	}
	at := d.at(theirs.Path)
	ours := at.prints(theirs.Path)
	var probes []Probe
	for i, print := range theirs.Children {
		if print != ours[i] && !print.IsZero() {
			probes = append(probes, Probe{Path: theirs.Path.Child(i), Heads: ours[i].IsZero()})
		}
	}
	all := at == nil && len(probes) > 0
	if all || len(probes) >= manyDiffer && theirs.Count <= maxVectorProbe {
		return []Probe{{Path: theirs.Path, Heads: true}}
	}
	return probes
}

// Heads takes in what the peer has of the authors above after, up to and including upto: all of theirs are
// such. It returns those of theirs that are not ours, sharing the heads. It reports whether they were asked for:
// in each step, ranges come in order.
func (c *Comparison) Heads(after, upto Author, theirs Frontier) (differ Frontier, asked bool) {
	if !c.expects(after, upto) {
		return nil, false
	}
	c.upto = upto
	differ = make(Frontier)
	for a, heads := range theirs {
		if !c.ours.has(a, heads) {
			differ[a] = heads
		}
	}
	for a := range c.ours.Between(after, upto) {
		if len(c.behind) >= MaxDiffer {
			break
		}
		if heads := differ[a]; heads != nil || theirs[a] == nil {
			c.behind[a] = slices.Clone(heads[max(0, len(heads)-DefaultMaxBranches):])
		}
	}
	return differ, true
}

// expects reports whether a range is within one that was asked for, and beyond the last that came.
func (c *Comparison) expects(after, upto Author) bool {
	if after.Compare(c.upto) < 0 {
		return false
	}
	for p := range c.probing {
		if low, high := p.AuthorRange(); low.Compare(after) <= 0 && upto.Compare(high) <= 0 {
			return true
		}
	}
	return false
}

// Next returns the next step: at most so many probes, their paths ascending, to be sent when the answer to the
// last step has come. There are none when the comparison is over.
func (c *Comparison) Next(most int) []Probe {
	step := slices.Clone(c.queue[:min(len(c.queue), most)])
	c.queue = c.queue[len(step):]
	slices.SortFunc(step, func(a, b Probe) int { return a.Path.Compare(b.Path) })
	clear(c.probing)
	c.upto = Author{}
	for _, p := range step {
		c.probing[p.Path] = true
	}
	return step
}

// Behind returns the heads of the peer, the highest [DefaultMaxBranches] of each author, where they are not ours
// and we have some: it may lack something there. Of more than [MaxDiffer] authors it leaves out some.
func (c *Comparison) Behind() Frontier { return c.behind }

// Whole reports whether [Comparison.Behind] leaves out nobody: once the comparison is over, of all other authors that
// we have some of the peer has the same.
func (c *Comparison) Whole() bool { return !c.cut && len(c.behind) < MaxDiffer }
