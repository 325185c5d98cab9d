package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/helped"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Apply stores what peers sent, and says for each run what became of it. Runs are verified outside of any
// transaction, while those before them are stored. They are stored in order, up to 4 MiB in a transaction,
// so that appends get in between. Stored runs are durable.
//
// What is wrong with a run stands in its outcome. The error is this node's own fault (disk, damage, closed,
// read-only) or ctx's; without one the outcomes are complete.
func (l *Log) Apply(ctx context.Context, rs []crdt.Run) ([]crdt.Outcome, error) {
	if err := l.store.notInside(); err != nil {
		return nil, err
	}
	a := &application{store: l.store, outcomes: make([]crdt.Outcome, len(rs)), todo: make([]verified, 0, len(rs))}
	a.runs = helped.Begin(len(rs), l.store.verifying(rs))
	defer a.runs.End()
	for {
		if err := a.gather(ctx); err != nil {
			return nil, err
		}
		if len(a.todo) == 0 {
			break
		}
		if err := l.store.queue.Patiently(ctx, a.storeSome); err != nil {
			return nil, fmt.Errorf("apply runs: %w", err)
		}
	}
	a.count()
	return a.outcomes, nil
}

// application is one call of Apply on its way.
type application struct {
	store    *store
	runs     *helped.Work[checked]
	outcomes []crdt.Outcome
	todo     []verified
	bytes    int    // of what todo is stored as
	values   []byte // memory of a transaction for it
}

// checked is what came of a run.
type checked struct {
	verified
	outcome crdt.Outcome
}

// verified is the authorised part of a run, less what was stored.
type verified struct {
	run     int // which one
	leave   crdt.Signed
	ops     []crdt.Op
	stopped bool // nothing more of it is looked at
}

// gather takes verified runs for one transaction, or the last ones. Its error is ctx's.
func (a *application) gather(ctx context.Context) error {
	a.bytes = 0
	for _, waiting := range a.todo {
		a.bytes += waiting.size()
	}
	for a.bytes < maxApply {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		i, c := a.runs.Next()
		if i < 0 {
			return nil
		}
		a.outcomes[i] = c.outcome
		if c.run = i; len(c.ops) > 0 {
			a.todo = append(a.todo, c.verified)
			a.bytes += c.size()
		}
	}
	return nil
}

// verifying returns what verifies one of rs, by its place, and may be called by two goroutines at once.
func (s *store) verifying(rs []crdt.Run) func(i int) checked {
	now := s.cfg.Now().Add(time.Duration(s.clockOff.Load()))
	return func(i int) (c checked) {
		r, policy := rs[i], s.cfg.Trim
		n, err := r.Verify(s.id)
		c.outcome = crdt.Outcome{Author: r.Author(), Err: err}
		if leave := r.Leave; len(leave.Bytes()) > 0 && (leave.Author != r.Author() || leave.Log != s.id) {
			c.outcome.Err = fmt.Errorf("%w: the leave before it is of author %s in log %s", crdt.ErrRun, leave.Author.Short(), leave.Log)
			return c
		}
		taken, stripped := r.Unstripped(n, s.feed(r.Author()).Next(), func(op crdt.Header, next uint64) bool {
			return policy.MayBeStripped(op, next, now)
		})
		if stripped != nil {
			c.outcome.Err = fmt.Errorf("%w, where this node keeps bodies for %s and those of the last %d entries", stripped, policy.MinAge, policy.MinCount)
		}
		c.leave, c.ops = r.Leave, r.Ops[:taken]
		return c
	}
}

// size returns the bytes of what the ops are stored as.
func (v *verified) size() (bytes int) {
	for _, op := range v.ops {
		bytes += record.OpSize(op)
	}
	return bytes
}

// storeSome stores up to [maxApply] bytes of what is left, in one transaction. The caller leads. It
// changes nothing of a unless the commit has returned.
func (a *application) storeSome() error {
	if len(a.todo) == 0 {
		return nil
	}
	done := 0
	var outcomes []crdt.Outcome
	var rest *verified
	var at crdt.Author
	a.values = slices.Grow(a.values[:0], min(a.bytes, maxApply+record.MaxOp))
	err := a.store.write(func(tx *writeTx) error {
		tx.inside, tx.values = &at, &a.values
		for budget := maxApply; done < len(a.todo) && budget > 0; done++ {
			v, o := a.todo[done], a.outcomes[a.todo[done].run]
			if err := tx.storeRun(&v, &o, &budget); err != nil {
				return err
			}
			at = crdt.Author{}
			outcomes = append(outcomes, o)
			if len(v.ops) > 0 && !v.stopped {
				rest = &v
				return nil
			}
		}
		return nil
	})
	if damaged, ok := asDamaged(err); ok && !at.IsZero() {
		// What holds one feed is damaged: the others go on. What was done so far is done again.
		a.store.logger.Error("feed is damaged", "author", at, "err", damaged)
		if at == a.store.author {
			return a.passOver(done)
		}
		a.store.shutAuthor(at, ShutDamaged)
		return nil
	}
	if err != nil {
		return err
	}
	for i, o := range outcomes {
		a.outcomes[a.todo[i].run] = o
	}
	a.todo = a.todo[done:]
	if rest != nil {
		a.todo[0] = *rest
	}
	return nil
}

// passOver leaves out a run of our own feed, which is damaged where the run is to be decided on. The feed is not shut
// for that: whatever comes from beyond its end has to be met, and so has what this run shows of that.
func (a *application) passOver(i int) error {
	v, s := a.todo[i], a.store
	a.outcomes[v.run].Err = &ShutError{Author: s.author, Reason: ShutDamaged}
	a.todo = slices.Delete(a.todo, i, i+1)
	return s.write(func(tx *writeTx) error { return v.beyondEnd(tx) })
}

// storeRun stores ops of v until the budget is spent, and takes them off it.
func (tx *writeTx) storeRun(v *verified, o *crdt.Outcome, budget *int) error {
	if len(v.leave.Bytes()) > 0 {
		// The leave alone places what begins at it; it is kept with the first op that it places.
		feed := tx.feedState(o.Author).Feed.Clone()
		if err := feed.TakeLeave(v.leave); err != nil {
			o.Err, v.stopped = err, true
			return nil
		}
		if feed.Leave.Floor > tx.feedState(o.Author).Feed.Leave.Floor {
			return tx.storeWithLeave(v, o, budget, feed.Leave)
		}
	}
	return tx.storeOps(v, o, budget)
}

// storeWithLeave is storeOps under a leave that is not kept yet.
func (tx *writeTx) storeWithLeave(v *verified, o *crdt.Outcome, budget *int, leave crdt.Signed) error {
	_, known := tx.changed[o.Author]
	f := tx.edit(o.Author)
	before := f.Feed.Leave
	f.Feed.Leave = leave
	err := tx.storeOps(v, o, budget)
	if err == nil && f.Feed.IsZero() {
		// Nothing was placed: the feed is still not held.
		f.Feed.Leave = before
		if !known {
			delete(tx.changed, o.Author)
		}
	}
	return err
}

func (tx *writeTx) storeOps(v *verified, o *crdt.Outcome, budget *int) error {
	for len(v.ops) > 0 && *budget > 0 {
		op := v.ops[0]
		*budget -= record.OpSize(op)
		if err := tx.storeOp(op, v, o); err != nil || v.stopped {
			return err
		}
		v.ops = v.ops[1:]
	}
	return nil
}

// storeOp decides on one op and stores it if it is accepted. It stops v where no op after it can be
// placed. An error is our own fault.
func (tx *writeTx) storeOp(op crdt.Op, v *verified, o *crdt.Outcome) error {
	state := tx.feedState(op.Author)
	if state.Shut != "" {
		o.Err, v.stopped = &ShutError{Author: op.Author, Reason: ShutReason(state.Shut)}, true
		return nil
	}
	*tx.inside = op.Author
	if back, err := v.refill(tx); back || err != nil {
		o.Decision, o.Duplicates, o.Repaired = crdt.Duplicate, o.Duplicates+1, o.Repaired+1
		return err
	}
	verdict, err := crdt.Decide(tx.store.ours.held(tx, op.Author), state.Feed, op.Signed)
	if err == nil && verdict.Decision == crdt.Forked {
		err = v.overlapped(tx, state.Feed)
	}
	if err != nil && !errors.Is(err, crdt.ErrInvalid) {
		return v.unread(tx, o, err)
	}
	own := op.Author == tx.store.author
	if own && (err != nil || verdict.Decision != crdt.Duplicate) {
		forks := err != nil || verdict.Decision == crdt.Forked || tx.store.ours.contradicted(tx, op)
		if err := v.notWritten(tx, verdict, forks); err != nil {
			return err
		}
		o.Forked = o.Forked || forks && err == nil
	}
	if err != nil {
		o.Err, v.stopped = err, true
		return nil
	}
	o.Decision = verdict.Decision
	switch verdict.Decision {
	case crdt.Duplicate:
		o.Duplicates++
		return nil
	case crdt.Pending:
		v.stopped = true
		return nil
	}
	if verdict.Begins() && tx.store.cfg.bounds(tx.store.author).Full(state.Feed) {
		tx.edit(op.Author).Shut = string(ShutBranches)
		o.Err, v.stopped = &ShutError{Author: op.Author, Reason: ShutBranches}, true
		return nil
	}
	if reason := tx.beyond(state, op); reason != "" {
		o.Err, v.stopped = tx.shutFor(reason, op), true
		return nil
	}
	if !own {
		if err := tx.store.ours.tell(tx); err != nil {
			return err
		}
	}
	o.Forked = o.Forked || verdict.Decision == crdt.Forked
	o.Ops++
	o.Entries += int(op.Count)
	if err := tx.keep(op, record.NewOp(tx.room(record.OpSize(op)), tx.staged, op), verdict); err != nil {
		return err
	}
	return tx.ids().Add(op)
}

// refill puts an op back that the log holds and cannot read, and reports whether it is one: it is spoiled in its place, or
// it, or one behind it in its run, is what a hole is known to lack. What was not shown to be that never replaces anything.
func (v *verified) refill(tx *writeTx) (bool, error) {
	op, marks := v.ops[0], &tx.store.holes
	if !marks.Any(op.Author) || tx.store.ours.beyond(tx, op) {
		return false, nil
	}
	f, err := holesOf(tx, op.Author)
	if err != nil {
		return false, err
	}
	stands, readable := f.Stands(op.Author, op.Key())
	lacks := func(h crdt.Span) bool {
		return h.From <= op.First && op.Next() <= h.Upto && slices.ContainsFunc(v.ops, func(o crdt.Op) bool { return o.Head() == h.Head })
	}
	if err := tx.Err(); err != nil || readable || !stands && !slices.ContainsFunc(marks.Of(op.Author), lacks) {
		return false, err
	}
	return true, putBack(tx, op)
}

// unread deals with an op that cannot be decided on, since what it is to be held against cannot be read: that is marked.
// If it is what the op puts back, it does; else the op is pending. It returns any other error.
func (v *verified) unread(tx *writeTx, o *crdt.Outcome, err error) error {
	damaged, is := asDamaged(err)
	if !is || damaged.op == nil {
		return err
	}
	marks, at := &tx.store.holes, *damaged.op
	known := marks.Covers(at.Author, at.Seq)
	if _ = tx.store.locate(damaged); !known && marks.Covers(at.Author, at.Seq) {
		return tx.storeOp(v.ops[0], v, o)
	}
	o.Decision, v.stopped = crdt.Pending, true
	return v.beyondEnd(tx)
}

// overlapped returns an error unless another op is held at a seq of the next one, which is to begin a branch of f: one whose
// header can be read, or the one that ends a hole. Where none is, and where a hole is, what the op seems to contradict may be
// missing here, or be the op itself.
func (v *verified) overlapped(tx *writeTx, f crdt.Feed) error {
	op := v.ops[0]
	if tx.store.holes.Parts(op) {
		return nil
	}
	c, damage := tx.opCursor(op.Author), error(nil)
	first := c.firstCovering(f, op.First).First // where one cannot be read, two may begin in a feed of one branch
	for key := range c.from(crdt.Key{First: first}) {
		if key.First >= op.Next() {
			break
		}
		s, err := c.signed()
		if err == nil && s.Next() > op.First {
			return nil
		}
		damage = cmp.Or(damage, err)
	}
	return cmp.Or(damage, c.err, damagedOp(op.Author, op.Key(), errMissing))
}

// notWritten takes note that the next op, of our own, was not written here. One that is pending and lies in a hole may have
// been.
func (v *verified) notWritten(tx *writeTx, verdict crdt.Verdict, forks bool) error {
	op := v.ops[0]
	if !forks && verdict.Decision == crdt.Pending && tx.store.holes.Any(op.Author) && op.Next() <= tx.feedState(op.Author).Feed.Next() {
		return v.beyondEnd(tx)
	}
	return tx.store.ours.notWritten(tx, op.Signed, forks)
}

// beyondEnd takes note of what ops that cannot be decided on show of our own feed: that it goes on beyond its end, or
// parts from what was written here.
func (v *verified) beyondEnd(tx *writeTx) error {
	for _, op := range v.ops {
		parts := tx.store.holes.Parts(op)
		if op.Author == tx.store.author && (parts || op.Next() > tx.feedState(op.Author).Feed.Next()) {
			return tx.store.ours.notWritten(tx, op.Signed, parts)
		}
	}
	return nil
}

// count adds the outcomes of one Apply.
func (a *application) count() {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	c := &a.store.counts
	for _, o := range a.outcomes {
		c.Ops += uint64(o.Ops)
		c.Entries += uint64(o.Entries)
		c.Duplicates += uint64(o.Duplicates)
		if o.Forked {
			c.Forks++
		}
		if _, shut := errors.AsType[*ShutError](o.Err); shut {
			c.Shut++
		} else if o.Err != nil {
			c.Rejected++
		} else if o.Decision == crdt.Pending {
			c.Pending++
		}
	}
}
