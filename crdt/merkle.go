package crdt

import (
	"crypto/sha256"
	"fmt"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// Domain separation of RFC 6962, section 2.1; the digest trie uses the same two.
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// leafHash returns the Merkle leaf hash of an encoded entry (RFC 6962, section 2.1).
func leafHash(entry []byte) Hash {
	var small [1 << 10]byte
	return sha256.Sum256(append(append(small[:0], leafPrefix), entry...))
}

// merkleRoot returns the Merkle tree hash over leaves (RFC 6962, section 2.1) and overwrites them.
// Joining neighbours level by level, with an odd last one going up as it is, builds the same tree as
// the RFC's recursion.
func merkleRoot(leaves []Hash) Hash {
	var node [1 + 2*len(Hash{})]byte
	node[0] = nodePrefix
	for n := len(leaves); n > 1; n = (n + 1) / 2 {
		for i := 0; i+1 < n; i += 2 {
			copy(node[1:], leaves[i][:])
			copy(node[1+len(Hash{}):], leaves[i+1][:])
			leaves[i/2] = sha256.Sum256(node[:])
		}
		if n%2 == 1 {
			leaves[n/2] = leaves[n-1]
		}
	}
	return leaves[0]
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
		covered := append([]Hash(nil), leaves[begin:min(end, uint64(len(leaves)))]...)
		root := merkleRoot(covered)
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
