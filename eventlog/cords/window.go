package cords

import (
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// ErrWindow is wrapped by the errors of [Projection.Read] that say why a [Window] makes no sense.
var ErrWindow = errors.New("invalid window")

// Window says which cords are wanted, of what time, and how finely. The zero Window is all of them as a whole.
type Window struct {
	// From ≤ time < To is what is shown, in milliseconds since 1970. Where From is nil it begins with the first entry whose
	// time is after 1970-01-01, which is the time of a clock that was never set; where To is nil it ends with the last that is
	// a day ahead of the wall clock at most.
	From, To *int64
	// Width is how many columns have an entry at most, 2 to [MaxWidth]: silent times take none. 0 means 1024.
	Width int
	// Limit is how many cords there are at most, 1 to [MaxCords], which is what 0 means: those with most entries in the
	// window, then with most at all.
	Limit int
	// Authors are those whose cords are wanted alone, whether there are entries of theirs in the window or not. Empty takes all.
	Authors []crdt.Author
	// Kinds are those that are counted alone, and told apart. Empty counts all, and tells the twelve apart of which the log
	// has most.
	Kinds []string
}

func (w *Window) check() error {
	switch {
	case w.From != nil && w.To != nil && *w.To < *w.From:
		return fmt.Errorf("%w: to %d is before from %d", ErrWindow, *w.To, *w.From)
	case w.Width < 0 || w.Width == 1 || w.Width > MaxWidth:
		return fmt.Errorf("%w: width %d: expected 2 to %d", ErrWindow, w.Width, MaxWidth)
	case w.Limit < 0 || w.Limit > MaxCords:
		return fmt.Errorf("%w: limit %d: expected 1 to %d", ErrWindow, w.Limit, MaxCords)
	case len(w.Authors) > MaxCords:
		return fmt.Errorf("%w: %d authors: expected at most %d", ErrWindow, len(w.Authors), MaxCords)
	case len(w.Kinds) > MaxKinds:
		return fmt.Errorf("%w: %d kinds: expected at most %d", ErrWindow, len(w.Kinds), MaxKinds)
	}
	return nil
}

// Picture is the cords of a [Window]. Times are milliseconds since 1970.
type Picture struct {
	// From ≤ time < To is the window, widened to whole columns.
	From, To int64
	// Bucket is the length of a cell that has several times in it: a power of two.
	Bucket int64
	// Entries are counted of the whole log; First and Last are the least and the greatest time of them, where there are any.
	Entries     uint64
	First, Last int64
	// Next is the offset up to which all is counted that had arrived. Behind are entries that had and are not, since they
	// cannot be read, or are too many for one call while the projection is made.
	Next, Behind uint64
	// Kinds are those that cells tell apart.
	Kinds []string
	// Cords are those wanted, in the order that [Window] says, and Whole is the log as one, whose seqs are offsets.
	Cords []Cord
	Whole []Cell
	// Others is how many authors have cords that are not among them, and OthersEntries what is counted of theirs at any time.
	Others        int
	OthersEntries uint64
}

// Cord is what is counted of an author.
type Cord struct {
	Author crdt.Author
	// Entries are in the cells, Before and After outside of the window.
	Entries, Before, After uint64
	// First and Last are the least and the greatest time of any entry.
	First, Last int64
	// Next is the seq that comes next on the branch that reaches highest; Floor the first seq that is not pruned.
	Next, Floor uint64
	// Trimmed counts the entries held without their bodies.
	Trimmed uint64
	// Disputed is the seq from which on the author contradicts himself; nil where he does not.
	Disputed *uint64
	// Untold, of a window with kinds, is how many entries in it are of kinds that are not told apart, and may be of these.
	Untold uint64
	Cells  []Cell
}

// Cell counts the entries whose time is in Start ≤ t < Start + Span. Those of a cord do not overlap. Span is the bucket or
// less, and more only where the entries are too many to be read.
type Cell struct {
	Start, Span int64
	N           uint64
	// Lo and Hi are the least and the greatest seq of the entries, whatever their kind where the window has kinds.
	Lo, Hi uint64
	// Kinds are those of the picture that the entries have. What they leave of N is others, and entries without a body.
	Kinds []KindCount
}

// KindCount is how many entries have a kind, by its index in the picture's.
type KindCount struct {
	Kind int
	N    uint64
}
