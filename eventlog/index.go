package eventlog

import (
	"context"
	"errors"

	"github.com/quipulog/quipu/eventlog/internal/choice"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
	"github.com/quipulog/quipu/eventlog/internal/postings"
	"github.com/quipulog/quipu/eventlog/internal/queue"
)

// ErrNoIndex is returned by [Log.Index], [Log.CatchUpIndex] and [Log.RebuildIndex] where [Config] says NoIndex.
var ErrNoIndex = errors.New("index is off: open the log without NoIndex")

// Index keeps the index of subjects and kinds up to date until ctx ends, and then returns ctx's error. It
// adds entries once 1,024 have gathered, in short transactions: appends do not wait for the index. Nor do
// readers: they use what is indexed and scan the rest.
//
// Entries are indexed in arrival order, those that arrive late too. An index that is damaged, or of another
// version, is made anew. Other errors end Index: [ErrNoIndex], [ErrClosed], a [*DamagedError] where the log
// cannot be read, and those of a commit. What is indexed by then stays, and Index may be called again.
func (l *Log) Index(ctx context.Context) error { return l.index.keep(ctx) }

// CatchUpIndex indexes all that the log holds, to the last entry. It may run beside [Log.Index], and
// returns the same errors.
func (l *Log) CatchUpIndex(ctx context.Context) error { return l.index.until(ctx, 1) }

// RebuildIndex drops the index and makes it anew for all that the log holds. Meanwhile readers scan what is
// not indexed yet. Errors are those of [Log.Index]; what is indexed by then stays, and Index or
// CatchUpIndex go on from there.
func (l *Log) RebuildIndex(ctx context.Context) error {
	if err := l.index.alter(ctx, func() error { return l.index.postings.Drop(ctx) }); err != nil {
		return err
	}
	return l.index.until(ctx, 1)
}

// indexer keeps the index of a log.
type indexer struct {
	store *store
	// slot is full while somebody writes to the index: for one step, which may be a long merge.
	slot     queue.Slot
	postings *postings.Index // of who fills the slot: the offsets of the ops that have an entry with a text
}

func newIndexer(s *store) *indexer {
	x := &indexer{store: s, slot: queue.NewSlot()}
	x.postings = &postings.Index{
		Incarnation: s.origin,
		View: func(fn func(*disk.Tree) error) error {
			return s.view(func(tx *readTx) error { return fn(tx.Tree(bucketIndex)) })
		},
		Write: func(ctx context.Context, fn func(*disk.Tree) error) error {
			return s.exclusively(ctx, func(tx *writeTx) error { return fn(tx.Tree(bucketIndex)) })
		},
		Held: func() (bound, sweep uint64, err error) {
			now, err := s.snapshot()
			return now.Bound, now.Sweep, err
		},
		Texts: x.eachText,
		Anew:  func(why error) { s.logger.Warn("index is made anew", "path", s.path, "err", why) },
	}
	return x
}

// keep indexes what arrives until ctx ends, see [Log.Index].
func (x *indexer) keep(ctx context.Context) error {
	for {
		changed := x.store.changes()
		if err := x.until(ctx, indexLeast); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// until takes step after step until fewer than least entries are not indexed.
func (x *indexer) until(ctx context.Context, least uint64) error {
	for more := true; more; {
		err := x.alter(ctx, func() (err error) {
			more, err = x.postings.Step(ctx, least)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// alter runs fn while nobody else writes to the index.
func (x *indexer) alter(ctx context.Context, fn func() error) error {
	if x.store.cfg.NoIndex {
		return ErrNoIndex
	}
	if err := x.store.notInside(); err != nil {
		return err
	}
	if err := x.slot.Take(ctx); err != nil {
		return err
	}
	defer x.slot.Leave()
	return fn()
}

// eachText calls add with the texts that the ops are found by which arrived from an offset on, where one begins,
// op by op, until most entries or all below bound have been read, and returns the offset after the last of them. Ops without a
// body have none. It holds no transaction while add runs.
func (x *indexer) eachText(ctx context.Context, from, bound, most uint64, add func(class byte, text string, offset uint64)) (to uint64, err error) {
	w := newArrivalWalk(&choice.Filter{}, false, nil, bound)
	w.from = from
	var u unpacker
	k := chunk{bound: bound, size: chunkSize, memory: excerpt.Memory{Room: bufferSize}, horizon: skipsGone()}
	for more := true; more && w.from-from < most; {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		k.reset()
		err := x.store.view(func(tx *readTx) (err error) {
			more, err = w.fill(tx, &k)
			return err
		})
		if err != nil {
			return 0, err
		}
		for i := range k.excerpts {
			part := &k.excerpts[i]
			_, err := u.each(part, false, func() bool {
				add(classSubject, u.e.Subject, part.Op.Offset)
				add(classKind, u.e.Kind, part.Op.Offset)
				return true
			})
			if err != nil {
				return 0, x.store.locate(err)
			}
		}
		if !more {
			return bound, nil
		}
	}
	return w.from, nil
}

// IndexStatus says how far the index reaches and how much it takes.
type IndexStatus struct {
	// Off says that the index is neither read nor kept, see [Config].
	Off bool
	// Damaged says that the index cannot be read: nothing uses it, and [Log.Index] makes it anew.
	Damaged bool
	// Reached is the offset below which everything is indexed, Next the offset of the next entry to arrive.
	// What lies between is scanned.
	Reached, Next uint64
	// Layers is how many parts a query looks into, Postings how often ops stand in them, and Bytes what
	// they take of the file.
	Layers          int
	Postings, Bytes uint64
}

// IndexStatus returns how far the index reaches.
func (l *Log) IndexStatus() (IndexStatus, error) {
	s := IndexStatus{Off: l.store.cfg.NoIndex}
	err := l.store.view(func(tx *readTx) error {
		layers, err := postings.Read(tx.Tree(bucketIndex), l.store.origin)
		s.Layers, s.Reached = len(layers), layers.Reached()
		s.Next = max(tx.next, s.Reached) // of entries that arrived meanwhile the index may have some
		for _, r := range layers {
			s.Postings += r.Postings
			s.Bytes += r.Bytes
		}
		return err
	})
	if errors.Is(err, postings.ErrDamaged) {
		s.Damaged, err = true, nil
	}
	return s, err
}
