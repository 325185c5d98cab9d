package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/identity"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// RecoverKind is the kind of the entry that says why and from where on a feed was taken up again, and on whose word:
//
//	{"why":"older","from":{"next":10,"op":"…"},"end":{"next":25,"op":"…"},"asked":["…"],"missing":["…"],"without":["…"],"alone":true}
//
// from is where the feed ended in the folder when that was not known to be its end; it has no op where the folder held
// nothing of the feed. end is where the feed was taken up: the entry itself stands there. The rest is of [Recovery].
// One that begins the feed of a new author names the former one, too: see [Rekey].
const RecoverKind = "quipu.recover"

// beginAppending is called before a transaction first appends. A log that goes on at once does so here, on record:
// the transaction that appends the entry has it, too.
func (tx *writeTx) beginAppending() error {
	if tx.ends != nil {
		return nil
	}
	if err := tx.store.appendable(); err != nil {
		return err
	}
	state := tx.store.recovering
	if state == nil || state.Why.Soft() && tx.store.cfg.Peers == nil {
		return nil
	}
	end, _, _ := ownHead(tx.feedState(tx.store.author).Feed)
	_, err := tx.takeUp(state, Recovery{End: end, Alone: true})
	tx.appended = 0 // of its caller's, nothing is
	return err
}

// again returns nil when what an append has failed with is that the log was recovering, the configuration says that
// appends wait for that, and it is over; else why not.
func (s *store) again(ctx context.Context, err error) error {
	if !errors.Is(err, ErrRecovering) || !s.cfg.WaitRecovering {
		return err
	}
	for {
		changed := s.changes()
		if s.isClosed() || !errors.Is(s.appendable(), ErrRecovering) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// takeUp ends the state on record, and returns the place of the entry that says so; none after a soft reason.
func (tx *writeTx) takeUp(state *RecoveringError, r Recovery) (crdt.Place, error) {
	meta := tx.Tree(bucketMeta)
	for _, key := range [][]byte{metaWhy, metaRecovering, metaOwnEnd} {
		if err := meta.Remove(key); err != nil {
			return crdt.Place{}, fmt.Errorf("forget that the end of our own feed was not known: %w", err)
		}
	}
	if tx.begins, tx.ends = nil, (&ending{state: state, by: r}); !state.kept {
		if err := tx.beginIncarnation(tx.next); err != nil {
			return crdt.Place{}, err
		}
	}
	if err := tx.keepIdentity(); err != nil {
		return crdt.Place{}, err
	}
	if state.headless() {
		if err := tx.giveUp(r.End); err != nil {
			return crdt.Place{}, err
		}
	}
	if state.Why.Soft() {
		return crdt.Place{}, nil
	}
	payload, err := record.TakenUp{
		Why: state.Why.String(), From: state.Own, End: r.End, Asked: r.Asked, Missing: r.Missing, Without: r.Without, Alone: r.Alone,
	}.Payload()
	if err != nil {
		return crdt.Place{}, err
	}
	draft, err := tx.store.draft(crdt.Event{Kind: RecoverKind, Payload: payload})
	if err != nil {
		return crdt.Place{}, err
	}
	return tx.append(&draft)
}

// begin puts on record that from here on the log may not know the end of its own feed, and lets its arrivals begin
// anew: below offset they are those that were told of before. What the file is now goes on record, too: should it be
// another one later, the arrivals begin anew once more.
//
// A crash before the commit leaves nothing of it: what showed it is met again.
func (tx *writeTx) begin(state RecoveringError, offset uint64) error {
	meta := tx.Tree(bucketMeta)
	state.kept, tx.begins = true, &state
	if err := errors.Join(tx.beginIncarnation(offset), tx.keepIdentity()); err != nil {
		return err
	}
	err := meta.Put(metaWhy, record.Recovering{Why: uint8(state.Why), Since: state.Since, Detail: state.Detail}.Encode())
	if err == nil && state.Op != nil {
		err = meta.Put(metaRecovering, state.Op.Bytes())
	}
	if err == nil && !state.Why.Soft() {
		err = tx.keepOwnEnd(state.Own)
	}
	if err != nil {
		return fmt.Errorf("record that the end of our own feed is not known: %w", err)
	}
	return nil
}

// keepOwnEnd puts on record where our own writing ended.
func (tx *writeTx) keepOwnEnd(end crdt.Head) error {
	if end == (crdt.Head{}) {
		return nil // nothing was written
	}
	b := record.OpKey(crdt.Key{First: end.Next, ID: end.ID})
	return tx.Tree(bucketMeta).Put(metaOwnEnd, b[:])
}

// keepBegun records the state that was found when the log was opened, and what the file is where that is not
// known: opening alone writes nothing.
func (tx *writeTx) keepBegun() error {
	if tx.store.identity == (identity.Identity{}) && tx.identity == nil {
		if err := tx.keepIdentity(); err != nil {
			return err
		}
	}
	state := tx.store.recovering
	if state == nil || state.kept || tx.begins != nil || tx.ends != nil {
		return nil
	}
	if state.headless() {
		tx.edit(tx.store.author) // where it ends now is to stand in the file
	}
	return tx.begin(*state, tx.next)
}

// keepIdentity puts on record what the file is on its file system, and so what it is known by when it is opened again.
func (tx *writeTx) keepIdentity() error {
	is, err := tx.store.file.Identity()
	if err != nil || is == (identity.Identity{}) {
		return nil // and so by nothing
	}
	is = identity.Renew(tx.store.identity, is)
	tx.identity = &is
	return tx.Tree(bucketMeta).Set(metaIdentity, is.Encode())
}

// renewed returns what a copy of the file is to hold for being another file. The caller leads.
func (s *store) renewed(is identity.Identity) disk.Pair {
	return disk.Pair{Tree: bucketMeta, Key: metaIdentity, Value: identity.Renew(s.identity, is).Encode()}
}

// checkFile finds out whether the file is the one that was written to, and no older state of it.
func (s *store) checkFile(tx *readTx) error {
	s.identity = identity.Identity{}
	was := tx.Tree(bucketMeta).Get(metaIdentity)
	if was == nil {
		return tx.Err()
	}
	var err error
	if s.identity, err = identity.Parse(was); err != nil {
		return &DamagedError{What: "the file's own identity", Err: err}
	}
	is, err := s.file.Identity()
	if err != nil {
		s.logger.Debug("what the file is cannot be told", "path", s.path, "err", err)
		return nil
	}
	found := RecoveringError{Since: s.cfg.Now()}
	found.Own, _, _ = ownHead(s.state.Feed(s.author))
	verdict, detail := identity.Compare(s.identity, is)
	switch older := s.file.Older(tx.ID()); {
	case verdict == identity.Hard:
		found.Why, found.Detail = WhyCopied, detail
	case older != "":
		found.Why, found.Detail = WhyRolledBack, older
	case verdict == identity.Soft:
		found.Why, found.Detail = WhyMoved, detail
	default:
		return nil
	}
	if s.recovering != nil && (!s.recovering.Why.Soft() || found.Why.Soft()) {
		found = *s.recovering // what is on record stays, but the file was put back since, or moved, once more
		found.kept = false
	}
	s.recovering = &found
	return nil
}

// tell puts on record that others know of this log, or are about to.
func (tx *writeTx) tell() error {
	if tx.store.told || tx.told {
		return nil
	}
	tx.told = true
	return tx.Tree(bucketMeta).Put(metaTold, []byte{1})
}

// tellOf is called before ops of an author leave the log.
func (s *store) tellOf(ctx context.Context, a crdt.Author) error {
	if a != s.author {
		return nil
	}
	s.mu.RLock()
	told := s.told
	s.mu.RUnlock()
	if told {
		return nil
	}
	return s.exclusively(ctx, (*writeTx).tell)
}

// notWritten puts on record that op, which is signed with our key, was not written here, and where our own writing
// ended. What contradicts our feed is that of a second writer; what only lies beyond its end shows that the folder is
// older than the feed, or is what is waited for already. The record stays: a restart makes neither two writers one nor
// the folder younger.
func (tx *writeTx) notWritten(op crdt.Signed, contradicts bool) error {
	// The store's own are changed by whoever leads, who needs no lock to read them.
	if tx.second != nil || tx.store.secondOp != nil {
		return nil
	}
	if err := tx.tell(); err != nil {
		return err
	}
	state := cmp.Or(tx.begins, tx.store.recovering)
	expected := state != nil && !state.Why.Soft()
	end, _, _ := ownHead(tx.feedState(op.Author).Feed)
	switch {
	case !contradicts && expected:
		return nil
	case !contradicts:
		return tx.begin(RecoveringError{Why: WhyOlder, Since: tx.now, Own: end, Op: &op}, tx.parted(op))
	}
	tx.second = &op
	err := tx.Tree(bucketMeta).Put(metaSecondWriter, op.Bytes())
	if err == nil && !expected {
		err = tx.keepOwnEnd(end) // until now all of the feed was written here, or taken up
	}
	if err == nil {
		err = tx.beginIncarnation(tx.parted(op))
	}
	if err != nil {
		return fmt.Errorf("record an op that was not written here: %w", err)
	}
	return nil
}

// publishRecovering makes known what a transaction has changed of why nothing is appended. The caller holds mu.
func (s *store) publishRecovering(tx *writeTx) {
	s.told = s.told || tx.told
	if tx.identity != nil {
		s.identity = *tx.identity
	}
	if tx.second != nil {
		s.secondOp = tx.second
	}
	if tx.begins != nil {
		s.recovering = tx.begins
	}
	if tx.ends != nil {
		s.recovering = nil
	}
}

// logRecovering says in the program's log what publishRecovering has made known.
func (s *store) logRecovering(tx *writeTx) {
	if op := tx.second; op != nil {
		s.logger.Error("another node writes with our key: appending stops", "author", s.author, "op", op.ID, "first", op.First)
	}
	if state := tx.begins; state != nil {
		level, text := slog.LevelWarn, "nothing is appended: "
		if state.Why.Soft() || s.goesOn(state) {
			level, text = slog.LevelInfo, ""
		}
		s.logger.Log(context.Background(), level, text+state.Why.text(), "author", s.author, "why", state.Why, "detail", state.detail(),
			"ended", state.Own.Next)
	}
	if end := tx.ends; end != nil {
		level := slog.LevelInfo
		if len(end.by.Missing)+len(end.by.Without) > 0 || end.by.Alone && !end.state.Why.Soft() {
			level = slog.LevelWarn
		}
		s.logger.Log(context.Background(), level, "this node's own feed goes on", "author", s.author, "why", end.state.Why,
			"ended", end.state.Own.Next, "next", end.by.End.Next, "asked", end.by.Asked, "missing", end.by.Missing, "without", end.by.Without)
	}
}

// readRecovering reads the records of why nothing is appended.
func (s *store) readRecovering(tx *readTx) error {
	meta := tx.Tree(bucketMeta)
	op := func(key []byte) (*crdt.Signed, error) {
		b := meta.Get(key)
		if b == nil {
			return nil, nil
		}
		op, err := crdt.ParseSigned(append([]byte(nil), b...))
		if err != nil {
			return nil, &DamagedError{What: fmt.Sprintf("the record %q", key), Err: err}
		}
		return &op, nil
	}
	var err error
	if s.secondOp, err = op(metaSecondWriter); err != nil {
		return err
	}
	older, err := op(metaRecovering)
	if err != nil {
		return err
	}
	s.recovering, s.told = nil, meta.Get(metaTold) != nil
	why := meta.Get(metaWhy)
	if why == nil && older == nil {
		return nil
	}
	kept := record.Recovering{Why: uint8(WhyOlder)} // as an earlier version says it
	if why != nil {
		if kept, err = record.ParseRecovering(why); err != nil {
			return &DamagedError{What: fmt.Sprintf("the record %q", metaWhy), Err: err}
		}
	}
	own, err := tx.ownEnd()
	if err != nil {
		return err
	}
	s.recovering = &RecoveringError{Why: Why(kept.Why), Since: kept.Since, Own: own, Op: older, Detail: kept.Detail, kept: true}
	return nil
}

// ownEnd returns where our own writing ended, once an op has come that was not written here, or may come; the
// zero Head before that, and where nothing was written.
func (tx *readTx) ownEnd() (crdt.Head, error) {
	v := tx.Tree(bucketMeta).Get(metaOwnEnd)
	if v == nil {
		return crdt.Head{}, nil
	}
	end, err := record.ParseOpKey(v)
	if err != nil {
		return crdt.Head{}, &DamagedError{What: "the record of our own last op", Err: err}
	}
	return crdt.Head{Next: end.First, ID: end.ID}, nil
}
