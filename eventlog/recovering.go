package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/identity"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// RecoverKind is the kind of the entry that says why and from where on a feed was taken up again, and on whose word:
//
//	{"why":"older","from":{"next":10,"op":"…"},"end":{"next":25,"op":"…"},
//	 "asked":["…"],"missing":["…"],"without":["…"],"places":["…"],"alone":true}
//
// from is where the feed ended in the folder when that was not known to be its end; it has no op where the folder held
// nothing of the feed. end is where the feed was taken up: the entry itself stands there. The rest is of [Recovery].
// One that begins the feed of a new author names the former one, too: see [Rekey].
const RecoverKind = record.RecoverKind

// ownFeed is what keeps a log from giving a seq of its own feed twice.
type ownFeed struct {
	store *store
	// marked is when the last mark was left beside the file; for the leader.
	marked time.Time
}

// ownEnd is what is known of the end of our own feed. While one of the first three is not nil nothing is appended, unless
// the log goes on at once ([Config.goesOn]), but what peers send is stored.
type ownEnd struct {
	second     *crdt.Signed     // an op of our own that contradicts what was written here
	forked     error            // our own feed has several branches
	recovering *RecoveringError // why its end may not be known
	told       bool             // others know of this log, or may: who has our ops, or is held here
	// identity is what the file was on its file system; zero where that is not on record.
	identity identity.Identity
}

// after returns what is known once a transaction is durable.
func (e ownEnd) after(c ownChange) ownEnd {
	e.told = e.told || c.told
	if c.identity != nil {
		e.identity = *c.identity
	}
	e.second, e.recovering = cmp.Or(c.second, e.second), cmp.Or(c.begins, e.recovering)
	if c.ends != nil {
		e.recovering = nil
	}
	return e
}

// unsettled returns the state of not knowing the end of our own feed, or nil.
func (o *ownFeed) unsettled() *RecoveringError {
	o.store.mu.RLock()
	defer o.store.mu.RUnlock()
	return o.store.own.recovering
}

// asked returns the state with those who were not asked yet.
func (c *Config) asked(state *RecoveringError) *RecoveringError {
	if state == nil || c.Peers == nil {
		return state
	}
	now := *state
	now.Missing = c.Peers.Missing()
	return &now
}

// goesOn reports whether the log appends although it may not know the end of its own feed, since there is nobody to ask:
// after a soft reason, and where nobody can hold what is not here, since this log has never told anybody anything. An
// end that cannot be read is not given up without a word.
func (c *Config) goesOn(state *RecoveringError, told bool) bool {
	return (state.Why.Soft() || !told) && !state.headless() && (c.Peers == nil || !c.Peers.Anybody())
}

// appendable says why nothing can be appended to a log that can be written to, or nil. Peers' ops are
// stored all the same.
func (o *ownFeed) appendable() error {
	o.store.mu.RLock()
	second, forked, state, told := o.store.own.second, o.store.own.forked, o.store.own.recovering, o.store.own.told
	o.store.mu.RUnlock()
	switch {
	case second != nil:
		return fmt.Errorf("%w: op %s/%d with the id %s was not written here", ErrSecondWriter,
			second.Author.Short(), second.First, second.ID)
	case forked != nil:
		return forked
	case state != nil && !o.store.cfg.goesOn(state, told):
		return o.store.cfg.asked(state)
	}
	return nil
}

// beginAppending is called before a transaction first appends. A log that goes on at once does so here, on record:
// the transaction that appends the entry has it, too.
func (o *ownFeed) beginAppending(tx *writeTx) error {
	if tx.own.ends != nil {
		return nil
	}
	if err := o.appendable(); err != nil {
		return err
	}
	state := o.store.own.recovering
	if state == nil || state.Why.Soft() { // that is over when it is settled
		return nil
	}
	end := ownend.Highest(tx.feedState(o.store.author).Feed).Head
	_, err := o.takeUp(tx, state, Recovery{End: end, Alone: true})
	tx.appended = 0 // of its caller's, nothing is
	return err
}

// softly is how long a soft reason keeps the log from appending, at most.
const softly = 5 * time.Second

// again returns nil when what an append has failed with is that the log was recovering, and that is over: the
// configuration says that appends wait for that, or it is a matter of seconds for whoever settles it. Else why not.
func (o *ownFeed) again(ctx context.Context, err error) error {
	state, is := errors.AsType[*RecoveringError](err)
	if !is {
		return err
	}
	patient, late := o.store.cfg.WaitRecovering, time.After(softly+time.Second)
	for is && (patient || state.Why.Soft() && o.store.cfg.Peers != nil) {
		changed := o.store.changes()
		err = o.appendable()
		if state, is = errors.AsType[*RecoveringError](err); !is || o.store.isClosed() {
			return nil
		}
		select {
		case <-changed:
		case <-late:
			is = patient
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
	return err
}

// takeUp ends the state on record, and returns the place of the entry that says so; none after a soft reason.
func (o *ownFeed) takeUp(tx *writeTx, state *RecoveringError, r Recovery) (crdt.Place, error) {
	if err := ownend.Forget(tx.Tree(bucketMeta)); err != nil {
		return crdt.Place{}, fmt.Errorf("forget that the end of our own feed was not known: %w", err)
	}
	if tx.own.begins, tx.own.ends, tx.own.by = nil, state, r; !state.kept {
		if err := tx.beginIncarnation(tx.next); err != nil {
			return crdt.Place{}, err
		}
	}
	if err := o.keepIdentity(tx); err != nil {
		return crdt.Place{}, err
	}
	if state.headless() {
		if err := o.giveUp(tx); err != nil {
			return crdt.Place{}, err
		}
	}
	if state.Why.Soft() {
		return crdt.Place{}, nil
	}
	return tx.appendTakenUp(record.TakenUp{
		Why: state.Why.String(), From: state.Own, End: r.End, Asked: r.Asked, Missing: r.Missing, Without: r.Without, Places: r.Places, Alone: r.Alone,
	})
}

// begin puts on record that from here on the log may not know the end of its own feed, and lets its arrivals begin
// anew: below offset they are those that were told of before. What the file is now goes on record, too: should it be
// another one later, the arrivals begin anew once more.
//
// A crash before the commit leaves nothing of it: what showed it is met again.
func (o *ownFeed) begin(tx *writeTx, state RecoveringError, offset uint64) error {
	state.kept, tx.own.begins = true, &state
	end := state.Own
	if state.Why.Soft() {
		end = crdt.Head{} // what is written may go on
	}
	why := record.Recovering{Why: uint8(state.Why), Since: state.Since, Detail: state.Detail}
	err := errors.Join(tx.beginIncarnation(offset), o.keepIdentity(tx), ownend.Begin(tx.Tree(bucketMeta), why, state.Op, end))
	if err != nil {
		return fmt.Errorf("record that the end of our own feed is not known: %w", err)
	}
	return nil
}

// keepBegun records the state that was found when the log was opened, that there is somebody to ask, who may know
// of this log when an older state of it is opened with nobody to ask, and what the file is where that is not
// known: opening alone writes nothing.
func (o *ownFeed) keepBegun(tx *writeTx) error {
	if o.store.cfg.Peers != nil && o.store.cfg.Peers.Anybody() {
		if err := o.tell(tx); err != nil {
			return err
		}
	}
	if o.store.own.identity == (identity.Identity{}) && tx.own.identity == nil {
		if err := o.keepIdentity(tx); err != nil {
			return err
		}
	}
	state := o.store.own.recovering
	if state == nil || state.kept || tx.own.begins != nil || tx.own.ends != nil {
		return nil
	}
	if state.headless() {
		tx.edit(o.store.author) // where it ends now is to stand in the file
	}
	return o.begin(tx, *state, tx.next)
}

// keepIdentity puts on record what the file is on its file system, and so what it is known by when it is opened again.
func (o *ownFeed) keepIdentity(tx *writeTx) error {
	is, err := o.store.file.Identity()
	if err != nil || is == (identity.Identity{}) {
		return nil // and so by nothing
	}
	is = identity.Renew(o.store.own.identity, is)
	tx.own.identity = &is
	return tx.Tree(bucketMeta).Set(metaIdentity, is.Encode())
}

// renewed returns what a copy of the file is to hold for being another file. The caller leads.
func (o *ownFeed) renewed(is identity.Identity) disk.Pair {
	return disk.Pair{Tree: bucketMeta, Key: metaIdentity, Value: identity.Renew(o.store.own.identity, is).Encode()}
}

// checkFile finds out whether the file is the one that was written to, and no older state of it.
func (o *ownFeed) checkFile(tx *readTx) error {
	o.store.own.identity = identity.Identity{}
	// What an earlier version has written has none: the mark may be newer.
	if was := tx.Tree(bucketMeta).Get(metaIdentity); was != nil {
		var err error
		if o.store.own.identity, err = identity.Parse(was); err != nil {
			return &DamagedError{What: "the file's own identity", Err: err}
		}
	}
	is, err := o.store.file.Identity()
	if err != nil {
		o.store.logger.Debug("what the file is cannot be told", "path", o.store.path, "err", err)
		return nil
	}
	found := RecoveringError{Since: o.store.cfg.Now(), Own: ownend.Highest(o.store.state.Feed(o.store.author)).Head}
	verdict, detail := identity.Compare(o.store.own.identity, is)
	switch older := o.store.file.Older(is, tx.ID()); {
	case verdict == identity.Hard:
		found.Why, found.Detail = WhyCopied, detail
	case older != "":
		found.Why, found.Detail = WhyRolledBack, older
	case verdict == identity.Soft:
		found.Why, found.Detail = WhyMoved, detail
	default:
		return nil
	}
	if was := o.store.own.recovering; was != nil && (!was.Why.Soft() || found.Why.Soft()) {
		found = *was // what is on record stays, but the file was put back since, or moved, once more
		found.kept = false
	}
	o.store.own.recovering = &found
	return nil
}

// tell puts on record that others know of this log, or are about to.
func (o *ownFeed) tell(tx *writeTx) error {
	if o.store.own.told || tx.own.told {
		return nil
	}
	tx.own.told = true
	return ownend.Tell(tx.Tree(bucketMeta))
}

// tellOf is called before ops of an author leave the log.
func (o *ownFeed) tellOf(ctx context.Context, a crdt.Author) error {
	if a != o.store.author || o.store.cfg.ReadOnly {
		return nil
	}
	o.store.mu.RLock()
	told := o.store.own.told
	o.store.mu.RUnlock()
	if told {
		return nil
	}
	return o.store.exclusively(ctx, o.tell)
}

// notWritten puts on record that op, which is signed with our key, was not written here, and where our own writing
// ended. What contradicts our feed is that of a second writer; what only lies beyond its end shows that the folder is
// older than the feed, or is what is waited for already. The record stays: a restart makes neither two writers one nor
// the folder younger.
func (o *ownFeed) notWritten(tx *writeTx, op crdt.Signed, contradicts bool) error {
	// The store's own are changed by whoever leads, who needs no lock to read them.
	if tx.own.second != nil || o.store.own.second != nil {
		return nil
	}
	if err := o.tell(tx); err != nil {
		return err
	}
	state := cmp.Or(tx.own.begins, o.store.own.recovering)
	expected := state != nil && !state.Why.Soft()
	end := ownend.Highest(tx.feedState(op.Author).Feed).Head
	switch {
	case !contradicts && expected:
		return nil
	case !contradicts:
		return o.begin(tx, RecoveringError{Why: WhyOlder, Since: tx.now, Own: end, Op: &op}, tx.parted(op))
	}
	tx.own.second = &op
	if expected {
		end = crdt.Head{} // it is on record
	}
	err := errors.Join(ownend.Fork(tx.Tree(bucketMeta), op, end), tx.beginIncarnation(tx.parted(op)))
	if err != nil {
		return fmt.Errorf("record an op that was not written here: %w", err)
	}
	return nil
}

// tellOperator says in the program's log what has changed.
func (o *ownFeed) tellOperator(c ownChange) {
	if op := c.second; op != nil {
		o.store.logger.Error("another node writes with our key: appending stops", "author", o.store.author, "op", op.ID, "first", op.First)
	}
	if state := c.begins; state != nil {
		level, text := slog.LevelWarn, "nothing is appended: "
		if state.Why.Soft() || o.appendable() == nil {
			level, text = slog.LevelInfo, ""
		}
		text += ownend.Reason(uint8(state.Why))
		o.store.logger.Log(context.Background(), level, text, "author", o.store.author, "why", state.Why,
			"detail", state.detail(), "ended", state.Own.Next)
	}
	if over := c.ends; over != nil {
		level := slog.LevelInfo
		if len(c.by.Missing)+len(c.by.Without)+len(c.by.Places) > 0 || c.by.Alone && !over.Why.Soft() {
			level = slog.LevelWarn
		}
		o.store.logger.Log(context.Background(), level, "this node's own feed goes on", "author", o.store.author, "why", over.Why,
			"ended", over.Own.Next, "next", c.by.End.Next, "asked", c.by.Asked, "missing", c.by.Missing, "without", c.by.Without,
			"places", c.by.Places)
	}
}

// readRecovering reads the records of why nothing is appended.
func (o *ownFeed) readRecovering(tx *readTx) error {
	meta, err := tx.readOwnEnd()
	if err != nil {
		return err
	}
	o.store.own.second, o.store.own.recovering, o.store.own.told = meta.Second, nil, meta.Told
	if meta.Why == nil && meta.Older != nil {
		meta.Why = &record.Recovering{Why: uint8(WhyOlder)} // as an earlier version says it
	}
	if why := meta.Why; why != nil {
		o.store.own.recovering = &RecoveringError{Why: Why(why.Why), Since: why.Since, Own: meta.End, Op: meta.Older, Detail: why.Detail, kept: true}
	}
	return nil
}

func (tx *readTx) readOwnEnd() (ownend.Meta, error) {
	meta, err := ownend.Read(tx.Tree(bucketMeta))
	if err != nil {
		return meta, &DamagedError{What: "what is known of the end of our own feed", Err: err}
	}
	return meta, nil
}

// ownEnd returns where our own writing ended, once an op has come that was not written here, or may come; the
// zero Head before that, and where nothing was written.
func (tx *readTx) ownEnd() (crdt.Head, error) {
	meta, err := tx.readOwnEnd()
	return meta.End, err
}

// markSeen leaves a mark beside the file of what it holds, by which a copy that is written into the file is
// known for an older one; not over a mark that has shown that, until it is on record. Where none can be left nothing is
// lost but that. The caller leads.
func (o *ownFeed) markSeen() {
	o.marked = o.store.cfg.Now()
	o.store.mu.RLock()
	durable, not := o.store.durable, o.store.own.recovering != nil && !o.store.own.recovering.kept || o.store.frozen != nil
	o.store.mu.RUnlock()
	if not {
		return
	}
	if err := o.store.file.MarkSeen(durable); err != nil {
		o.store.logger.Debug("leave a mark of what the log holds", "path", o.store.path, "err", err)
	}
}
