package crdt

import "iter"

// Between yields the authors of d above after, up to and including upto, ascending.
func (d Digest) Between(after, upto Author) iter.Seq[Author] {
	return func(yield func(Author) bool) {
		d.top.between(Path{}, after, upto, yield)
	}
}

// between is Between for the subtree at path p. It reports whether yield never returned false.
func (n *digestNode) between(p Path, after, upto Author, yield func(Author) bool) bool {
	if n == nil {
		return true
	}
	if n.children == nil {
		return n.author.Compare(after) <= 0 || n.author.Compare(upto) > 0 || yield(n.author)
	}
	for i, child := range n.children {
		below := p.Child(i)
		low, high := below.AuthorRange()
		if high.Compare(after) <= 0 || low.Compare(upto) >= 0 {
			continue
		}
		if !child.between(below, after, upto, yield) {
			return false
		}
	}
	return true
}
