package wire

import (
	"iter"

	"github.com/quipulog/quipu/crdt"
)

// vectorHead is the size of a Vector's body without its heads, in bytes.
const vectorHead = 4 + 1 + 2*authorSize + 2

// Vectors yields the heads of the authors above after, up to and including upto, in parts that fit a
// message each and together cover the range; of the heads of one author, the highest [MaxHeads]. The
// authors in heads are ascending and within the range. Round and Last are left to the caller.
func Vectors(after, upto crdt.Author, heads iter.Seq2[crdt.Author, []crdt.Head]) iter.Seq[Vector] {
	return func(yield func(Vector) bool) {
		v := Vector{After: after, Upto: after, Heads: make(crdt.Frontier)}
		size := vectorHead
		for a, h := range heads {
			h = h[max(0, len(h)-MaxHeads):]
			more := authorSize + 2 + len(h)*headSize
			if len(v.Heads) == MaxVectorAuthors || size+more > maxVector {
				if !yield(v) {
					return
				}
				v, size = Vector{After: v.Upto, Heads: make(crdt.Frontier)}, vectorHead
			}
			v.Heads[a], v.Upto = h, a
			size += more
		}
		v.Upto = upto
		yield(v)
	}
}
