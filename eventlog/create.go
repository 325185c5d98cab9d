package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/incarnation"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
	"github.com/quipulog/quipu/eventlog/whole"
)

// ErrExists is returned by [Create] when the directory holds a log.
var ErrExists = errors.New("a log exists here")

// ErrOtherLog is returned where a genesis is that of another log.
var ErrOtherLog = errors.New("genesis belongs to another log")

// Birth says which log a directory is to hold: one that begins here, by its genesis, or one that is joined,
// by its id alone. The genesis of a joined log comes later, with [Log.SetGenesis].
type Birth struct {
	Genesis *crdt.Genesis
	Log     crdt.LogID // may be zero when Genesis is given
	// UsedKey says that the key may have been used in this log before, in another folder. Then the log begins in the
	// state of [WhyKey]: nobody here knows what was written, and it does not go on unasked. No key was used in a log
	// that begins here, of which the genesis has just been made.
	UsedKey bool
}

func (b Birth) id() (crdt.LogID, error) {
	if b.Genesis == nil {
		if b.Log.IsZero() {
			return crdt.LogID{}, errors.New("neither a genesis nor the id of a log is given")
		}
		return b.Log, nil
	}
	id := b.Genesis.Log()
	if !b.Log.IsZero() && b.Log != id {
		return crdt.LogID{}, fmt.Errorf("%w: it is that of %s, not of %s", ErrOtherLog, id, b.Log)
	}
	return id, nil
}

// Create makes dir, if it is not there, and a log in it, and opens the log. It never opens a log that
// exists: see [ErrExists].
//
// The file is made under another name and gets its own when it is whole, so that a crash, or an error of the
// disk, leaves either no log or an empty one. What a crash leaves besides is removed by the next [Open].
func Create(dir string, birth Birth, cfg Config) (*Log, error) {
	if err := cfg.withDefaults().validate(); err != nil {
		return nil, err
	}
	id, err := birth.id()
	if err != nil {
		return nil, fmt.Errorf("create log in %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	path := filepath.Join(dir, fileName)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = ErrExists
		}
		return nil, fmt.Errorf("create log in %s: %w", dir, err)
	}
	err = disk.Create(path, func(tx *disk.Tx) error { return populate(tx, id, birth, cfg) })
	if errors.Is(err, fs.ErrExist) {
		err = ErrExists
	}
	if err == nil {
		err = whole.SyncFolder(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("create log in %s: %w", dir, err)
	}
	l, err := Open(dir, cfg)
	if err != nil {
		return nil, err
	}
	if err := l.store.exclusively(context.Background(), l.store.ours.keepIdentity); err != nil {
		return nil, fmt.Errorf("an empty log is in %s now, and which file it has is not on record: %w", dir, errors.Join(err, l.Close()))
	}
	return l, nil
}

// populate writes what an empty log holds.
func populate(tx *disk.Tx, id crdt.LogID, birth Birth, cfg Config) error {
	if err := schema.Make(tx.Root()); err != nil {
		return err
	}
	author, first := crdt.AuthorOf(cfg.Key), incarnation.New()
	pairs := map[string][]byte{
		string(metaFormat): {formatVersion}, string(metaLog): id[:], string(metaAuthor): author[:], string(metaIncarnation): first[:],
	}
	if birth.Genesis != nil {
		pairs[string(metaGenesis)] = birth.Genesis.Encode()
	}
	meta := tx.Tree(bucketMeta)
	var err error
	for k, v := range pairs {
		err = errors.Join(err, meta.Put([]byte(k), v))
	}
	if birth.UsedKey { // others may hold what it has written
		why := record.Recovering{Why: uint8(WhyKey), Since: cfg.withDefaults().Now()}
		err = errors.Join(err, ownend.Begin(meta, why, nil, crdt.Head{}), ownend.Tell(meta))
	}
	return err
}

// SetGenesis keeps what the log began with, once that is known. It returns [ErrOtherLog] for the genesis of
// another log.
func (l *Log) SetGenesis(g crdt.Genesis) error {
	if g.Log() != l.store.id {
		return fmt.Errorf("set genesis: %w: it is that of %s, not of %s", ErrOtherLog, g.Log(), l.store.id)
	}
	if _, known := l.Genesis(); known {
		return nil
	}
	return l.store.exclusively(context.Background(), func(tx *writeTx) error {
		tx.genesis = &g
		return tx.Tree(bucketMeta).Put(metaGenesis, g.Encode())
	})
}
