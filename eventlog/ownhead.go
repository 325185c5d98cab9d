package eventlog

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/arrivals"
	"github.com/quipulog/quipu/eventlog/internal/feeds"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// checkOwnHead finds out why nothing may be appended to our own feed as it is in the file: it has forked, or its last
// ops cannot be read. Signing on from there could give a seq to a second entry.
//
// Our feed then ends here with the last op that can be read. What lies behind it comes back from those who have it, as
// what an older folder lacks does, and takes the place that it had, see [ownFeed.restore].
func (o *ownFeed) checkOwnHead(tx *readTx) {
	feed := o.store.state.Feed(o.store.author)
	o.store.own.forked = nil
	if _, forked := feed.Disputed(); forked {
		o.store.own.forked = fmt.Errorf("%w: our own feed has %d branches", ErrSecondWriter, len(feed.Branches))
		return
	}
	end := ownend.Highest(feed).Head
	damage := o.cutOwn(tx, &o.store.state)
	if damage == nil {
		return
	}
	state := RecoveringError{Why: WhyHead, Since: o.store.cfg.Now(), Own: end, Detail: fmt.Sprintf("%s: %v", damage.What, damage.Err)}
	if was := o.store.own.recovering; was != nil && !was.Why.Soft() {
		state = *was
		state.kept = was.kept && ownend.Highest(o.store.state.Feed(o.store.author)).Head == end // else where it ends now is still to be written
	}
	state.damage, o.store.own.recovering = damage, &state
}

// cutOwn says how the end of our own feed is damaged, and lets the feed end before that; nil if it is whole.
func (o *ownFeed) cutOwn(tx *readTx, held *feeds.State) *DamagedError {
	last, damage := ownend.Last(tx.ops(o.store.author), o.store.author)
	if damage == nil && last.Head() == ownend.Highest(held.Feed(o.store.author)).Head {
		return nil
	}
	if damage == nil || tx.Err() == nil {
		held.Set(o.store.author, ownend.Cut(held.Feeds[o.store.author], last))
	}
	damage = cmp.Or(damage, errors.New("our feed does not end where its record says"))
	return &DamagedError{Path: o.store.path, What: "the end of our own feed", Err: damage}
}

// mends reports whether what is decided on is our own feed while its end cannot be read.
func (o *ownFeed) mends(tx *writeTx, a crdt.Author) bool {
	return a == o.store.author && o.store.own.recovering.headless()
}

// held returns what is held for deciding on an op of a's.
func (o *ownFeed) held(tx *writeTx, a crdt.Author) crdt.Held {
	if o.mends(tx, a) {
		return ownend.Readable{Held: tx, Tree: tx.ops(a), Author: a, From: o.cut(tx)}
	}
	return tx
}

// cut returns the seq from which on what was written here of our own feed cannot be read, while its end cannot. What a
// second writer has written stands there now, if one has.
func (o *ownFeed) cut(tx *writeTx) uint64 {
	return ownend.CutAt(tx.feedState(o.store.author).Feed, cmp.Or(tx.own.second, o.store.own.second))
}

// beyond reports whether an op lies beyond our feed as far as it can be read, while its end cannot.
func (o *ownFeed) beyond(tx *writeTx, op crdt.Op) bool {
	return o.mends(tx, op.Author) && op.First >= o.cut(tx)
}

// contradicted reports whether an op lies there, and another is known to have been written here in its place.
func (o *ownFeed) contradicted(tx *writeTx, op crdt.Op) bool {
	return o.beyond(tx, op) && ownend.Other(tx.ops(op.Author), op, arrivals.Of(tx.Tx).At)
}

// wanting returns what is held for finding out what is wanted.
func (o *ownFeed) wanting(tx *readTx) crdt.Held {
	if o.unsettled().headless() {
		return ownend.Readable{Held: tx, Tree: tx.ops(o.store.author), Author: o.store.author, Known: o.store.feed(o.store.author)}
	}
	return tx
}

// restore puts an op of ours that came back where one stands in ops that cannot be read, or is missing, at the offset that
// it had: as many entries as are on record behind what can be read have arrived long ago. It reports whether it is such an
// op; what contradicts one that can be read is new, and so is what is written once the rest was given up. Where there is a
// second writer it is one only where something of it is here.
func (o *ownFeed) restore(tx *writeTx, op crdt.Op, v crdt.Verdict) (bool, error) {
	if !o.mends(tx, op.Author) || tx.feedState(op.Author).Behind() < op.Count {
		return false, nil
	}
	if tx.own.second != nil || o.store.own.second != nil || !o.beyond(tx, op) {
		if at, err := holesOf(tx, op.Author); err != nil || !at.Had(op) {
			return false, err
		}
	}
	tx.edit(op.Author).Feed.Add(v)
	tx.added++
	return true, putBack(tx, op)
}

// giveUp drops the ops of ours that cannot be read at its end, as a prune would: nobody who was asked has them.
// Should one of them come back after all it gets another offset, so the arrivals begin anew where the first one was.
func (o *ownFeed) giveUp(tx *writeTx) error {
	ops := tx.ops(o.store.author)
	if ops == nil {
		return tx.Err()
	}
	if err := tx.beginSweep(); err != nil {
		return err
	}
	cut := o.cut(tx)
	least, err := ownend.GiveUp(ops, tx.arrivals.Tree(), tx.edit(o.store.author), cut, tx.ownSweep)
	if err == nil {
		err = tx.ids().ForgetFrom(o.store.author, cut)
	}
	if err != nil || least >= tx.next {
		return err
	}
	return tx.beginIncarnation(least)
}

// appendTakenUp appends the entry that says how our feed goes on.
func (tx *writeTx) appendTakenUp(up record.TakenUp) (crdt.Place, error) {
	payload, err := up.Payload()
	if err != nil {
		return crdt.Place{}, err
	}
	draft, err := tx.store.draft(crdt.Event{Kind: RecoverKind, Payload: payload})
	if err != nil {
		return crdt.Place{}, err
	}
	return tx.append(&draft)
}
