package eventlog

import (
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// checkOwnHead finds out why nothing may be appended to our own feed as it is in the file: it has forked, or its last
// op cannot be read, or ops stand beside what the feed's record knows. Signing on from there could give a seq to a
// second entry.
func (s *store) checkOwnHead(tx *readTx) {
	feed := s.state.feed(s.author)
	s.forked = nil
	if _, forked := feed.Disputed(); forked {
		s.forked = fmt.Errorf("%w: our own feed has %d branches", ErrSecondWriter, len(feed.Branches))
		return
	}
	damage := s.ownHeadDamage(tx, feed)
	if damage == nil {
		return
	}
	end, _, _ := ownHead(feed)
	state := RecoveringError{Why: WhyHead, Since: s.cfg.Now(), Own: end, Detail: fmt.Sprintf("%s: %v", damage.What, damage.Err)}
	if was := s.recovering; was != nil && !was.Why.Soft() {
		state = *was
	}
	state.damage, s.recovering = damage, &state
}

// ownHeadDamage says how the end of our own feed is damaged; nil if it is whole.
func (s *store) ownHeadDamage(tx *readTx, feed crdt.Feed) *DamagedError {
	t := tx.ops(s.author)
	if t == nil && feed.IsZero() {
		return nil
	}
	wrong := errors.New("our feed does not end where its record says")
	if t == nil || feed.IsZero() {
		return &DamagedError{Path: s.path, What: "our own feed", Err: wrong}
	}
	k, v := t.Cursor().Last()
	key, err := record.ParseOpKey(k)
	if err != nil {
		return &DamagedError{Path: s.path, What: "our own feed", Err: err}
	}
	op, err := verifiedAt(s.author, key, v)
	if end, _, _ := ownHead(feed); err == nil && op.Head() != end {
		err = wrong
	}
	if err != nil {
		return &DamagedError{Path: s.path, What: "the end of our own feed", Err: err}
	}
	return nil
}
