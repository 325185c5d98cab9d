package eventlog

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/arrivals"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/holes"
	"github.com/quipulog/quipu/eventlog/internal/identity"
	"github.com/quipulog/quipu/eventlog/internal/ids"
	"github.com/quipulog/quipu/eventlog/internal/incarnation"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// writeTx is the one transaction that writes. What it changes is staged beside the log's state and
// published when the commit has returned; whoever rolls it back has nothing to undo.
type writeTx struct {
	readTx
	store   *store
	id      int64
	now     time.Time
	staged  uint64 // offset after the last entry, of those that the transaction adds too
	added   int    // ops
	begun   int    // feeds
	taken   uint64 // room, by feeds of others
	changed map[crdt.Author]*record.Feed

	// inside names the author of the feed whose part of the file is being touched; zero for other parts.
	inside   *crdt.Author
	written  map[crdt.Author]*disk.Tree // the ops of the feeds that are written to
	values   *[]byte                    // what ops were put as, and room for others: see room
	arrivals arrivals.Writer
	key      [40]byte // of the op that is put last

	// drafts wait for the op that will hold them.
	drafts     []crdt.Draft
	draftBytes int
	base       uint64     // seq of the first of them
	first      crdt.Place // of what was appended: one after the other from there on
	appended   int        // entries
	size       int        // of these, in bytes
	named      *ids.Ours
	floor      uint64    // that the next op signs; 0 for the one of the op before it
	began      time.Time // when this transaction has begun a stretch, see times.go; zero if it has not
	ownSweep   uint64    // the number of this transaction as a sweep; 0 when it is none
	genesis    *crdt.Genesis
	// incarnations are the names of the arrivals once the transaction lets them begin anew; nil when it does not.
	incarnations *incarnation.Names
	own          ownChange
	filled       []holes.Filled
}

// ownChange is what a transaction changes of what is known of the end of our own feed: nil where it changes nothing.
type ownChange struct {
	second *crdt.Signed // an op of our own that contradicts what was written here
	begins *RecoveringError
	ends   *RecoveringError // the state that is over, and on whose word
	by     Recovery
	told   bool // others know of this log, or are about to
	// identity is what the file is on its file system.
	identity *identity.Identity
}

// writable says why nothing can be written, or nil.
func (s *store) writable() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	} else if s.cfg.ReadOnly {
		return fmt.Errorf("%w: %s", ErrOpenedReadOnly, s.path)
	}
	return s.frozen
}

func (s *store) beginWrite() (*writeTx, error) {
	begun, err := s.begin(true)
	if err != nil {
		return nil, err
	}
	tx := &writeTx{
		readTx: readTx{Tx: begun}, store: s, inside: new(crdt.Author), id: begun.ID(), now: s.cfg.Now(),
		changed: make(map[crdt.Author]*record.Feed), written: make(map[crdt.Author]*disk.Tree),
	}
	s.mu.RLock()
	tx.staged, tx.pruneSweep = s.state.Next, s.state.PruneSweep
	s.mu.RUnlock()
	tx.drafts, tx.values, tx.arrivals = s.leftover.drafts, &s.leftover.values, arrivals.NewWriter(begun, tx, &s.leftover.late)
	if *tx.values = (*tx.values)[:0]; cap(*tx.values) > maxLeftover {
		*tx.values = nil
	}
	tx.next, tx.most, tx.lastSweep = tx.staged, crdt.MaxSeq, math.MaxUint64
	return tx, nil
}

// feedState returns what is kept of a's feed, what is staged included. The caller does not write to it.
func (tx *writeTx) feedState(a crdt.Author) *record.Feed {
	if f := tx.changed[a]; f != nil {
		return f
	}
	tx.store.mu.RLock()
	defer tx.store.mu.RUnlock()
	if f := tx.store.state.Feeds[a]; f != nil {
		return f
	}
	return &record.Feed{Feed: crdt.Feed{Author: a}}
}

// edit returns what is kept of a's feed for changing.
func (tx *writeTx) edit(a crdt.Author) *record.Feed {
	f := tx.changed[a]
	if f == nil {
		f = tx.feedState(a).Clone()
		tx.changed[a] = f
	}
	return f
}

// Late returns what is kept of our own feed for changing, nil where nothing of it is late.
func (tx *writeTx) Late() *record.Feed {
	if tx.feedState(tx.store.author).Late.Ops == 0 {
		return nil
	}
	return tx.edit(tx.store.author)
}

// Committed runs fn in a transaction that reads what was committed last.
func (tx *writeTx) Committed(fn func(tx *disk.Tx) error) error {
	return tx.store.reading(func(r *readTx) error { return fn(r.Tx) })
}

// Feed returns what is held of a's feed, what is staged included.
func (tx *writeTx) Feed(a crdt.Author) (crdt.Feed, error) { return tx.feedState(a).Feed, nil }

// ids returns the ids of our entries.
func (tx *writeTx) ids() *ids.Ours {
	if tx.named == nil {
		tx.named = &ids.Ours{
			Tx: tx.Tx, Authors: tx.store.authors, First: func(a crdt.Author) uint64 { return tx.feedState(a).Feed.First() },
			Damaged: func(err error) error { return &DamagedError{What: "the ids of what was appended here", Err: err} },
		}
	}
	return tx.named
}

// beginSweep numbers the transaction, which forgets something. Sweeps are numbered so that a reading can tell what
// went while it was under way from what was gone before.
func (tx *writeTx) beginSweep() error {
	last, err := tx.sweep()
	if err != nil {
		return err
	}
	tx.ownSweep = last + 1
	return tx.Tree(bucketMeta).Put(metaSweep, binary.BigEndian.AppendUint64(nil, tx.ownSweep))
}

// room returns memory for a value of so many bytes, which the file keeps until the transaction ends.
func (tx *writeTx) room(size int) []byte {
	b := tx.values
	if cap(*b)-len(*b) < size {
		*b = make([]byte, 0, max(size, 2*cap(*b))) // what is in use of the other stays as long as it is
	}
	*b = (*b)[:len(*b)+size]
	return (*b)[len(*b)-size : len(*b)-size : len(*b)]
}
