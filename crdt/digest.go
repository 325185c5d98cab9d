package crdt

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"slices"
)

// Digest is the compact form of a frontier: a 16-way hash trie over authors. A leaf stands as high
// as it is alone, so the trie, and with it every hash, depends only on the frontier:
//
//	leaf = SHA-256(0x00 ‖ author ‖ next ‖ id ‖ next ‖ id …)      heads sorted, next in 8 bytes big-endian
//	node = SHA-256(0x01 ‖ the hashes of its 16 children)         zeros for a child that is not there
//
// The root is the hash of the top node, zeros for an empty frontier. Two nodes that compare roots
// learn whether they hold the same at the cost of 32 bytes, and descend where they do not: see
// [Digest.Answer] and [Comparison].
//
// A Digest is a value that never changes: what [Digest.With] returns shares all with it but the nodes
// on the way to the author. It may be copied, and used by many goroutines at once. The zero Digest is
// that of the empty frontier.
type Digest struct {
	top *digestNode
}

// digestNode is a leaf when children is nil. Nodes are never changed once made, since digests share
// them. Below one with children there are at least two authors.
type digestNode struct {
	hash     Hash
	author   Author // of a leaf
	children *[16]*digestNode
	count    uint32 // authors at the node or below
}

// digestChange puts a leaf in the place of an author's, or nothing.
type digestChange struct {
	author Author
	leaf   *digestNode
}

// DigestOf returns the digest of f.
func DigestOf(f Frontier) Digest { return Digest{}.WithAll(f) }

// Len returns the number of authors.
func (d Digest) Len() int { return d.top.len() }

// Root returns the hash of the whole.
func (d Digest) Root() Hash { return d.top.sum() }

// With returns d with the given heads, sorted by (next, id), for author a; without heads the author is
// left out. It costs O(log n) hashes.
func (d Digest) With(a Author, heads []Head) Digest {
	return d.edit([]digestChange{{author: a, leaf: newLeaf(a, heads)}})
}

// WithAll is [Digest.With] for each author in f, with each hash computed once.
func (d Digest) WithAll(f Frontier) Digest {
	changes := make([]digestChange, 0, len(f))
	for a, heads := range f {
		changes = append(changes, digestChange{author: a, leaf: newLeaf(a, heads)})
	}
	slices.SortFunc(changes, digestChange.compare)
	return d.edit(changes)
}

// Without returns d less the given authors. It costs O(log n) hashes for each of them that is in d.
func (d Digest) Without(authors []Author) Digest {
	changes := make([]digestChange, len(authors))
	for i, a := range authors {
		changes[i].author = a
	}
	slices.SortFunc(changes, digestChange.compare)
	return d.edit(slices.CompactFunc(changes, func(a, b digestChange) bool { return a.author == b.author }))
}

// has reports whether heads, sorted by (next, id), are what d has of a.
func (d Digest) has(a Author, heads []Head) bool {
	return d.at(PathTo(a, MaxPath)).sum() == newLeaf(a, heads).sum()
}

// Under yields the authors at the path and below, ascending.
func (d Digest) Under(p Path) iter.Seq[Author] {
	return func(yield func(Author) bool) { d.at(p).each(yield) }
}

// at returns what is under the path: nil, a leaf, which may stand above it, or a node with children.
func (d Digest) at(p Path) *digestNode {
	n := d.top
	for depth := 0; depth < p.Len() && n != nil && n.children != nil; depth++ {
		n = n.children[p.nibble(depth)]
	}
	if n != nil && n.children == nil && !p.contains(n.author) {
		return nil
	}
	return n
}

// edit returns d after the changes, of which there is one an author, ascending.
func (d Digest) edit(changes []digestChange) Digest { return Digest{top: d.top.edit(changes, 0)} }

// edit returns what stands in the place of n, which is depth nibbles down, after the changes. It is n
// itself if they change nothing.
func (n *digestNode) edit(changes []digestChange, depth int) *digestNode {
	if len(changes) == 0 {
		return n
	}
	if n == nil {
		return build(changes, depth)
	}
	if n.children == nil {
		return n.editLeaf(changes, depth)
	}
	children, changed := *n.children, false
	for i, below := range byNibble(changes, depth) {
		child := children[i].edit(below, depth+1)
		changed = changed || child != children[i]
		children[i] = child
	}
	if !changed {
		return n
	}
	return join(&children)
}

// editLeaf is edit for a leaf: it takes part as one change more, unless there is one for its author.
func (n *digestNode) editLeaf(changes []digestChange, depth int) *digestNode {
	self := digestChange{author: n.author, leaf: n}
	at, found := slices.BinarySearchFunc(changes, self, digestChange.compare)
	if !found {
		return build(slices.Insert(slices.Clone(changes), at, self), depth)
	}
	if leaf := changes[at].leaf; len(changes) == 1 && leaf != nil && leaf.hash == n.hash {
		return n
	}
	return build(changes, depth)
}

// build returns the subtree of the leaves in changes, depth nibbles down.
func build(changes []digestChange, depth int) *digestNode {
	if len(changes) == 1 {
		return changes[0].leaf
	}
	var children [16]*digestNode
	for i, below := range byNibble(changes, depth) {
		children[i] = build(below, depth+1)
	}
	return join(&children)
}

// join returns the node over children, which it keeps a copy of. A leaf that is alone among them
// stands in its place.
func join(children *[16]*digestNode) *digestNode {
	var some *digestNode
	n, count := 0, uint32(0)
	for _, child := range children {
		if child != nil {
			some = child
			count += child.count
			n++
		}
	}
	if n == 0 || n == 1 && some.children == nil {
		return some
	}
	kept := *children
	return &digestNode{hash: hashNode(children), children: &kept, count: count}
}

// byNibble yields the changes in groups that share nibble number depth, with that nibble.
func byNibble(changes []digestChange, depth int) iter.Seq2[int, []digestChange] {
	return func(yield func(int, []digestChange) bool) {
		for len(changes) > 0 {
			i, n := nibble(changes[0].author, depth), 1
			for n < len(changes) && nibble(changes[n].author, depth) == i {
				n++
			}
			if !yield(i, changes[:n]) {
				return
			}
			changes = changes[n:]
		}
	}
}

// each yields the authors of the leaves until yield returns false, and reports whether it never did.
func (n *digestNode) each(yield func(Author) bool) bool {
	switch {
	case n == nil:
		return true
	case n.children == nil:
		return yield(n.author)
	}
	for _, child := range n.children {
		if !child.each(yield) {
			return false
		}
	}
	return true
}

func (n *digestNode) len() int {
	if n == nil {
		return 0
	}
	return int(n.count)
}

func (n *digestNode) sum() Hash {
	if n == nil {
		return Hash{}
	}
	return n.hash
}

func (c digestChange) compare(o digestChange) int { return c.author.Compare(o.author) }

// newLeaf returns the leaf of an author, nil without heads.
func newLeaf(a Author, heads []Head) *digestNode {
	if len(heads) == 0 {
		return nil
	}
	var small [128]byte
	b := append(append(small[:0], leafPrefix), a[:]...)
	for _, h := range heads {
		b = append(binary.BigEndian.AppendUint64(b, h.Next), h.ID[:]...)
	}
	return &digestNode{hash: sha256.Sum256(b), author: a, count: 1}
}

func hashNode(children *[16]*digestNode) Hash {
	var b [1 + 16*len(Hash{})]byte
	b[0] = nodePrefix
	for i, child := range children {
		if child != nil {
			copy(b[1+i*len(Hash{}):], child.hash[:])
		}
	}
	return sha256.Sum256(b[:])
}

// nibble returns number depth of the 64 half-bytes of a.
func nibble(a Author, depth int) int {
	b := a[depth/2]
	if depth%2 == 0 {
		return int(b >> 4)
	}
	return int(b & 15)
}
