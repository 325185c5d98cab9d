package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/quipulog/quipu/eventlog/follower"
)

// Follow gives the handler all entries that the configuration takes, in arrival order and in batches. It
// begins at the place that the follower called name has reached, waits for new entries, and goes on until
// something ends it. What the handler puts into buckets of tx, what it appends there and the follower's
// cursor are one commit: each entry has its effect exactly once, whatever ends the process, and however
// late the entry arrives. No transaction is open while Follow waits.
//
// The handler runs as the function of a [Log.Update] does: in the caller's goroutine, while nothing else
// can be written. It may run again for entries whose commit did not happen, so only what it does through tx
// happens once; for effects elsewhere there is [Log.Deliver]. It may keep the batch, see [Entry], and does
// not change it. What it appends carries [HeaderBy].
//
// When the handler returns an error or panics, nothing of the batch is kept and the cursor stays. A panic passes
// through; after an error OnError and ParkAfter say what follows. Follow returns ctx's error when ctx ends, a
// [*HandlerError] when it stops for the handler, a [*TrimmedError] before entries that are gone, [ErrFollowing] when
// the name is taken, [ErrFollowConfig], [ErrElsewhere], and the errors of [Log.Update]; nil only where the
// configuration's Until ends it. After an [ErrUncertain] Follow looks at the file and goes on from there.
//
// Names are 1 to 255 bytes of UTF-8; those that begin with "quipu." are the log's own.
func (l *Log) Follow(ctx context.Context, name string, cfg FollowConfig, handler func(tx *Tx, batch []Entry) error) error {
	return l.followers.follow(ctx, name, cfg, func(f *following) keeper {
		return &keptHere{following: f, handler: handler}
	})
}

// ErrFollowConfig is wrapped by the errors of [Log.Follow] and [Log.Deliver] that say why a [FollowConfig]
// makes no sense.
var ErrFollowConfig = follower.ErrConfig

// following is a follower that runs. It belongs to the goroutine of its Follow or Deliver.
type following struct {
	store  *store
	name   string
	cfg    FollowConfig
	claim  *claim
	keeper keeper
	source source
	cursor uint64 // as it is kept
}

// keeper is where a follower's cursor is kept and what handles its batches. A [*HandlerError] that one
// of its methods returns is not wrapped.
type keeper interface {
	// load returns the cursor, which it makes where there is none.
	load(ctx context.Context) (cursor uint64, err error)
	// handle hands the batch to the handler and moves the cursor to its end.
	handle(ctx context.Context, b *portion) error
	// pass moves the cursor to the end of a batch without entries.
	pass(ctx context.Context, b *portion) error
	// park parks the one entry of the batch and moves the cursor to its end.
	park(ctx context.Context, b *portion, why *HandlerError) error
	// close keeps what was not kept yet.
	close(ctx context.Context)
}

// follow runs a follower until something ends it.
func (fs *followers) follow(ctx context.Context, name string, cfg FollowConfig, kept func(*following) keeper) error {
	if err := fs.store.notInside(); err != nil {
		return err
	}
	cfg = cfg.WithDefaults()
	err := checkFollowerName(name)
	if err == nil {
		err = cfg.Validate()
	}
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	claim, err := fs.take(name)
	if err != nil {
		return err
	}
	defer fs.release(name)
	f := &following{store: fs.store, name: name, cfg: cfg, claim: claim}
	f.source = source{store: fs.store, query: filterQuery(cfg.Filter())}
	if !cfg.OwnEntries {
		f.source.by = name
	}
	defer f.source.close()
	f.keeper = kept(f)
	defer f.keeper.close(context.WithoutCancel(ctx))
	return f.run(ctx)
}

// run follows from the cursor that is kept, as often as something sends it back there.
//
// A crash at any point of it finds the cursor as the last commit left it, beside all that was handled
// up to there and nothing of what was not.
func (f *following) run(ctx context.Context) error {
	uncertain := 0
	for {
		start := f.cursor
		cursor, err := f.keeper.load(ctx)
		if err == nil {
			f.cursor = cursor
			f.source.seek(cursor)
			err = f.goOn(ctx)
		}
		if _, failed := err.(*HandlerError); failed {
			return err
		}
		switch {
		case errors.Is(err, errMoved):
		case errors.Is(err, ErrUncertain):
			// The next load sees what became of the commit. Where there is no room there may be, later.
			if f.cursor != start {
				uncertain = 0
			}
			uncertain++
			level := slog.LevelWarn
			if u, ok := errors.AsType[*UncertainError](err); ok && u.NoRoom() {
				level = slog.LevelDebug // It may be so for long: see Health.
			}
			f.store.logger.Log(ctx, level, "commit of a follower failed, going on", "follower", f.name, "err", err)
			if err := f.pause(ctx, uncertain); err != nil && !errors.Is(err, errMoved) {
				return err
			}
		default:
			return err
		}
	}
}

// goOn handles batch after batch.
func (f *following) goOn(ctx context.Context) error {
	for !f.done(f.cursor) {
		b, err := f.gather(ctx)
		if err != nil {
			return err
		}
		if f.cfg.OneBatch && len(b.entries) > 0 {
			f.cfg.Until = new(b.to)
		}
		if !f.done(b.to) {
			f.source.readAhead(ctx, min(f.cfg.MaxEntries, follower.DefaultEntries))
		}
		if len(b.entries) == 0 {
			err = f.keeper.pass(ctx, &b)
		} else {
			err = f.settle(ctx, b)
		}
		if err != nil {
			return err
		}
		f.cursor = b.to
	}
	return nil
}

// done reports whether a follower whose cursor is at offset has come as far as it is to.
func (f *following) done(offset uint64) bool { return f.cfg.Until != nil && offset >= *f.cfg.Until }
