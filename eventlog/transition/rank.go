package transition

import (
	"bytes"
	"cmp"
)

// rank orders the transitions of a subject. It is the clock of the transition's op, but at least one
// more than the rank of the transition that it names. Wherever clocks are within a minute of each
// other that is the clock itself, and the order is causal order. Where a node's clock is further
// ahead, what was written in knowledge of its transition still comes after it.
type rank uint64

// rankOf returns the rank of a transition that names one of rank after; 0 when that is not known.
func rankOf(t Transition, after rank) rank { return max(rank(t.Entry.Clock), after+1) }

// compareRanked compares two transitions by rank, author, seq and op id.
func compareRanked(aRank rank, a After, bRank rank, b After) int {
	return cmp.Or(cmp.Compare(aRank, bRank), a.Author.Compare(b.Author), cmp.Compare(a.Seq, b.Seq), bytes.Compare(a.Op[:], b.Op[:]))
}
