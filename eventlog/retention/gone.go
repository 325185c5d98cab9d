package retention

import (
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// TrimmedError is returned to whoever asks for entries whose bodies are not here: they were trimmed, here
// or before they came, or their ops were pruned. Lookups, proofs and followers return it, and
// readings that a trim overtakes or that stop at what is gone. It says where to go on.
type TrimmedError struct {
	// Author and Seq name the first entry that is gone. Author is zero where it is not known any more whose
	// entry that was.
	Author crdt.Author
	Seq    uint64
	// Gone is how many entries are gone in a row from the first on: for lookups and readings by author
	// or in causal order along the feed, for readings in arrival order, tails and followers all authors'
	// that lie before Offset.
	Gone uint64
	// First is the place of the first entry of the author's feed behind these that is here; zero where Author is.
	First crdt.Place
	// Offset is the first offset behind these at which a tail or a follower can go on.
	Offset uint64
	// Pruned says that the entries were forgotten by their author's leave, on every node.
	Pruned bool
	// Elsewhere says that the entries came without bodies: other nodes had trimmed them. With neither
	// Pruned nor Elsewhere this node has trimmed them, or some of them.
	Elsewhere bool
}

func (e *TrimmedError) Error() string {
	what := "trimmed here"
	switch {
	case e.Pruned:
		what = "pruned"
	case e.Elsewhere:
		what = "trimmed elsewhere before they came"
	}
	if e.Author.IsZero() {
		return fmt.Sprintf("%d entries are gone, which were %s: go on at offset %d", e.Gone, what, e.Offset)
	}
	return fmt.Sprintf("%d entries from %s/%d on are gone, which were %s: go on at %s, or at offset %d",
		e.Gone, e.Author, e.Seq, what, e.First, e.Offset)
}

// GoneFrom says what of one author's feed is not here.
type GoneFrom struct {
	Author crdt.Author
	// First is the first seq that is here. What stood below was pruned, here or before it came.
	First uint64
	// Trimmed counts the entries from First on whose bodies are gone. Missed counts the entries between
	// pieces that are here: they were pruned before this node could get them.
	Trimmed, Missed uint64
	// Floor is the seq below which the author has given leave to forget the feed; 0 for none.
	Floor uint64
}

// GoneOf returns what is not here of a feed, trimmed entries of which have no bodies, and whether there is something.
func GoneOf(f crdt.Feed, trimmed uint64) (g GoneFrom, gone bool) {
	g = GoneFrom{Author: f.Author, First: f.First(), Trimmed: trimmed, Floor: f.Floor()}
	for _, m := range f.Missed() {
		g.Missed += m.To - m.From
	}
	return g, g.First > 0 || g.Missed > 0 || g.Trimmed > 0 || g.Floor > 0
}
