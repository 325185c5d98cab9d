package choice

import (
	"bytes"
	"cmp"
	"fmt"
	"hash"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Filter is what a query takes, made ready to be asked of each entry.
type Filter struct {
	Authors           []crdt.Author // see [Authors]; none means all
	Kinds             Kinds
	Modules, Subjects Texts
	Since, Until      time.Time   // of the event: since ≤ time < until; the zero time leaves that side open
	From              *crdt.Place // before which no entry stands in author order; nil for none
	FromClock         crdt.Clock  // below which no op's is
	FromOffset        uint64
}

// Authors returns each author once, in order.
func Authors(authors []crdt.Author) []crdt.Author {
	return slices.Compact(slices.SortedFunc(slices.Values(authors), crdt.Author.Compare))
}

// TakesAuthor reports whether any entry of a may pass.
func (f *Filter) TakesAuthor(a crdt.Author) bool {
	if len(f.Authors) == 0 {
		return true
	}
	_, ok := slices.BinarySearchFunc(f.Authors, a, crdt.Author.Compare)
	return ok
}

// Takes reports whether an entry of an author that passes does, which is held at an offset.
func (f *Filter) Takes(e *crdt.Entry, offset uint64) bool {
	if e.Clock < f.FromClock {
		return false
	}
	if e.Gone > 0 {
		return offset+e.Gone > f.FromOffset && (f.From == nil || f.From.Seq < e.Seq+e.Gone || !standsBefore(e, f.From))
	}
	return f.Kinds.Takes(e.Kind) && f.Modules.Takes(e.Module) && f.Subjects.Takes(e.Subject) &&
		(f.Since.IsZero() || !e.Time.Before(f.Since)) && (f.Until.IsZero() || e.Time.Before(f.Until)) &&
		offset >= f.FromOffset && (f.From == nil || !standsBefore(e, f.From))
}

// standsBefore reports whether e stands before p in author order.
func standsBefore(e *crdt.Entry, p *crdt.Place) bool {
	branch := e.Op.Branch()
	return cmp.Or(e.Author.Compare(p.Author), cmp.Compare(e.Seq, p.Seq), bytes.Compare(branch[:], p.Branch[:])) < 0
}

// WriteTexts writes lists so that no two different ones write the same bytes.
func WriteTexts(h hash.Hash, lists ...[]string) {
	for _, list := range lists {
		list = slices.Compact(slices.Sorted(slices.Values(list)))
		fmt.Fprintf(h, "%d:", len(list))
		for _, s := range list {
			fmt.Fprintf(h, "%d:%s", len(s), s)
		}
	}
}
