package eventlog

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// ErrKeyUsed is returned by [Rekey] for a key with which entries were written that are held here.
var ErrKeyUsed = errors.New("key has a feed already")

// Rekey opens the log in dir as [Open] does, cfg.Key being the key that it has, and makes it that of another author: from
// then on it opens with key alone. It is for a folder whose feed cannot go on here, since its original, or another copy
// of it, goes on with it. The feed stays as it is, as the feeds of others are; it is remembered who wrote here, see
// [Log.Authors]. Whatever kept the log from appending is over, its arrivals have a new name, see [Log.Incarnation], and
// the new feed begins with an entry of kind [RecoverKind]. That names why ("new key" where nothing did), the former
// author, and as end where its feed ends here:
//
//	{"why":"second writer","from":{"next":10,"op":"…"},"end":{"next":12,"op":"…"},"former":"…"}
//
// keep is called while the log is locked and nothing has changed yet: it keeps key where the next start finds it. A
// crash after it leaves the log of one of both keys, whole: [ErrWrongKey] says that it is the other's. The log that is
// returned is open under key. Ops at the end of the old feed that cannot be read are given up, and may come back.
//
// Rekey returns [ErrKeyUsed], the errors of [Open] and of keep, and those of a commit: with an [*UncertainError] either
// key may be the log's.
func Rekey(dir string, cfg Config, key ed25519.PrivateKey, keep func() error) (*Log, error) {
	l, err := Open(dir, cfg)
	if err != nil {
		return nil, err
	}
	to := cfg
	to.Key = key
	if err = to.withDefaults().validate(); err == nil {
		err = l.rekey(key, keep)
	}
	// Who the author is never changes under a log: this one is given up, and another goes on with its file.
	fresh := newLog(l.store.path, to.withDefaults())
	if fresh.store.file = l.store.file; err == nil {
		if err = fresh.begun(context.Background(), false); err != nil {
			err = &UncertainError{Err: err, visible: true}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("give the log a new author: %w", errors.Join(err, l.Close()))
	}
	return fresh, nil
}

// rekey makes the file that of another key. Nobody but [Rekey] has the log, which is good for nothing after.
func (l *Log) rekey(key ed25519.PrivateKey, keep func() error) error {
	s, author := l.store, crdt.AuthorOf(key)
	if held := s.feed(author); s.authors.Own(author) || !held.IsZero() {
		return fmt.Errorf("%w: that of author %s", ErrKeyUsed, author)
	}
	end := s.ours.ownEnd()
	up := record.TakenUp{Why: "new key", From: end, End: end, Former: &s.authors[0]}
	if state := s.own.recovering; state != nil {
		up.Why, up.From = state.Why.String(), state.Own
	}
	var err error
	if s.own.second != nil || s.own.forked != nil {
		up.Why = "second writer"
		err = s.view(func(tx *readTx) (err error) {
			up.From, err = tx.ownEnd()
			return err
		})
	}
	if err == nil {
		err = keep()
	}
	if err != nil {
		return err
	}
	return s.exclusively(context.Background(), func(tx *writeTx) error {
		tx.arrivals.Tree() // what is late is of whoever writes here
		if s.own.recovering.headless() {
			if err := s.ours.giveUp(tx); err != nil {
				return err
			}
		}
		s.author, s.cfg.Key, s.own = author, key, ownEnd{told: s.own.told, identity: s.own.identity}
		meta := tx.Tree(bucketMeta)
		err := errors.Join(meta.Put(metaAuthor, author[:]), meta.Put(metaFormerly, s.authors.Encode()), tx.beginIncarnation(tx.next),
			s.ours.keepIdentity(tx), ownend.Forget(meta))
		if err == nil {
			_, err = tx.appendTakenUp(up)
		}
		return err
	})
}
