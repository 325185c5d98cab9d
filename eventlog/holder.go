package eventlog

import (
	"cmp"
	"slices"
)

// Holder is one who may keep back a trim by the log's policy.
type Holder struct {
	Hold
	// Behind is how many entries have arrived at or after its offset.
	Behind uint64
	// Prunes says that it keeps back prunes alone: it has no use for what is trimmed.
	Prunes bool
	// Overrun says that it is further behind than the policy's MaxHold, and keeps back nothing.
	Overrun bool
}

// Holders returns the log's followers and others, who may keep back a trim; first who is furthest behind.
func (l *Log) Holders(others []Hold) ([]Holder, error) {
	h, err := l.holders(others, l.cfg.Trim.MaxHold)
	if err != nil {
		return nil, err
	}
	next := l.Stats().Next
	all := make([]Holder, 0, len(h.active)+len(h.overrun))
	for _, b := range h.active {
		all = append(all, Holder{Hold: b.Hold, Behind: next - min(b.Offset, next), Prunes: b.prunes})
	}
	for _, b := range h.overrun {
		all = append(all, Holder{Hold: b.Hold, Behind: next - min(b.Offset, next), Overrun: true})
	}
	slices.SortFunc(all, func(a, b Holder) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}
