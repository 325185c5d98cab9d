package eventlog

import (
	"context"
	"errors"
)

// ErrNoIndex is returned by [Log.Index], [Log.CatchUpIndex] and [Log.RebuildIndex] where [Config] says
// NoIndex.
var ErrNoIndex = errors.New("index is off: open the log without NoIndex")

// indexing is what whoever writes to the index shares with others who would.
type indexing struct {
	// slot is full while somebody writes to the index: for one step, which may be a long merge.
	slot chan struct{}
	// dirty says that blocks may be left that no layer names. Who fills the slot reads and writes it.
	dirty bool
}

func newIndexing() indexing {
	// The process before this one may have been killed.
	return indexing{slot: make(chan struct{}, 1), dirty: true}
}

// exclusively runs fn while nobody else uses the slot.
func (i *indexing) exclusively(ctx context.Context, fn func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case i.slot <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-i.slot }()
	return fn()
}

// Index keeps the index of subjects and kinds up to date until ctx ends, and returns ctx's error then.
// It lets up to 1,024 entries gather before it adds them, and its transactions are short: appends do
// not wait for the index. Readers use what there is and scan the rest, so nothing waits for it either.
//
// Entries are added in arrival order, those that arrive late too. An index that is damaged, or of
// another version, is made anew. Other errors end it: [ErrNoIndex], [ErrClosed], a [*DamagedError] where
// the log cannot be read, and those of a commit. Then the index stays where it is, and Index may be
// called again.
func (l *Log) Index(ctx context.Context) error {
	for {
		changed := l.Changed()
		if err := l.indexUntil(ctx, indexLeast); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// CatchUpIndex adds to the index all that the log holds, to the last entry. It may be called beside
// [Log.Index], and has the same errors.
func (l *Log) CatchUpIndex(ctx context.Context) error { return l.indexUntil(ctx, 1) }

// RebuildIndex drops the index and makes it anew, up to all that the log holds. Until it is done,
// readers scan what it has not reached. Its errors are those of [Log.Index]; what it has done by then
// stays, and Index or CatchUpIndex go on with it.
func (l *Log) RebuildIndex(ctx context.Context) error {
	err := l.alter(ctx, func() error { return l.dropIndex(ctx) })
	if err != nil {
		return err
	}
	return l.CatchUpIndex(ctx)
}

// indexUntil takes step after step until fewer than least entries are not indexed.
func (l *Log) indexUntil(ctx context.Context, least uint64) error {
	for more := true; more; {
		err := l.alter(ctx, func() (err error) {
			more, err = l.indexStep(ctx, least)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// alter runs fn while nobody else writes to the index.
func (l *Log) alter(ctx context.Context, fn func() error) error {
	if l.store.cfg.NoIndex {
		return ErrNoIndex
	}
	if err := l.store.notInside(); err != nil {
		return err
	}
	return l.index.exclusively(ctx, fn)
}

// indexStep does what is to be done next, and reports whether there was something. An index that cannot
// be used is dropped.
func (l *Log) indexStep(ctx context.Context, least uint64) (more bool, err error) {
	more, err = l.tryIndexStep(ctx, least)
	if !errors.Is(err, errIndex) {
		return more, err
	}
	l.store.logger.Warn("index is made anew", "path", l.store.path, "err", err)
	return true, l.dropIndex(ctx)
}

func (l *Log) tryIndexStep(ctx context.Context, least uint64) (more bool, err error) {
	layers, err := l.layers()
	if err != nil {
		return false, err
	}
	if l.index.dirty {
		if err := l.removeStray(ctx, layers); err != nil {
			return false, err
		}
		l.index.dirty = false
	}
	if last := due(layers); last != nil {
		l.index.dirty = true // of the old layers, or of a merge that fails
		return true, l.mergeLayers(ctx, layers, last)
	}
	return l.extendIndex(ctx, layers, least)
}

// layers returns the layers of the index.
func (l *Log) layers() (layers []indexLayer, err error) {
	err = l.store.view(func(tx *readTx) error {
		layers, err = tx.indexLayers(l.store.incarnation)
		return err
	})
	return layers, err
}

// dropIndex makes the index an empty one. The blocks are removed by the next step. The caller indexes.
func (l *Log) dropIndex(ctx context.Context) error {
	l.index.dirty = true
	return l.writeIndex(ctx, func(tx *writeTx) error { return tx.putLayers(nil) })
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
func (l *Log) IndexStatus() (IndexStatus, error) {
	s := IndexStatus{Off: l.store.cfg.NoIndex}
	err := l.store.view(func(tx *readTx) error {
		layers, err := tx.indexLayers(l.store.incarnation)
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
