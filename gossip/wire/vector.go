package wire

import (
	"iter"

	"github.com/quipulog/quipu/crdt"
)

// vectorHead is the size of a Vector's body without its heads, in bytes.
const vectorHead = 1 + 2*authorSize + 2

// lastAuthor is the author above whom there is none.
var lastAuthor = crdt.Author{
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
}

// Vectors yields f in parts that fit a message each and together cover all authors; of the heads of
// one author, the highest [MaxHeads].
func Vectors(f crdt.Frontier) iter.Seq[Vector] {
	return func(yield func(Vector) bool) {
		v := Vector{Heads: make(crdt.Frontier)}
		size := vectorHead
		for a, heads := range f.All() {
			heads = heads[max(0, len(heads)-MaxHeads):]
			more := authorSize + 2 + len(heads)*headSize
			if len(v.Heads) == MaxVectorAuthors || size+more > maxVector {
				if !yield(v) {
					return
				}
				v, size = Vector{After: v.Upto, Heads: make(crdt.Frontier)}, vectorHead
			}
			v.Heads[a], v.Upto = heads, a
			size += more
		}
		v.Upto = lastAuthor
		yield(v)
	}
}

// Last reports whether v is the last part of a frontier.
func (v Vector) Last() bool { return v.Upto == lastAuthor }

// Covers reports whether v says what its sender holds of a, be it nothing.
func (v Vector) Covers(a crdt.Author) bool {
	return !v.Partial && v.After.Compare(a) < 0 && a.Compare(v.Upto) <= 0
}
