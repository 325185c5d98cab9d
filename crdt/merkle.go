package crdt

import (
	"crypto/sha256"
	"fmt"
	"math/bits"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// Domain separation of RFC 6962, section 2.1; the digest trie uses the same two.
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// leafHash returns the Merkle leaf hash of an encoded entry (RFC 6962, section 2.1).
func leafHash(entry []byte) (h Hash) {
	d := sha256.New()
	_, _ = d.Write([]byte{leafPrefix})
	_, _ = d.Write(entry)
	d.Sum(h[:0])
	return h
}

// merkle is the Merkle tree over leaves that are added one by one (RFC 6962, section 2.1): the roots of the full
// trees that make it up, which are as large as the bits of the number of leaves say.
type merkle struct {
	roots [13]Hash // of 1, 2, 4 … 4,096 leaves
	n     uint64   // leaves
}

// add adds a leaf: at most [MaxOpEntries].
func (m *merkle) add(leaf Hash) {
	i := 0
	for ; m.n>>i&1 == 1; i++ {
		leaf = nodeHash(&m.roots[i], &leaf)
	}
	m.roots[i] = leaf
	m.n++
}

// root returns the Merkle tree hash. There is a leaf.
func (m *merkle) root() Hash {
	i := bits.TrailingZeros64(m.n)
	root := m.roots[i]
	for i++; m.n>>i > 0; i++ {
		if m.n>>i&1 == 1 {
			root = nodeHash(&m.roots[i], &root)
		}
	}
	return root
}

// nodeHash returns the hash of a node of the Merkle tree.
func nodeHash(left, right *Hash) Hash {
	var node [1 + 2*len(Hash{})]byte
	node[0] = nodePrefix
	copy(node[1:], left[:])
	copy(node[1+len(Hash{}):], right[:])
	return sha256.Sum256(node[:])
}

// merkleRoot returns the Merkle tree hash over leaves.
func merkleRoot(leaves []Hash) Hash {
	var m merkle
	for _, leaf := range leaves {
		m.add(leaf)
	}
	return m.root()
}

// inclusionPath returns the hashes that lead from leaf index to the root over leaves (RFC 6962,
// section 2.1.1).
func inclusionPath(leaves []Hash, index uint64) ([]Hash, error) {
	nodes, err := proof.Inclusion(index, uint64(len(leaves)))
	if err != nil {
		return nil, fmt.Errorf("inclusion path: %w", err)
	}
	hashes := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		begin, end := id.Coverage()
		root := merkleRoot(leaves[begin:min(end, uint64(len(leaves)))])
		hashes[i] = root[:]
	}
	path, err := nodes.Rehash(hashes, rfc6962.DefaultHasher.HashChildren)
	if err != nil {
		return nil, fmt.Errorf("inclusion path: %w", err)
	}
	out := make([]Hash, len(path))
	for i, h := range path {
		out[i] = Hash(h)
	}
	return out, nil
}

// verifyInclusion checks that leaf is number index of the size leaves under root.
func verifyInclusion(leaf Hash, index, size uint64, path []Hash, root Hash) error {
	hashes := make([][]byte, len(path))
	for i := range path {
		hashes[i] = path[i][:]
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], hashes, root[:]); err != nil {
		return fmt.Errorf("entry %d of %d does not stand under the root %s", index, size, root) // err shows bytes in decimal
	}
	return nil
}
