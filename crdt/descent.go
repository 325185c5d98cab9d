package crdt

import "encoding/hex"

// Two nodes whose roots differ find the authors that make the difference by descending their tries
// together, level by level. Each side does it for itself: it asks about what it wants to know, and the
// other answers from its digest without remembering anything.
//
//	asker                                 answerer
//	│  probe: the top                         │
//	├────────────────────────────────────────▶│  [Digest.Answer]
//	│  node: prints of its children           │
//	│◀────────────────────────────────────────┤
//	│  probes: the children that differ       │
//	├────────────────────────────────────────▶│  [Comparison.Next] said which
//	│  nodes, and where few authors are left  │
//	│◀────────────────────────────────────────┤  their heads
//
// A difference of d authors among n costs O(d log n) bytes in O(log n) round trips.

const (
	// smallSubtree is how many authors may stand below a probed path for their heads to be sent at
	// once: they cost about as much as a node.
	smallSubtree = 4
	// maxVectorProbe is how many authors may stand below a node of which nearly all children differ
	// for all their heads to be asked for. Measured: a descent costs fewer bytes than all heads while
	// less than a third of the authors differ, and of 64 about so many do where 12 of 16 children do.
	maxVectorProbe = 64
	// manyDiffer is how many of 16 children nearly all are.
	manyDiffer = 12
)

// Print is the first half of a hash in a [Digest]: enough to see that two subtrees differ. The zero
// Print is that of nothing.
type Print [16]byte

// String returns the text form, 32 digits of lower-case hex.
func (p Print) String() string { return hex.EncodeToString(p[:]) }

// IsZero reports whether p is the print of nothing.
func (p Print) IsZero() bool { return p == Print{} }

// Node is what a digest has at a path.
type Node struct {
	Path     Path
	Count    uint32 // authors below the path
	Children [16]Print
}

// Probe asks what a digest has at a path.
type Probe struct {
	Path  Path
	Heads bool // send the heads of all authors below, whatever their number
}

// Answer says what d has under a probe: a node, or, when heads is true, that the heads of the authors
// under it are to be sent themselves, which [Digest.Under] names. There may be none.
func (d Digest) Answer(p Probe) (n Node, heads bool) {
	at := d.at(p.Path)
	if p.Heads || at.len() <= smallSubtree {
		return Node{}, true
	}
	return Node{Path: p.Path, Count: at.count, Children: at.prints(p.Path)}, false
}

// prints returns the prints of the children of n, which stands at the path or, as a leaf, above it.
// Such a leaf is the only child.
func (n *digestNode) prints(p Path) (prints [16]Print) {
	switch {
	case n == nil:
	case n.children == nil:
		prints[nibble(n.author, p.Len())] = n.hash.print()
	default:
		for i, child := range n.children {
			prints[i] = child.sum().print()
		}
	}
	return prints
}

func (h Hash) print() Print { return Print(h[:len(Print{})]) }
