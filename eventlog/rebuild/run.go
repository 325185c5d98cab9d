package rebuild

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/headway"
	"github.com/quipulog/quipu/eventlog"
)

// Result is what came of a rebuild.
type Result struct {
	Range Range
	// Entries is how many entries the range has, Gone how many of them were not there any more, Resumed how many were
	// done with by earlier Runs.
	Entries, Gone, Resumed uint64
	// Began and Finished are when, by this node's clock. Before says that an earlier Run has finished it.
	Began, Finished time.Time
	Before          bool
}

// Run folds a range of the log into p, from the beginning or from where an earlier Run of that name has come to, and
// returns once the result is durable: see the package for the steps. Where the rebuild has finished before it returns
// the result of then.
//
// Errors leave the rebuild under way, at its last checkpoint, for the next Run; but where nothing was folded yet, or
// waited for, nothing is left. They are ctx's own, those of p ([*ApplyError] for its Apply), [ErrConfig], [*VersionError],
// [*RangeError], [ErrTaken], [*eventlog.TrimmedError], [*eventlog.NotHeldError], and those of readings and Updates of
// the log.
func Run(ctx context.Context, log *eventlog.Log, name string, cfg Config, p Projection) (Result, error) {
	return newRun(log, name, cfg, p, &keptHere{p: p}).run(ctx)
}

// RunElsewhere is [Run] for a state in a target of its own. The log keeps how far it is, a little behind the target, and
// holds back trims.
func RunElsewhere(ctx context.Context, log *eventlog.Log, name string, cfg Config, p Elsewhere) (Result, error) {
	return newRun(log, name, cfg, p, &keptElsewhere{p: p}).run(ctx)
}

// folding is what a [Projection] and an [Elsewhere] have in common.
type folding interface {
	New(ctx context.Context, r Range) error
	Apply(e *crdt.Entry) error
}

// keeper is where the state is kept.
type keeper interface {
	// load makes the state of the record, which it may set to one that is newer, and reports whether there is a state.
	load(ctx context.Context, r *run) (found bool, err error)
	// store keeps the state with the record.
	store(ctx context.Context, r *run) error
	// finish keeps the result with the record, which says that it has finished.
	finish(ctx context.Context, r *run) error
}

func newRun(log *eventlog.Log, name string, cfg Config, fold folding, keep keeper) *run {
	return &run{log: log, name: name, cfg: cfg, fold: fold, keep: keep}
}

// run is one Run. It belongs to the caller's goroutine.
type run struct {
	log  *eventlog.Log
	name string
	cfg  Config
	fold folding
	keep keeper
	id   string // of this run

	rec     record
	resumed uint64 // entries that were done with when it began
	waits   waiting
	unbegun bool // nothing of the rebuild was there when it was taken up
	cut     *eventlog.Cut
	from    *eventlog.Cut  // nil where nothing is left out
	entry   eventlog.Entry // at hand: a value of its own would be made for each
	lost    uint64         // entries of the range that were pruned before the reading began
	saved   time.Time      // when the last checkpoint was
	held    time.Time      // when trims were last held back
	since   int            // entries since then
	told    time.Time
	gauge   headway.Gauge
}

// run runs the rebuild until it has finished or cannot go on.
//
// A commit of which nobody knows whether it happened sends it back to what is kept, as a kill does.
func (r *run) run(ctx context.Context) (Result, error) {
	if err := r.cfg.validate(r.name); err != nil {
		return Result{}, err
	}
	if r.cfg.Anew {
		if err := Drop(ctx, r.log, r.name); err != nil && !errors.Is(err, ErrNotFound) {
			return Result{}, err
		}
	}
	for failures := 1; ; failures++ {
		done := r.rec.Done
		err := r.once(ctx)
		if !errors.Is(err, eventlog.ErrUncertain) {
			return r.result(), r.forsake(ctx, err)
		}
		if r.rec.Done > done {
			failures = 1
		}
		if err := pause(ctx, failures); err != nil {
			return Result{}, err
		}
	}
}

// forsake drops a rebuild that has failed before anything of it was folded, so that it does not hold back trims for
// nothing; not one that has waited, which may be gone on with once more is here. It returns why it has failed.
func (r *run) forsake(ctx context.Context, why error) error {
	if why != nil && r.unbegun && r.rec.At == nil && r.waits.took == 0 && ctx.Err() == nil && !errors.Is(why, ErrTaken) {
		_ = Drop(ctx, r.log, r.name) // what stays is seen by List
	}
	return why
}

// once goes on from what is kept until something ends it; nil is the end of the rebuild.
func (r *run) once(ctx context.Context) error {
	finished, err := r.take(ctx)
	if err != nil {
		return err
	}
	if finished {
		return r.clean(ctx)
	}
	found, err := r.keep.load(ctx, r)
	if err == nil && !r.rec.Finished.IsZero() { // elsewhere, and the log was not told
		return r.end(ctx)
	}
	if err == nil && !found {
		err = r.fold.New(ctx, r.rec.span())
	}
	if err == nil {
		err = r.open(ctx)
	}
	if err == nil {
		err = r.note(ctx)
	}
	if err != nil {
		return err
	}
	if r.saved.IsZero() {
		r.resumed = r.rec.Done
	}
	r.saved, r.since = time.Now(), 0
	if err := r.read(ctx); err != nil {
		return err
	}
	if c, ok := r.fold.(Concluder); ok {
		if err := r.checkpoint(ctx); err != nil { // a kill on the way finds all of it applied
			return err
		}
		if err := c.Conclude(ctx); err != nil {
			return fmt.Errorf("rebuild %q: conclude: %w", r.name, err)
		}
	}
	return r.end(ctx)
}

// take finds what is kept of the rebuild, or begins it, and reports whether it has finished.
func (r *run) take(ctx context.Context) (finished bool, err error) {
	to := r.cfg.To
	if to == nil {
		to = r.log.Frontier()
	}
	r.id = rand.Text()
	err = r.log.Update(ctx, func(tx *eventlog.Tx) error {
		rec, found, err := read(&tx.ReadTx, r.name)
		if err != nil {
			return err
		}
		if !found {
			rec = newRecord(r.cfg, to, tx.Now())
			r.unbegun = true
		}
		r.rec, finished = rec, !rec.Finished.IsZero()
		if finished {
			return nil
		}
		if err := r.check(&rec); err != nil {
			return err
		}
		r.rec.Run = r.id
		if err := tx.SetHold(r.rec.hold(r.name, tx.Now())); err != nil {
			return err
		}
		r.held = time.Now()
		return r.rec.put(tx, r.name)
	})
	return finished, err
}

// check says why the rebuild that is under way is not the one that the configuration asks for, or nil.
func (r *run) check(rec *record) error {
	if rec.Version > r.cfg.Version {
		return &VersionError{Name: r.name, Saved: rec.Version, Known: r.cfg.Version}
	}
	want := Range{Order: r.cfg.Order, From: r.cfg.From, To: r.cfg.To, Clock: r.cfg.Clock}
	if want.To == nil {
		want.To, want.Clock = rec.To, cmp.Or(want.Clock, rec.Clock)
	}
	if !want.equal(rec.span()) {
		return &RangeError{Name: r.name, Under: rec.span()}
	}
	return nil
}

// end finishes the rebuild: the result and the marker are one transaction of the keeper's.
//
// A crash after it finds the marker, and what is left to clean.
func (r *run) end(ctx context.Context) error {
	if r.rec.Finished.IsZero() {
		r.rec.Gone += r.lost
		r.rec.Total = r.rec.Done + r.lost - r.rec.Out
		r.rec.Done, r.rec.Out = r.rec.Total, 0
		r.rec.Finished, r.lost = time.Now(), 0
	}
	r.rec.Saved, r.rec.Version, r.rec.Stored = r.rec.Finished, r.cfg.Version, true
	if err := r.keep.finish(ctx, r); err != nil {
		r.rec.Finished = time.Time{} // as far as anybody knows
		return err
	}
	r.tell(true)
	return r.clean(ctx)
}

// clean removes what a rebuild that has finished does not need any more: the state under way, and the holder.
func (r *run) clean(ctx context.Context) error {
	err := r.log.RemoveFollower(context.WithoutCancel(ctx), Prefix+r.name)
	if errors.Is(err, eventlog.ErrNoFollower) {
		return nil
	}
	return err
}

func (r *run) result() Result {
	return Result{
		Range: r.rec.span(), Entries: r.rec.Total, Gone: r.rec.Gone, Resumed: r.resumed, Began: r.rec.Began, Finished: r.rec.Finished,
		Before: !r.rec.Finished.IsZero() && r.cut == nil,
	}
}

// checkpoint keeps the state and how far it is.
func (r *run) checkpoint(ctx context.Context) error {
	rec := r.rec
	r.rec.Saved, r.rec.Version, r.rec.Stored = time.Now(), r.cfg.Version, true
	if err := r.keep.store(ctx, r); err != nil {
		r.rec = rec
		return err
	}
	r.saved, r.since = time.Now(), 0
	return nil
}

// tell tells the program how far it is, if it was not told just now or that is the last.
func (r *run) tell(last bool) {
	now := time.Now()
	if r.cfg.Progress == nil || !last && now.Sub(r.told) < tellEvery {
		return
	}
	r.told = now
	done := min(r.rec.Done+r.lost, r.rec.Total)
	r.gauge.Reached(now, done)
	p := Progress{Done: done, Total: r.rec.Total, Resumed: r.resumed, Rate: r.gauge.Rate(), Left: -1}
	if left, known := r.gauge.Left(r.rec.Total); known {
		p.Left = left
	}
	r.cfg.Progress(p)
}

// awaits tells the program that it waits, and how much is here.
func (r *run) awaits(here uint64) {
	if r.cfg.Progress != nil {
		r.cfg.Progress(Progress{Done: here, Total: r.rec.Total, Resumed: r.resumed, Left: -1, Waits: true})
	}
}
