package eventlog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

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

// Holders returns who may keep back a trim, the log's followers and the given others, the one furthest behind first.
func (l *Log) Holders(others []Hold) ([]Holder, error) {
	h, err := l.store.holders(others, l.store.cfg.Trim.MaxHold)
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

// holders are those who keep back a trim.
type holders struct {
	active  []heldBack // by offset
	overrun []HeldBack
}

type heldBack struct {
	HeldBack
	// prunes says that it keeps back prunes alone: quipu's own followers want nothing that is trimmed.
	prunes bool
}

// holders returns those who may keep back a trim that begins now.
func (s *store) holders(others []Hold, most uint64) (*holders, error) {
	h := new(holders)
	err := s.view(func(tx *readTx) error {
		next := tx.next
		for _, o := range others {
			h.take(o, false, next, most)
		}
		followers, err := tx.holds()
		for _, f := range followers {
			h.take(f, strings.HasPrefix(f.Name, crdt.ReservedPrefix), next, most)
		}
		return err
	})
	slices.SortFunc(h.active, func(a, b heldBack) int { return cmp.Compare(a.Offset, b.Offset) })
	return h, err
}

func (h *holders) take(hold Hold, prunes bool, next, most uint64) {
	if hold.Offset < next && next-hold.Offset > most {
		h.overrun = append(h.overrun, HeldBack{Hold: hold, Overrun: true})
		return
	}
	h.active = append(h.active, heldBack{HeldBack: HeldBack{Hold: hold}, prunes: prunes})
}

// hold reports whether somebody keeps back an op of count entries that arrived at offset, and counts that
// for each who does.
func (h *holders) hold(offset, count uint64, prune bool) (held bool) {
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

// report returns those who have kept something back, and those who could not.
func (h *holders) report() []HeldBack {
	var held []HeldBack
	for _, b := range h.active {
		if b.Entries > 0 {
			held = append(held, b.HeldBack)
		}
	}
	return append(held, h.overrun...)
}

// holds returns what each follower that holds back trims has not handled, its cursor or the first entry
// that it has parked, in order of name.
func (tx *readTx) holds() (all []Hold, err error) {
	c := tx.Tree(bucketFollowers).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		name := string(k)
		f, err := decodeFollower(name, v)
		if err != nil {
			return nil, err
		}
		if f.record.Loose {
			continue
		}
		h := Hold{Name: name, Offset: f.cursor}
		if t := tx.parked(name); t != nil {
			k, _ := t.Cursor().First()
			if first, err := record.ParseOffset(k); err == nil {
				h.Offset = min(h.Offset, first)
			}
		}
		all = append(all, h)
	}
	return all, nil
}
