package retention

import (
	"cmp"
	"slices"
)

// Hold keeps back from trims what arrived at or after an offset.
type Hold struct {
	// Name says in reports who holds: the name of a follower, or "member" and an author.
	Name   string
	Offset uint64
	// Brief says that whoever holds lets go soon, and may be as far behind as it is.
	Brief bool
}

// HeldBack is a hold that has kept something back, or that is overrun.
type HeldBack struct {
	Hold
	// Entries is how many entries were kept back; of those kept from a prune, only some 8,000 ops are counted.
	Entries uint64
	// Overrun says that the holder was further behind than the policy's MaxHold: nothing was kept back, and
	// the holder is told what it has missed, once it comes there.
	Overrun bool
}

// Holder is a follower, or somebody else, who may keep back a trim by the log's policy.
type Holder struct {
	Hold
	// Behind is how many entries have arrived at or after the holder's offset.
	Behind uint64
	// Prunes says that the holder keeps back prunes alone: it has no use for bodies.
	Prunes bool
	// Overrun says that the holder is further behind than the policy's MaxHold, and keeps back nothing.
	Overrun bool
}

// Holders are those who may keep back one trim.
type Holders struct {
	next    uint64     // the offset of the next entry to arrive
	active  []heldBack // by offset
	overrun []HeldBack
}

type heldBack struct {
	HeldBack
	// prunes says that it keeps back prunes alone: quipu's own followers want nothing that is trimmed.
	prunes bool
}

// NewHolders returns those of the holds that bodies are kept for, and of those that prunes alone are kept back for, where
// the next entry arrives at next. One that is more than most entries behind keeps back nothing.
func NewHolders(bodies, prunes []Hold, next, most uint64) *Holders {
	h := &Holders{next: next}
	for i, hold := range slices.Concat(bodies, prunes) {
		if !hold.Brief && hold.Offset < next && next-hold.Offset > most {
			h.overrun = append(h.overrun, HeldBack{Hold: hold, Overrun: true})
			continue
		}
		h.active = append(h.active, heldBack{HeldBack: HeldBack{Hold: hold}, prunes: i >= len(bodies)})
	}
	slices.SortFunc(h.active, func(a, b heldBack) int { return cmp.Compare(a.Offset, b.Offset) })
	return h
}

// All returns where each holder stands, the one furthest behind first.
func (h *Holders) All() []Holder {
	all := make([]Holder, 0, len(h.active)+len(h.overrun))
	for _, b := range h.active {
		all = append(all, Holder{Hold: b.Hold, Behind: h.next - min(b.Offset, h.next), Prunes: b.prunes})
	}
	for _, b := range h.overrun {
		all = append(all, Holder{Hold: b.Hold, Behind: h.next - min(b.Offset, h.next), Overrun: true})
	}
	slices.SortFunc(all, func(a, b Holder) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// Hold reports whether somebody keeps back an op of count entries that arrived at offset, and counts that
// for each who does.
func (h *Holders) Hold(offset, count uint64, prune bool) (held bool) {
	for i := range h.active {
		b := &h.active[i]
		if b.Offset >= offset+count {
			break
		}
		if b.prunes && !prune {
			continue
		}
		b.Entries += count
		held = true
	}
	return held
}

// Report returns those who have kept something back, and those who could not.
func (h *Holders) Report() []HeldBack {
	var held []HeldBack
	for _, b := range h.active {
		if b.Entries > 0 {
			held = append(held, b.HeldBack)
		}
	}
	return append(held, h.overrun...)
}
