package eventlog

import (
	"context"
	"errors"
)

// ErrNoIndex is returned by [Log.Index], [Log.CatchUpIndex] and [Log.RebuildIndex] where [Config] says
// NoIndex.
var ErrNoIndex = errors.New("index is off: open the log without NoIndex")

// Index keeps the index of subjects and kinds up to date until ctx ends, and returns ctx's error then.
// It lets up to 1,024 entries gather before it adds them, and its transactions are short: appends do
// not wait for the index. Readers use what there is and scan the rest, so nothing waits for it either.
//
// Entries are added in arrival order, those that arrive late too. An index that is damaged, or of
// another version, is made anew. Other errors end it: [ErrNoIndex], [ErrClosed], a [*DamagedError] where
// the log cannot be read, and those of a commit. Then the index stays where it is, and Index may be
// called again.
func (l *Log) Index(ctx context.Context) error { return l.index.keep(ctx) }

// CatchUpIndex adds to the index all that the log holds, to the last entry. It may be called beside
// [Log.Index], and has the same errors.
func (l *Log) CatchUpIndex(ctx context.Context) error { return l.index.until(ctx, 1) }

// RebuildIndex drops the index and makes it anew, up to all that the log holds. Until it is done,
// readers scan what it has not reached. Its errors are those of [Log.Index]; what it has done by then
// stays, and Index or CatchUpIndex go on with it.
func (l *Log) RebuildIndex(ctx context.Context) error {
	if err := l.index.alter(ctx, func() error { return l.index.drop(ctx) }); err != nil {
		return err
	}
	return l.index.until(ctx, 1)
}

// indexer keeps the index of a log.
type indexer struct {
	store *store
	// slot is full while somebody writes to the index: for one step, which may be a long merge.
	slot chan struct{}
	// dirty says that blocks may be left that no layer names. Who fills the slot reads and writes it.
	dirty bool
}

func newIndexer(s *store) indexer {
	// The process before this one may have been killed.
	return indexer{store: s, slot: make(chan struct{}, 1), dirty: true}
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
			more, err = x.step(ctx, least)
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
	return x.exclusively(ctx, fn)
}

// exclusively runs fn while nobody else uses the slot.
func (x *indexer) exclusively(ctx context.Context, fn func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case x.slot <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-x.slot }()
	return fn()
}

// step does what is to be done next, and reports whether there was something. An index that cannot
// be used is dropped.
func (x *indexer) step(ctx context.Context, least uint64) (more bool, err error) {
	more, err = x.tryStep(ctx, least)
	if !errors.Is(err, errIndex) {
		return more, err
	}
	x.store.logger.Warn("index is made anew", "path", x.store.path, "err", err)
	return true, x.drop(ctx)
}

func (x *indexer) tryStep(ctx context.Context, least uint64) (more bool, err error) {
	layers, err := x.layers()
	if err != nil {
		return false, err
	}
	if x.dirty {
		if err := x.removeStray(ctx, layers); err != nil {
			return false, err
		}
		x.dirty = false
	}
	if last := due(layers); last != nil {
		x.dirty = true // of the old layers, or of a merge that fails
		return true, x.merge(ctx, layers, last)
	}
	return x.extend(ctx, layers, least)
}

// layers returns the layers of the index.
func (x *indexer) layers() (layers []indexLayer, err error) {
	err = x.store.view(func(tx *readTx) error {
		layers, err = tx.indexLayers(x.store.incarnation)
		return err
	})
	return layers, err
}

// drop makes the index an empty one. The blocks are removed by the next step. The caller indexes.
func (x *indexer) drop(ctx context.Context) error {
	x.dirty = true
	return x.write(ctx, func(tx *writeTx) error { return tx.putLayers(nil) })
}

// IndexStatus says how far the index is and what it takes.
type IndexStatus struct {
	// Off says that the index is neither read nor kept, see [Config].
	Off bool
	// Damaged says that it cannot be read: nothing uses it, and [Log.Index] makes it anew.
	Damaged bool
	// Reached is the offset below which everything is indexed, Next that of the next entry to arrive.
	// What lies between is scanned.
	Reached, Next uint64
	// Layers is how many parts a query looks into, Postings how often an op stands in them, and Bytes
	// what they take of the file.
	Layers          int
	Postings, Bytes uint64
}

// IndexStatus returns how far the index is.
func (l *Log) IndexStatus() (IndexStatus, error) { return l.index.status() }

func (x *indexer) status() (IndexStatus, error) {
	s := IndexStatus{Off: x.store.cfg.NoIndex}
	err := x.store.view(func(tx *readTx) error {
		layers, err := tx.indexLayers(x.store.incarnation)
		s.Layers, s.Reached = len(layers), reached(layers)
		s.Next = max(tx.next, s.Reached) // of entries that arrived meanwhile the index may have some
		for _, r := range layers {
			s.Postings += r.postings
			s.Bytes += r.bytes
		}
		return err
	})
	if errors.Is(err, errIndex) {
		s.Damaged, err = true, nil
	}
	return s, err
}
