package eventlog

import (
	"errors"

	"github.com/quipulog/quipu/crdt"
)

// errMissing says of an op that it must be held and is not.
var errMissing = errors.New("it is missing")

// feedView is a feed as a snapshot shows it.
type feedView struct {
	feed crdt.Feed // as it is held now
	// disputed is the seq from which on entries are disputed in the snapshot; MaxSeq when none is.
	disputed uint64
	// ordered says that no op arrived before the one that it names, so that the first op that is not
	// in the snapshot ends the branch there. Without a leave, no feed can be otherwise.
	ordered bool
}

func newFeedView(tx *readTx, f crdt.Feed, bound uint64) (feedView, error) {
	v := feedView{feed: f, disputed: crdt.MaxSeq, ordered: len(f.Leave.Bytes()) == 0}
	if len(f.Branches) < 2 {
		return v, nil
	}
	// Branches that began later than the snapshot disputed nothing in it.
	then := crdt.Feed{Author: f.Author}
	c := tx.opCursor(f.Author)
	for _, b := range f.Branches {
		if c.get(b.Start) && c.offset() < bound {
			then.Branches = append(then.Branches, b)
		}
	}
	if from, forked := then.Disputed(); forked {
		v.disputed = from
	}
	return v, c.err
}

// disputes reports whether the op that begins at first is on a branch.
func (v *feedView) disputes(first uint64) bool { return first >= v.disputed }

// forked reports whether ops of the feed may overlap.
func (v *feedView) forked() bool { return len(v.feed.Branches) > 1 }

// notFound returns what it means that a cursor has not found the op that ends at head and that another
// names, or the feed: damage, save where the feed may begin above it.
func (v *feedView) notFound(c *opCursor, head crdt.Head) error {
	if c.err != nil || !v.ordered {
		return c.err
	}
	return damagedOp(v.feed.Author, crdt.Key{First: head.Next - min(1, head.Next)}, errMissing)
}

// openFeed is a feed together with a cursor that dies with the transaction.
type openFeed struct {
	feedView
	c *opCursor
}

// openFeeds are the feeds that one transaction has opened.
type openFeeds map[crdt.Author]*openFeed

// open returns the feed of a with a cursor.
func (feeds openFeeds) open(tx *readTx, k *chunk, a crdt.Author) (*openFeed, error) {
	if f := feeds[a]; f != nil {
		return f, nil
	}
	k.bytes += opOverhead // finding a feed takes time too
	feed, err := tx.Feed(a)
	if err != nil {
		return nil, err
	}
	view, err := newFeedView(tx, feed, k.bound)
	if err != nil {
		return nil, err
	}
	f := &openFeed{feedView: view, c: tx.opCursor(a)}
	feeds[a] = f
	return f, nil
}
