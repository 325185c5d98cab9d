package cords

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// bucket is where the projection is, beside the log. It is the log's own. Each value ends with its CRC-32C.
//
//	0            → form (1) ‖ cursor (8) ‖ incarnation: up to which offset of which arrivals all is counted
//	1 ‖ id (2)   → entries (8) ‖ kind
//	2            → the record of the log as a whole, whose seqs are offsets
//	3 ‖ author   → his record
const bucket = crdt.ReservedPrefix + "cords"

const (
	headKey = iota
	kindKey
	wholeKey
	authorKey
)

const headForm = 1

// pause is how long the follower waits before it looks again, so that its commits are few beside those that it follows.
const pause = 250 * time.Millisecond

// Projection is the cords of a log. Its methods may be called by many goroutines at once.
type Projection struct {
	log *eventlog.Log
	// keeping is held by who brings the projection forward, and comes before mu, which is held for writing while that is
	// committed, and for reading while it is read: so what is read is of one moment.
	keeping sync.Mutex
	mu      sync.RWMutex
	// spoilt says that a record is not what was written.
	spoilt atomic.Bool
}

// Of returns the cords of a log. Nothing is read or kept yet.
func Of(log *eventlog.Log) *Projection { return &Projection{log: log} }

// Keep counts what arrives until ctx ends, and then returns ctx's error. It writes once 1,024 entries have gathered, in
// short transactions, for which nobody waits: see [Projection.Read]. A projection that is damaged, or of arrivals that
// are no longer these, is made anew. Other errors end Keep: those of Log.Entries, and those of a commit. What is counted
// stays, and Keep may be called again.
func (p *Projection) Keep(ctx context.Context) error {
	for {
		changed := p.log.Changed()
		if err := p.until(ctx, stepLeast); err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// CatchUp counts all that the log holds, to the last entry. It may run beside [Projection.Keep], and returns the same errors.
func (p *Projection) CatchUp(ctx context.Context) error { return p.until(ctx, 1) }

// until takes step after step until fewer than least entries are not counted.
func (p *Projection) until(ctx context.Context, least uint64) error {
	p.keeping.Lock()
	defer p.keeping.Unlock()
	for more := true; more; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var err error
		if more, err = p.step(ctx, least); err != nil {
			return err
		}
	}
	return nil
}

// step brings the projection forward, unless fewer than least entries are not counted.
//
// A crash at any point of it finds the records as they were or as they are to be, and the cursor with them.
func (p *Projection) step(ctx context.Context, least uint64) (more bool, err error) {
	at, err := p.head(ctx)
	if err != nil {
		return false, err
	}
	if p.spoilt.Swap(false) || at.anew && at.next >= least {
		return true, p.begin(ctx)
	}
	if at.next-at.cursor < least {
		return false, nil
	}
	g, err := gather(ctx, p.log, at.cursor, at.next, stepMost, stepAuthors)
	if err != nil && g.to == g.from {
		return false, err
	}
	written, failed := p.counted(ctx, g)
	if failed != nil {
		return false, failed
	}
	return true, p.commit(ctx, written)
}

// begin makes the projection anew, which counts nothing.
func (p *Projection) begin(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Update(ctx, func(tx *eventlog.Tx) error {
		b := tx.Bucket(bucket)
		for key := range b.Ascend(nil) {
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		return b.Put([]byte{headKey}, p.encodeHead(0))
	})
}

// head is up to where the projection counts, or that it is to be made anew; and the offset of the next entry.
type head struct {
	cursor, next uint64
	anew         bool
}

// head returns up to where the projection counts now.
func (p *Projection) head(ctx context.Context) (at head, err error) {
	err = p.log.View(ctx, func(tx *eventlog.ReadTx) error {
		at = p.headIn(tx)
		return nil
	})
	return at, err
}

func (p *Projection) encodeHead(cursor uint64) []byte {
	return seal(append(binary.BigEndian.AppendUint64([]byte{headForm}, cursor), p.log.Incarnation()...), 0)
}

func (p *Projection) headIn(tx *eventlog.ReadTx) head {
	b, err := unseal(tx.Bucket(bucket).Get([]byte{headKey}))
	if err != nil || len(b) < 9 || b[0] != headForm {
		return head{next: tx.Next(), anew: true}
	}
	cursor := binary.BigEndian.Uint64(b[1:])
	if cursor > tx.Next() || p.log.Common(string(b[9:]), cursor) != cursor {
		return head{next: tx.Next(), anew: true}
	}
	return head{cursor: cursor, next: tx.Next()}
}

// write is a key and its value.
type write struct{ key, value []byte }

// counted returns what is to be written when all that was gathered is counted.
func (p *Projection) counted(ctx context.Context, g *gathered) (writes []write, err error) {
	err = p.log.View(ctx, func(tx *eventlog.ReadTx) error {
		b := tx.Bucket(bucket)
		all, err := readKinds(b)
		if err != nil {
			return err
		}
		known := slices.Clone(all.counts)
		for a := range g.authors {
			r := newRecord()
			key := recordKey(a)
			if err := r.read(b.Get(key)); err != nil {
				return err
			}
			g.count(a, &r, all)
			r.forget(p.log.Feed(a).First())
			writes = append(writes, write{key, r.encode(nil)})
		}
		whole := newWhole()
		if err := whole.read(b.Get([]byte{wholeKey})); err != nil {
			return err
		}
		g.countWhole(&whole, all)
		writes = append(writes, write{[]byte{wholeKey}, whole.encode(nil)})
		for i, n := range all.counts {
			if i >= len(known) || n != known[i] {
				key := binary.BigEndian.AppendUint16([]byte{kindKey}, uint16(i+1))
				writes = append(writes, write{key, seal(append(binary.BigEndian.AppendUint64(nil, n), all.names[i]...), 0)})
			}
		}
		return nil
	})
	if errors.Is(err, errRecord) {
		p.spoilt.Store(true) // the next step makes it anew
		return nil, nil
	}
	return append(writes, write{[]byte{headKey}, p.encodeHead(g.to)}), err
}

// commit writes.
func (p *Projection) commit(ctx context.Context, writes []write) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.log.Update(ctx, func(tx *eventlog.Tx) error {
		b := tx.Bucket(bucket)
		for _, w := range writes {
			if err := b.Put(w.key, w.value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the cords: %w", err)
	}
	return nil
}

// recordKey returns where the record of an author is.
func recordKey(a crdt.Author) []byte { return append([]byte{authorKey}, a[:]...) }

// read reads a record with its cells; of none it makes the empty one.
func (r *record) read(b []byte) error {
	if b == nil {
		return nil
	}
	if err := r.decode(b); err != nil {
		return err
	}
	return r.open()
}

// readKinds reads the kinds that are told apart.
func readKinds(b *eventlog.ReadBucket) (*kinds, error) {
	all := newKindTable()
	for key, value := range b.Ascend([]byte{kindKey}) {
		if key[0] != kindKey {
			break
		}
		value, err := unseal(value)
		if err != nil || len(key) != 3 || len(value) < 9 || len(all.names) == math.MaxUint16 || !bytes.Equal(key[1:], binary.BigEndian.AppendUint16(nil, uint16(len(all.names)+1))) {
			return nil, errRecord
		}
		all.learn(string(value[8:]), binary.BigEndian.Uint64(value))
	}
	return all, nil
}
