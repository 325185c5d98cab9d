package eventlog

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// feedView is a feed as a snapshot shows it.
type feedView struct {
	feed crdt.Feed // as it is held now
	// then is the feed with the branches that had begun when the snapshot was taken. Those that began
	// later dispute nothing in it.
	then crdt.Feed
	// disputed is the seq from which on entries are disputed in the snapshot; MaxSeq when none is. It
	// holds for feeds without a leave only.
	disputed uint64
	// ordered says that no op arrived before the one that it names, so that the first op that is not
	// in the snapshot ends the branch there. Without a leave, no feed can be otherwise.
	ordered bool
	missed  []crdt.Missed // of feed
}

func newFeedView(tx *readTx, f crdt.Feed, bound uint64) (feedView, error) {
	v := feedView{feed: f, then: crdt.Feed{Author: f.Author}, disputed: crdt.MaxSeq, ordered: len(f.Leave.Bytes()) == 0}
	if len(f.Branches) < 2 {
		return v, nil
	}
	if !v.ordered {
		v.missed = f.Missed()
	}
	c := tx.opCursor(f.Author)
	for _, b := range f.Branches {
		if c.get(b.Start) { // else it is missing, which a walk tells that comes there
			if came, err := c.came(bound); err != nil {
				return v, err
			} else if !came {
				continue
			}
		}
		v.then.Branches = append(v.then.Branches, b)
	}
	if from, forked := v.then.Disputed(); forked {
		v.disputed = from
	}
	return v, c.err
}

// disputes reports whether the op is on a branch. Where the author has signed a floor, a branch that
// ends below it disputes nothing above; that is looked up branch by branch, for each op.
func (v *feedView) disputes(op crdt.Header) bool {
	if v.ordered {
		return op.First >= v.disputed
	}
	return v.then.Disputes(op)
}

// lowest returns a seq below which the chunk takes no entry of the feed.
func (v *feedView) lowest(k *chunk) uint64 {
	if k.disputed != OnlyDisputed || !v.ordered {
		return 0
	}
	return v.disputed
}

// shown returns a seq up to which all entries are shown, disputed or not.
func (v *feedView) shown(k *chunk) uint64 {
	if k.disputed != HideDisputed {
		return crdt.MaxSeq
	}
	return v.disputed
}

// read copies the op that the cursor is at into the chunk and returns its header too. The op is nil
// when it is not in the snapshot, has no body, or is not taken for being disputed or not.
func (v *feedView) read(k *chunk, c *opCursor) (*excerpt.Op, *crdt.Signed, error) {
	if i := slices.IndexFunc(v.missed, func(m crdt.Missed) bool { return m.End == c.key }); i >= 0 && c.offset() < k.bound {
		k.lost(excerpt.PrunedSeqs(c.author, v.missed[i].From, v.missed[i].To, c.offset()), noSweep)
	}
	if k.disputed != ShowDisputed {
		s, err := c.signed()
		if err != nil || !k.disputed.Takes(v.disputes(s.Header)) {
			k.bytes += opOverhead
			return nil, &s, err
		}
	}
	op, signed, err := k.read(c)
	if op != nil {
		op.Disputed = v.disputes(signed.Header)
	}
	return op, signed, err
}

// forked reports whether ops of the feed may overlap.
func (v *feedView) forked() bool { return len(v.feed.Branches) > 1 }

// walk finds the ops of a query in the order that it asks for.
type walk interface {
	// fill takes the next ops into the chunk, as excerpts in order, until it is full or there are no
	// more, and reports whether there may be more. A chunk may come back full of none.
	fill(tx *readTx, k *chunk) (more bool, err error)
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
	f, err := tx.openFeed(k, a)
	if err == nil {
		feeds[a] = f
	}
	return f, err
}

func (tx *readTx) openFeed(k *chunk, a crdt.Author) (*openFeed, error) {
	k.bytes += opOverhead // finding a feed takes time too
	feed, err := tx.Feed(a)
	if err != nil {
		return nil, err
	}
	view, err := newFeedView(tx, feed, k.bound)
	if err != nil {
		return nil, err
	}
	return &openFeed{feedView: view, c: tx.opCursor(a)}, nil
}

// lost reports whether a walk of the feed that would go on at seq from does not find what stood there, since it
// was pruned, and tells the chunk of it.
func (f *openFeed) lost(tx *readTx, k *chunk, from uint64) (bool, error) {
	first := f.feed.First()
	if f.c.err != nil || first <= from {
		return false, f.c.err
	}
	sweep := noSweep
	if v := tx.feeds().Get(f.c.author[:]); v != nil {
		kept, err := record.ParseFeed(f.c.author, v)
		if err != nil {
			return false, damagedFeed(f.c.author, err)
		}
		sweep = kept.PruneSweep
	}
	if err := tx.Err(); err != nil {
		return false, err
	}
	k.lost(excerpt.PrunedSeqs(f.c.author, from, first, 0), sweep)
	return true, nil
}

// notFound says what it means that the feed's cursor has not found the op that ends at head, to which a walk has
// come that goes down to seq low: that what stood there was pruned, that the feed may begin above it, or damage.
func (f *openFeed) notFound(tx *readTx, k *chunk, head crdt.Head, low uint64) error {
	if lost, err := f.lost(tx, k, low); lost || err != nil || !f.ordered {
		return err
	}
	return damagedOp(f.c.author, crdt.Key{First: head.Next - min(1, head.Next)}, errMissing)
}

const (
	// chunkSize is about how many bytes of ops one read transaction copies out, and longChunk in a reading that goes
	// on: enough that the transactions cost nothing, little enough that none of them is long.
	chunkSize  = 64 << 10
	longChunk  = 256 << 10
	bufferSize = 64 << 10 // the room in which short ops are together
	// opOverhead is what finding an op or a feed counts for, so that a walk over much that it does
	// not copy ends its transaction too.
	opOverhead = 128
)

// chunk is what one transaction copies out of the file: some ops, in memory of their own, and the
// excerpts that they were merged to. bytes counts what was read, held or not.
type chunk struct {
	bound uint64 // ops from this offset on are not in the snapshot
	size  int    // of bytes, at which the chunk is full
	// disputed says which ops the views take for being disputed or not, and horizon which for having no body.
	disputed Disputed
	horizon  horizon
	verified bool // ops are checked against their hashes, since they go to a peer
	excerpts []excerpt.Excerpt
	memory   excerpt.Memory
	bytes    int
	spare    []*excerpt.Op // what ops of earlier chunks were opened in, to be used again
}

// full reports whether the chunk has reached its size.
func (k *chunk) full() bool { return k.bytes >= k.size }

// reset empties the chunk. What was copied stays with whoever holds it; room that is left is used again.
func (k *chunk) reset() {
	for _, x := range k.excerpts {
		if x.Whole() {
			*x.Op = excerpt.Op{} // so that it does not keep what was copied
			k.spare = append(k.spare, x.Op)
		}
	}
	clear(k.excerpts)
	k.excerpts, k.bytes = k.excerpts[:0], 0
}

// read copies the op that the cursor is at and returns its header too. The op is nil when it is not in
// the snapshot, or has no body and is left out for that.
func (k *chunk) read(c *opCursor) (*excerpt.Op, *crdt.Signed, error) {
	k.bytes += opOverhead
	if came, err := c.came(k.bound); !came {
		s, failed := c.signed()
		return nil, &s, cmp.Or(err, failed)
	}
	o, err := k.open(c)
	if err != nil {
		return nil, nil, err
	}
	if o.Trimmed() && k.horizon.gone != ShowGone {
		sweep := c.value.Sweep()
		if sweep > c.sweep {
			return nil, nil, damagedOp(c.author, c.key, fmt.Errorf("its body went with sweep %d, where the last was %d", sweep, c.sweep))
		}
		if k.horizon.passes(sweep) {
			return nil, &o.Signed, nil
		}
	}
	return o, &o.Signed, nil
}

// open copies the op that the cursor is at.
func (k *chunk) open(c *opCursor) (o *excerpt.Op, err error) {
	if last := len(k.spare) - 1; last >= 0 {
		o, k.spare = k.spare[last], k.spare[:last]
	} else {
		o = new(excerpt.Op)
	}
	at := opAt
	if k.verified {
		at = verifiedAt
	}
	k.bytes += len(c.value)
	op, err := at(c.author, c.key, k.memory.Copy(c.value))
	o.Set(op, c.offset())
	return o, err
}

// lost tells of a hole where the walk stands, which is what the given sweep has taken, 0 for none here.
func (k *chunk) lost(h excerpt.Hole, sweep uint64) {
	if !k.horizon.passes(sweep) {
		k.excerpts = append(k.excerpts, excerpt.Excerpt{Hole: &h})
	}
}
