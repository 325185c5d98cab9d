package retention

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Hold keeps back from trims what arrived at or after an offset.
type Hold struct {
	// Name says in reports who holds: the name of a follower, or "member" and an author.
	Name   string
	Offset uint64
	// Until, unless it is zero, bounds the hold in place of the policy's MaxHold: up to then it keeps back what arrived
	// before Upto, however far behind that is, and from then on nothing. [NoEnd] is an Upto that is no bound.
	Until time.Time
	Upto  uint64
}

// NoEnd is the Upto of a [Hold] that holds whatever arrives.
const NoEnd uint64 = math.MaxUint64

// Bound is what bounds the holds of a trim.
type Bound struct {
	// Next is the offset of the next entry to arrive, Now when the trim is.
	Next uint64
	Now  time.Time
	// Most is how many entries behind a holder may be whose hold has no time.
	Most uint64
}

// overrun reports whether a hold keeps back nothing by now.
func (b Bound) overrun(h Hold) bool {
	if !h.Until.IsZero() {
		return !b.Now.Before(h.Until)
	}
	return h.Offset < b.Next && b.Next-h.Offset > b.Most
}

// behind returns how many of the entries that a hold is for have arrived.
func (b Bound) behind(h Hold) uint64 {
	end := b.Next
	if !h.Until.IsZero() {
		end = min(end, h.Upto)
	}
	return end - min(h.Offset, end)
}

// HeldBack is a hold that has kept something back, or that is overrun.
type HeldBack struct {
	Hold
	// Behind is that of the [Holder].
	Behind uint64
	// Entries is how many entries were kept back; of those kept from a prune, only some 8,000 ops are counted.
	Entries uint64
	// Overrun says that the holder was further behind than the policy's MaxHold, or its time over: nothing was kept
	// back, and the holder is told what it has missed, once it comes there.
	Overrun bool
}

// Holder is a follower, or somebody else, who may keep back a trim by the log's policy.
type Holder struct {
	Hold
	// Behind is how many entries have arrived at or after the holder's offset, and before its Upto.
	Behind uint64
	// Prunes says that the holder keeps back prunes alone: it has no use for bodies.
	Prunes bool
	// Overrun says that the holder is further behind than the policy's MaxHold, or its time over: it keeps back nothing.
	Overrun bool
}

// Holders are those who may keep back one trim.
type Holders struct {
	active  []heldBack // by offset
	overrun []HeldBack
}

type heldBack struct {
	HeldBack
	// prunes says that it keeps back prunes alone: quipu's own followers want nothing that is trimmed.
	prunes bool
}

// NewHolders returns those of the holds that bodies are kept for, and of those that prunes alone are kept back for, as
// far as the bound lets them.
func NewHolders(bodies, prunes []Hold, bound Bound) *Holders {
	h := &Holders{}
	for i, hold := range slices.Concat(bodies, prunes) {
		if bound.overrun(hold) {
			h.overrun = append(h.overrun, HeldBack{Hold: hold, Behind: bound.behind(hold), Overrun: true})
			continue
		}
		h.active = append(h.active, heldBack{HeldBack: HeldBack{Hold: hold, Behind: bound.behind(hold)}, prunes: i >= len(bodies)})
	}
	slices.SortFunc(h.active, func(a, b heldBack) int { return cmp.Compare(a.Offset, b.Offset) })
	return h
}

// All returns where each holder stands, the one furthest behind first.
func (h *Holders) All() []Holder {
	all := make([]Holder, 0, len(h.active)+len(h.overrun))
	for _, b := range h.active {
		all = append(all, Holder{Hold: b.Hold, Behind: b.Behind, Prunes: b.prunes})
	}
	for _, b := range h.overrun {
		all = append(all, Holder{Hold: b.Hold, Behind: b.Behind, Overrun: true})
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
		if b.prunes && !prune || !b.Until.IsZero() && b.Upto <= offset {
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
