package node

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/folder"
)

// Renewed is what [NewKey] did.
type Renewed struct {
	// Author writes to the folder's log from now on, Former did before.
	Author, Former crdt.Author
	// FormerKey is the path at which the key of Former is kept.
	FormerKey string
}

// NewKey gives the node in dir, which does not run, a key of its own: its log goes on with another feed, and leaves the
// old one as it is. It is for a copy of a node whose original goes on, see [eventlog.Rekey]. The new key is sealed as
// the old one is. Where a NewKey was killed once the log had changed, this one does what was left to do.
//
// NewKey returns [*InUseError] where a process has the log open, and the errors of [Connect]. One that is killed, or
// fails, has given the log its new key or not: the next that opens the node does the rest, or undoes what was done.
func NewKey(dir string, access Access) (done Renewed, err error) {
	f := folder.Folder(dir)
	cfg, err := readConfig(f)
	if err != nil {
		return done, err
	}
	p := access.Passphrase
	p.File = cmp.Or(p.File, cfg.KeyPassphraseFile)
	p = p.Remembered()
	key, err := f.OpenKey(p)
	if err != nil {
		return done, err
	}
	with := openingOf(cfg, p)
	logger := cmp.Or(access.Logger, slog.New(slog.DiscardHandler))
	log, now, err := openLog(f, key, with, logger)
	if err != nil {
		return done, err
	}
	if !now.Equal(key) {
		return renewed(f, log), log.Close()
	}
	if err := log.Close(); err != nil {
		return done, err
	}
	return with.renew(f, key, logger)
}

// renew gives the log of a folder, whose key is at hand, another one.
func (o opening) renew(f folder.Folder, key ed25519.PrivateKey, logger *slog.Logger) (done Renewed, err error) {
	cfg, err := o.config(f, key, logger)
	if err != nil {
		return done, err
	}
	next, text, err := f.MakeNewKey(o.passphrase)
	if err != nil {
		return done, err
	}
	// What this leaves when it fails is not undone here: without the lock, somebody else may be giving the log a key.
	log, err := eventlog.Rekey(string(f), cfg, next, func() error { return f.KeepNewKey(text) })
	if err != nil {
		return done, inUse(f, err)
	}
	done = renewed(f, log)
	return done, errors.Join(f.TakeNewKey(done.Former), log.Close())
}

// openEither opens a log with the key in cfg, the folder's own, or with the one that a [NewKey] which was killed has
// left beside it, and does what that has left to do. Cfg then has the key that the log has.
func openEither(f folder.Folder, cfg *eventlog.Config, p folder.Passphrase) (*eventlog.Log, error) {
	log, err := eventlog.Open(string(f), *cfg)
	if err == nil {
		if err := f.DropNewKey(); err != nil {
			cfg.Logger.Warn("a key that was never used is left over", "err", err)
		}
		return log, nil
	}
	if !errors.Is(err, eventlog.ErrWrongKey) {
		return nil, err
	}
	key, missing := f.OpenNewKey(p)
	if errors.Is(missing, fs.ErrNotExist) {
		return nil, err
	}
	if missing != nil {
		return nil, fmt.Errorf("%w; %w", err, missing)
	}
	cfg.Key = key
	log, again := eventlog.Open(string(f), *cfg)
	if errors.Is(again, eventlog.ErrWrongKey) {
		return nil, err
	}
	if again != nil {
		return nil, again
	}
	if err := f.TakeNewKey(log.Authors()[1]); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	cfg.Logger.Info("the node has the key that it was to be given", "author", log.Author())
	return log, nil
}

func renewed(f folder.Folder, log *eventlog.Log) Renewed {
	former := log.Authors()[1]
	return Renewed{Author: log.Author(), Former: former, FormerKey: f.FormerKey(former)}
}
