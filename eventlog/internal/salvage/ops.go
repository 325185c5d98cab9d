package salvage

import (
	"cmp"
	"context"
	"errors"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/refill"
)

// window is how much of the file is looked at at a time, beside what one value can have, in bytes.
const window = 4 << 20

// windows shows the file from one offset to another, a window at a time. What look has not used of one begins the next,
// but for what is more than keep bytes before its end.
func (s *salvage) windows(from, to int64, keep int, look func(b []byte, at int64) (used int, err error)) error {
	b := make([]byte, min(window+int64(keep), to-from))
	for at := from; at < to; {
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		b = b[:min(int64(len(b)), to-at)]
		s.report.Unreadable += uint64(s.From.Read(b, at))
		used, err := look(b, at)
		if err != nil || at+int64(len(b)) == to {
			return err
		}
		at += int64(max(used, len(b)-keep))
	}
	return nil
}

// ops calls take with each op that lies from one offset of the file to another. It shares memory that is used again.
func (s *salvage) ops(from, to int64, take func(v record.Op, op crdt.Op, at int64) error) error {
	marker := record.Marker(s.report.Log)
	return s.windows(from, to, record.MaxOp, func(b []byte, start int64) (used int, err error) {
		for {
			at, v, op := record.Find(b[used:], marker)
			if at < 0 {
				return used, nil
			}
			at += used
			if used = at + len(v); err == nil {
				err = take(v, op, start+int64(at))
			}
			if err != nil {
				return used, err
			}
		}
	})
}

// put puts an op at its offset; where that is another's it waits for a new one.
func (s *salvage) put(op crdt.Op, v record.Op) error {
	err := s.maker.Checked(op, v.Offset(), v.Sweep())
	switch {
	case errors.Is(err, refill.ErrTaken):
		s.wait(op, late{offset: v.Offset(), sweep: v.Sweep(), had: true})
	case errors.Is(err, crdt.ErrInvalid), errors.Is(err, crdt.ErrAuthor):
	default:
		return err
	}
	return nil
}

// late is an op whose offset is another's, or that may never have had it.
type late struct {
	crdt.Op
	offset, sweep uint64
	had           bool // the offset is that of its value
}

// wait keeps an op for [salvage.putLate].
func (s *salvage) wait(op crdt.Op, l late) {
	l.Op = crdt.Run{Ops: []crdt.Op{op}}.Clone().Ops[0]
	s.late = append(s.late, l)
}

// found puts an op that no tree reaches, if its author has signed it: nothing else vouches for it there. It reports
// whether the op was not held.
func (s *salvage) found(op crdt.Op, v record.Op) (bool, error) {
	held, err := s.maker.HoldsOp(op.Author, op.Key())
	if err != nil || held || op.Verify() != nil {
		return false, err
	}
	s.report.Beside++
	return true, s.put(op, v)
}

// inUse takes the ops on pages that are in use and that the tree does not reach.
func (s *salvage) inUse() error {
	for from, to := range s.From.Rest(true) {
		err := s.ops(from, to, func(v record.Op, op crdt.Op, _ int64) error {
			isNew, err := s.found(op, v)
			if isNew && op.Author == s.Author {
				s.own.want(op.Prev)
			}
			return err
		})
		if err != nil {
			return err
		}
		s.looked(uint64(to - from))
	}
	return nil
}

// rest takes the ops on pages of which nobody says that they are in use.
func (s *salvage) rest() error {
	for from, to := range s.From.Rest(false) {
		if err := s.ops(from, to, s.doubtful); err != nil {
			return err
		}
		s.looked(uint64(to - from))
	}
	return s.putOwn()
}

// doubtful takes an op that may have been forgotten, or may never have been committed.
func (s *salvage) doubtful(v record.Op, op crdt.Op, at int64) error {
	held, err := s.maker.HoldsOp(op.Author, op.Key())
	if err != nil || held {
		return err
	}
	f := s.feeds[op.Author]
	switch {
	case f != nil && op.Next() <= f.Feed.Forgettable():
		s.report.Forgotten++
	case f != nil && op.Author == s.Author && s.report.Current && !f.Disputed():
		s.own.offered[op.ID] = offered{op.Prev, at, len(v)}
	case s.report.Current && s.arrivals && op.Verify() == nil:
		// All arrivals are known: without one it was never here.
		here, err := s.maker.Arrives(op.Signed, v.Offset())
		if s.report.Beside++; err != nil || here {
			return cmp.Or(err, s.put(op, v))
		}
		s.wait(op, late{})
	default:
		_, err = s.found(op, v)
	}
	return err
}

// putOwn takes of our own ops on free pages those that the chain lacks.
func (s *salvage) putOwn() error {
	if f := s.feeds[s.Author]; f != nil {
		for _, h := range f.Heads {
			s.own.want(h.ID)
		}
	}
	for {
		o, more := s.own.next()
		if !more {
			break
		}
		err := s.ops(o.at, o.at+int64(o.size), func(v record.Op, op crdt.Op, _ int64) error {
			_, err := s.found(op, v)
			return err
		})
		if err != nil {
			return err
		}
	}
	s.report.Unwritten = uint64(len(s.own.offered))
	return nil
}

// putLate puts the ops that wait: at their offset, where what has arrived there is nowhere to be found, and else behind all
// others.
func (s *salvage) putLate() error {
	var last []late
	for _, l := range s.late {
		err := refill.ErrTaken
		if l.had {
			err = s.maker.Claim(l.Op, l.offset, l.sweep)
		}
		if errors.Is(err, refill.ErrTaken) {
			last = append(last, l)
		} else if err != nil {
			return err
		}
	}
	if f := s.feeds[s.Author]; f != nil && f.Late.Ops > 0 {
		if err := s.maker.Late(f, s.spoiled); err != nil {
			return err
		}
	}
	if s.bound = s.maker.Next(); !s.report.Current {
		s.bound = min(s.bound, s.arrived)
	}
	for _, l := range last {
		held, err := s.maker.HoldsOp(l.Author, l.Key())
		if err == nil && !held {
			err = s.maker.Checked(l.Op, s.maker.Next(), l.sweep)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ownChain finds out which of our own ops, found on free pages, our feed lacks: each is named by the one behind it, or is
// its head.
type ownChain struct {
	last    crdt.OpID // that the tree has reached
	wanted  map[crdt.OpID]bool
	offered map[crdt.OpID]offered
}

// offered is an op on a free page.
type offered struct {
	prev crdt.OpID
	at   int64 // in the file
	size int
}

func newOwnChain() ownChain {
	return ownChain{wanted: make(map[crdt.OpID]bool), offered: make(map[crdt.OpID]offered)}
}

// reached takes note of an op that the tree reaches, in order of key.
func (c *ownChain) reached(own crdt.Author, op crdt.Signed) {
	if op.Author != own {
		return
	}
	if op.Prev != c.last {
		c.want(op.Prev)
	}
	c.last = op.ID
}

func (c *ownChain) want(id crdt.OpID) { c.wanted[id] = true }

// next returns an op that is offered and wanted, and wants the one before it.
func (c *ownChain) next() (offered, bool) {
	for id := range c.wanted {
		delete(c.wanted, id)
		if o, found := c.offered[id]; found {
			delete(c.offered, id)
			c.want(o.prev)
			return o, true
		}
	}
	return offered{}, false
}
