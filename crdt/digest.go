package crdt

import (
	"crypto/sha256"
	"encoding/binary"
)

// Digest is the compact form of a frontier: a 16-way hash trie over authors. A leaf stands as high
// as it is alone, so the trie, and with it every hash, depends only on the frontier:
//
//	leaf = SHA-256(0x00 ‖ author ‖ next ‖ id ‖ next ‖ id …)      heads sorted, next in 8 bytes big-endian
//	node = SHA-256(0x01 ‖ the hashes of its 16 children)         zeros for a child that is not there
//
// The root is the hash of the top node, zeros for an empty frontier. Two nodes that compare roots
// learn whether they hold the same at the cost of 32 bytes, and descend where they do not. The
// zero Digest is that of the empty frontier.
type Digest struct {
	root *digestNode
	n    int
}

// digestNode is a leaf when children is nil.
type digestNode struct {
	hash     Hash // of a node: valid unless stale
	stale    bool
	author   Author // of a leaf
	children *[16]*digestNode
}

// NewDigest returns the digest of the empty frontier.
func NewDigest() *Digest { return new(Digest) }

// Len returns the number of authors.
func (d *Digest) Len() int { return d.n }

// Set gives author a the given heads, sorted by (next, id); without heads the author is removed. It
// costs O(log n) hashes at the next [Digest.Root].
func (d *Digest) Set(a Author, heads []Head) {
	if len(heads) == 0 {
		d.root = d.remove(d.root, a, 0)
		return
	}
	d.root = d.put(d.root, &digestNode{author: a, hash: hashLeaf(a, heads)}, 0)
}

// Root returns the hash of the whole.
func (d *Digest) Root() Hash { return d.root.sum() }

// Children returns the hashes of the 16 children below the given path of nibbles from the top, and
// whether a node with children is there. A single author at or above the path answers false.
func (d *Digest) Children(path []byte) (hashes [16]Hash, ok bool) {
	n := d.root
	for _, nibble := range path {
		if n == nil || n.children == nil || nibble > 15 {
			return hashes, false
		}
		n = n.children[nibble]
	}
	if n == nil || n.children == nil {
		return hashes, false
	}
	for i, child := range n.children {
		hashes[i] = child.sum()
	}
	return hashes, true
}

func (d *Digest) put(at, leaf *digestNode, depth int) *digestNode {
	switch {
	case at == nil:
		d.n++
		return leaf
	case at.children != nil:
		i := nibble(leaf.author, depth)
		at.children[i] = d.put(at.children[i], leaf, depth+1)
		at.stale = true
		return at
	case at.author == leaf.author:
		return leaf
	}
	inner := &digestNode{stale: true, children: new([16]*digestNode)}
	inner.children[nibble(at.author, depth)] = at
	return d.put(inner, leaf, depth)
}

func (d *Digest) remove(at *digestNode, a Author, depth int) *digestNode {
	switch {
	case at == nil:
		return nil
	case at.children == nil:
		if at.author != a {
			return at
		}
		d.n--
		return nil
	}
	i := nibble(a, depth)
	at.children[i] = d.remove(at.children[i], a, depth+1)
	at.stale = true
	return at.collapse()
}

// collapse returns what stands in the place of a node after a removal: a leaf that is alone below
// it moves up.
func (n *digestNode) collapse() *digestNode {
	var only *digestNode
	for _, child := range n.children {
		if child == nil {
			continue
		}
		if only != nil || child.children != nil {
			return n
		}
		only = child
	}
	return only
}

func (n *digestNode) sum() Hash {
	if n == nil {
		return Hash{}
	}
	if n.stale {
		var b [1 + 16*len(Hash{})]byte
		b[0] = nodePrefix
		for i, child := range n.children {
			sum := child.sum()
			copy(b[1+i*len(Hash{}):], sum[:])
		}
		n.hash, n.stale = sha256.Sum256(b[:]), false
	}
	return n.hash
}

func hashLeaf(a Author, heads []Head) Hash {
	var small [128]byte
	b := append(append(small[:0], leafPrefix), a[:]...)
	for _, h := range heads {
		b = append(binary.BigEndian.AppendUint64(b, h.Next), h.ID[:]...)
	}
	return sha256.Sum256(b)
}

// nibble returns number depth of the 64 half-bytes of a.
func nibble(a Author, depth int) int {
	b := a[depth/2]
	if depth%2 == 0 {
		return int(b >> 4)
	}
	return int(b & 15)
}
