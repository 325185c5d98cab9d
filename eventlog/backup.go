package eventlog

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/internal/copyout"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// ErrNotSince is wrapped by the error of [Log.Backup] where the backup since which one is to be made is not one of this
// log, or holds what has never arrived here.
var ErrNotSince = errors.New("no backup of this log")

// Backup writes a backup of the log to w, of which [restore.Into] makes the log again: all that was held when it began, with
// followers, what they have parked and their state, as of one moment. Others read and write meanwhile, and nobody waits
// for w. What is not written yet is kept from trims and prunes for a while, see [backup.Options].
//
// All that is read is checked. What is damaged is named in the summary by its place, and left out: see
// [backup.Summary.Whole]. The error is ctx's or w's, wraps [ErrNotSince], or says that nothing could be read at all.
func (l *Log) Backup(ctx context.Context, w io.Writer, o backup.Options) (backup.Summary, error) {
	s := l.store
	if err := s.notInside(); err != nil {
		return backup.Summary{}, err
	}
	if err := s.ours.tellOf(ctx, s.author); err != nil {
		return backup.Summary{}, fmt.Errorf("back up %s: %w", s.path, err)
	}
	head := backup.Head{Format: formatVersion, Log: s.id, Author: s.author, Made: s.cfg.Now().UTC()}
	head.Formerly = append(head.Formerly, s.authors[1:]...)
	if since := o.Since; since != nil {
		if since.Log != s.id {
			return backup.Summary{}, fmt.Errorf("back up what %s lacks: %w: it is of log %s, this is %s", since.ID, ErrNotSince, since.Log, s.id)
		}
		if l.Common(since.Incarnation, since.To) != since.To {
			return backup.Summary{}, fmt.Errorf("back up what %s lacks: %w: it has up to offset %d what never arrived here: it is of another node, or of a later state than this folder was put back to; begin with one that is whole by itself",
				since.ID, ErrNotSince, since.To)
		}
		head.Since, head.From = &since.ID, since.To
	}
	h := s.backups.Begin(s.cfg.Now(), o.MaxHold)
	defer s.backups.Drop(h)
	source := copyout.Source{
		View: func(fn func(tx *disk.Tx) error) error { return s.view(func(tx *readTx) error { return fn(tx.Tx) }) },
		Damaged: func(err error) bool {
			_, is := asDamaged(err)
			return is
		},
		Meta: func(tx *disk.Tx) (map[string][]byte, error) { return backedUp(&readTx{Tx: tx}, &head) },
		Head: &head, Hold: h, Pruned: s.prunedSince,
	}
	done, err := source.Write(ctx, w, o)
	if err != nil {
		return backup.Summary{}, fmt.Errorf("back up %s: %w", s.path, err)
	}
	for _, d := range done.Damage {
		if d.Place != nil { // it is known, and can be put back
			_ = s.locate(damagedOp(d.Place.Author, crdt.Key{First: d.Place.Seq}, errors.New(d.What)))
		}
	}
	return done, nil
}

// backedUp returns what meta of the log is to hold once it is restored, and completes the head of the backup.
func backedUp(tx *readTx, h *backup.Head) (map[string][]byte, error) {
	var err error
	if h.To, err = tx.end(); err != nil {
		return nil, err
	}
	if h.Sweep, err = tx.sweep(); err != nil {
		return nil, err
	}
	own, err := tx.Feed(h.Author)
	if err != nil {
		return nil, err
	}
	meta, err := ownend.Copied(tx.Tree(bucketMeta), record.Recovering{Why: uint8(WhyBackup), Detail: "made " + h.Made.Format(time.RFC3339)},
		ownend.Highest(own).Head)
	if err != nil {
		return nil, err
	}
	names, err := tx.readIncarnations(meta[string(metaIncarnation)])
	h.Incarnation = hex.EncodeToString(names.Present[:])
	delete(meta, string(metaIdentity))
	meta[string(metaFormat)] = []byte{formatVersion} // in a backup nothing is late
	return meta, err
}

// prunedSince returns the feeds of which something was pruned since a sweep.
func (s *store) prunedSince(sweep uint64) (all []backup.Pruned) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for a, f := range s.state.Feeds {
		if f.PruneSweep > sweep {
			all = append(all, backup.Pruned{Author: a, Below: f.Feed.First(), Sweep: f.PruneSweep, Leave: f.Feed.Leave.Bytes()})
		}
	}
	slices.SortFunc(all, func(a, b backup.Pruned) int { return a.Author.Compare(b.Author) })
	return all
}
