package crdt

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/rfc6962"
)

// rfcRoot is the Merkle tree hash as RFC 6962, section 2.1, writes it down.
func rfcRoot(entries [][]byte) Hash {
	if len(entries) == 1 {
		return sha256.Sum256(append([]byte{0}, entries[0]...))
	}
	k := 1
	for k*2 < len(entries) {
		k *= 2
	}
	left, right := rfcRoot(entries[:k]), rfcRoot(entries[k:])
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

// TestMerkle holds root and paths against the RFC's recursion and the library for every size up to
// 70 and the greatest one.
func TestMerkle(t *testing.T) {
	sizes := []int{MaxOpEntries - 1, MaxOpEntries}
	for size := 1; size <= 70; size++ {
		sizes = append(sizes, size)
	}
	for _, size := range sizes {
		var entries [][]byte
		var leaves []Hash
		for i := range size {
			entry := fmt.Appendf(nil, "entry %d", i)
			entries, leaves = append(entries, entry), append(leaves, leafHash(entry))
			if got := rfc6962.DefaultHasher.HashLeaf(entry); Hash(got) != leaves[i] {
				t.Fatal("leafHash is not that of RFC 6962")
			}
		}
		root := merkleRoot(slices.Clone(leaves))
		if want := rfcRoot(entries); root != want {
			t.Fatalf("size %d: root %s, want %s", size, root, want)
		}
		for i := 0; i < size; i += 1 + size/70*13 {
			path, err := inclusionPath(leaves, uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			if len(path) > maxPath {
				t.Fatalf("a path of %d hashes, more than %d", len(path), maxPath)
			}
			if err := verifyInclusion(leaves[i], uint64(i), uint64(size), path, root); err != nil {
				t.Fatalf("size %d, leaf %d: %v", size, i, err)
			}
			if size > 1 && verifyInclusion(leaves[i], uint64((i+1)%size), uint64(size), path, root) == nil {
				t.Fatalf("size %d: leaf %d passes as another", size, i)
			}
		}
	}
}
