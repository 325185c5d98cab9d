package eventlog

import (
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// ErrFull is returned by appends when the feed can have no next op: its clock or its seq has reached
// the end of the format.
var ErrFull = errors.New("feed is at the end of the format")

// append gives a draft the next seq of our feed. It becomes part of an op with those before it, unless
// that is full or of another retention class.
func (tx *writeTx) append(d crdt.Draft) (crdt.Place, error) {
	if len(tx.places) == 0 && !tx.recovered {
		if err := tx.log.appendable(); err != nil {
			return crdt.Place{}, err
		}
	}
	if n := len(tx.drafts); n > 0 {
		full := tx.draftBytes+d.Size() > opTarget || n == crdt.MaxOpEntries
		if full || d.Retention() != tx.drafts[0].Retention() {
			if _, err := tx.seal(); err != nil {
				return crdt.Place{}, err
			}
		}
	}
	seq := tx.feedState(tx.log.author).feed.Next() + uint64(len(tx.drafts))
	place := crdt.Place{Author: tx.log.author, Seq: seq}
	tx.drafts = append(tx.drafts, d)
	tx.draftBytes += d.Size()
	tx.places = append(tx.places, place)
	return place, nil
}

// seal makes the op of the drafts that wait, if any, signs it and stores it. It returns the end of our
// feed.
//
// A crash before the commit returns loses the op, its seqs and its clock, and nobody has seen them.
func (tx *writeTx) seal() (crdt.Head, error) {
	feed := tx.feedState(tx.log.author).feed
	head, clock, floor := ownEnd(feed)
	floor = max(floor, tx.floor)
	if len(tx.drafts) == 0 {
		return head, nil
	}
	tx.log.mu.Lock() // clockAt takes in what has come near
	held := tx.log.state.clockAt(tx.now)
	tx.log.mu.Unlock()
	h := crdt.Header{Log: tx.log.id, First: head.Next, Prev: head.ID, Clock: crdt.NextClock(tx.now, clock, held), Floor: floor}
	if h.Clock >= crdt.MaxClock || h.First+uint64(len(tx.drafts)) >= crdt.MaxSeq {
		return crdt.Head{}, fmt.Errorf("append: %w", ErrFull)
	}
	op, err := crdt.Seal(tx.log.cfg.Key, h, tx.drafts)
	if err != nil {
		return crdt.Head{}, fmt.Errorf("append: %w", err)
	}
	verdict, err := crdt.Decide(tx, feed, op.Signed)
	if err == nil && verdict.Decision != crdt.Accepted {
		err = fmt.Errorf("op %s/%d of our own is %s", op.Author.Short(), op.First, verdict.Decision)
	}
	if err != nil {
		return crdt.Head{}, fmt.Errorf("append: %w", err)
	}
	tx.drafts, tx.draftBytes = tx.drafts[:0], 0
	return op.Head(), tx.store(op, verdict)
}

// ownEnd returns where our feed ends. It has one branch, or pieces that a prune has parted, of which the
// highest goes on: a feed of ours that has forked is not appended to.
func ownEnd(f crdt.Feed) (head crdt.Head, clock crdt.Clock, floor uint64) {
	for _, b := range f.Branches {
		if b.Head.Next > head.Next {
			head, clock, floor = b.Head, b.Clock, b.Floor
		}
	}
	return head, clock, floor
}
