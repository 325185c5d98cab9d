package crash

import (
	"bytes"
	"os"

	"github.com/quipulog/quipu/crdt"
)

// spoiled damages two ops of the peer's in the log's file, wherever they lie, and has the log find that.
func spoiled(s *subject) {
	file, err := os.OpenFile(s.log.Path(), os.O_RDWR, 0)
	must(s, err)
	defer file.Close()
	all, err := os.ReadFile(s.log.Path())
	must(s, err)
	segments, err := s.peer.Plan(s.ctx, crdt.Want{Author: s.peer.Author()})
	must(s, err)
	run, err := s.peer.Read(s.ctx, &segments[0], 1<<20)
	must(s, err)
	for _, op := range run.Ops[1:3] {
		for from := 0; ; {
			at := bytes.Index(all[from:], op.Bytes())
			if at < 0 {
				break
			}
			from += at + 1
			_, err := file.WriteAt([]byte{op.Bytes()[0] ^ 1}, int64(from-1))
			must(s, err)
		}
		s.flight = append(s.flight, s.numbersOf(op)...)
	}
	_, err = s.log.Verify(s.ctx)
	must(s, err)
	if s.foundRepaired() != none {
		s.Fatalf("nothing was spoiled")
	}
}

// numbersOf returns events with the numbers that an op holds.
func (s *subject) numbersOf(op crdt.Op) (events []crdt.Event) {
	for e, err := range op.Entries() {
		must(s, err)
		events = append(events, e.Event)
	}
	return events
}

// repair gets from the peer what the log knows to be damaged.
func (s *subject) repair() error {
	if _, err := s.log.Verify(s.ctx); err != nil {
		return err
	}
	holes, err := s.log.Damaged(s.ctx)
	if err != nil {
		return err
	}
	for _, hole := range holes {
		segment, ok, err := s.peer.PlanSpan(s.ctx, hole)
		if err == nil && ok {
			err = send(s.ctx, s.peer, s.log, &segment, func(crdt.Run) {})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// foundRepaired says whether what was damaged can be read again.
func (s *subject) foundRepaired() string {
	if _, err := s.log.Verify(s.ctx); err != nil {
		s.Errorf("verify: %v", err)
	}
	holes, err := s.log.Damaged(s.ctx)
	must(s, err)
	missing := uint64(0)
	for _, h := range holes {
		missing += h.Upto - h.From
	}
	return shareOf(len(s.flight)-int(missing), len(s.flight))
}

// nothingDamaged says that the log has no holes any more.
func (s *subject) nothingDamaged() {
	if holes, err := s.log.Damaged(s.ctx); err != nil || len(holes) > 0 {
		s.Errorf("after the repair it is damaged: %v, %v", holes, err)
	}
}
