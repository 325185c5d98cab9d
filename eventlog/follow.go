package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog/internal/record"
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
var ErrFollowConfig = errors.New("config")

// FollowConfig says what a follower takes and how. The zero value takes everything from the beginning
// and stops at the first error.
type FollowConfig struct {
	// Kinds, Modules, Subjects and Authors each take the entries that have one of the values; an empty list
	// takes all. Together they have at most 16 KiB.
	Kinds, Modules, Subjects []string
	Authors                  []crdt.Author
	// From is the offset at which a follower without a cursor begins, at most that of the next entry to
	// arrive ([Stats].Next); [Now] takes new entries only.
	From uint64
	// Until, unless it is 0, ends the follower with nil once it has done with all entries below that
	// offset; it may have handled a few above by then. With [Stats].Next it catches up and ends.
	Until uint64

	// MaxEntries bounds the entries of a batch. 0 means 1,024; at most 65,536.
	MaxEntries int
	// MaxBytes bounds the bytes of a batch that has more than one entry. 0 means 1 MiB; at most 16 MiB.
	MaxBytes int
	// MaxWait is how long a batch that is not full waits for more after its first entry was read. At 0 the
	// batch is handled at once.
	MaxWait time.Duration

	// OnError says what follows an error of the handler.
	OnError OnError
	// RetryMin is the pause after the first failure. Each further failure doubles the pause, up to
	// RetryMax; each pause is cut at random by up to half. 0 means 100 ms and 1 minute.
	RetryMin, RetryMax time.Duration
	// ParkAfter, unless it is 0, goes with RetryOnError: after so many failures the batch is halved until
	// one entry is left that fails alone, which is parked with its error, and the follower goes on. See
	// [Log.Parked]. A follower that has 10,000 entries parked stops with [ErrTooManyParked] instead.
	ParkAfter int

	// OwnEntries takes the entries that the follower itself has emitted, too: see [HeaderBy].
	OwnEntries bool
	// SkipTrimmed makes the follower go on behind entries that are gone, and count them, instead of
	// returning a [*TrimmedError].
	SkipTrimmed bool
	// DoesNotHold lets entries be trimmed that the follower has not handled. Other followers hold trims
	// back, up to the policy's MaxHold.
	DoesNotHold bool
}

// OnError says what follows an error of a follower's handler.
type OnError uint8

const (
	// StopOnError returns the error.
	StopOnError OnError = iota
	// RetryOnError hands the same batch to the handler again, after a pause.
	RetryOnError
)

// String returns "stop" or "retry".
func (o OnError) String() string { return enum.Text(o, "on error", "stop", "retry") }

const (
	defaultFollowBytes = 1 << 20
	defaultRetryMin    = 100 * time.Millisecond
	defaultRetryMax    = time.Minute
)

func (c FollowConfig) withDefaults() FollowConfig {
	c.MaxEntries = cmp.Or(c.MaxEntries, defaultFollowEntries)
	c.MaxBytes = cmp.Or(c.MaxBytes, defaultFollowBytes)
	c.RetryMin = cmp.Or(c.RetryMin, defaultRetryMin)
	c.RetryMax = cmp.Or(c.RetryMax, max(c.RetryMin, defaultRetryMax))
	return c
}

func (c FollowConfig) validate() error {
	switch {
	case c.From != Now && c.From >= crdt.MaxSeq:
		return fmt.Errorf("%w: From is %d: expected an offset below 2^53, or Now", ErrFollowConfig, c.From)
	case c.MaxEntries < 1 || c.MaxEntries > maxFollowEntries:
		return fmt.Errorf("%w: MaxEntries is %d: expected 1 to %d", ErrFollowConfig, c.MaxEntries, maxFollowEntries)
	case c.MaxBytes < 1 || c.MaxBytes > maxFollowBytes:
		return fmt.Errorf("%w: MaxBytes is %d: expected 1 to %d", ErrFollowConfig, c.MaxBytes, maxFollowBytes)
	case c.MaxWait < 0:
		return fmt.Errorf("%w: MaxWait is %s: expected 0 or more", ErrFollowConfig, c.MaxWait)
	case c.OnError > RetryOnError:
		return fmt.Errorf("%w: OnError is %d: expected StopOnError or RetryOnError", ErrFollowConfig, c.OnError)
	case c.RetryMin < 0 || c.RetryMax < c.RetryMin:
		return fmt.Errorf("%w: RetryMin is %s and RetryMax %s: expected the first to be no more than the second", ErrFollowConfig, c.RetryMin, c.RetryMax)
	case c.ParkAfter < 0 || c.ParkAfter > 0 && c.OnError != RetryOnError:
		return fmt.Errorf("%w: ParkAfter is %d: expected 0, or a number of failures together with RetryOnError", ErrFollowConfig, c.ParkAfter)
	case c.filter().Size() > maxFilter:
		return fmt.Errorf("%w: Kinds, Modules, Subjects and Authors have %d bytes together: expected at most %d", ErrFollowConfig, c.filter().Size(), maxFilter)
	}
	return nil
}

func (c FollowConfig) filter() record.Filter {
	return record.Filter{Kinds: c.Kinds, Modules: c.Modules, Subjects: c.Subjects, Authors: c.Authors, Own: c.OwnEntries}
}

// HandlerError is returned when the handler of a follower has failed. Nothing of the batch was kept.
type HandlerError struct {
	Name        string // of the follower
	First, Last uint64 // offsets of the first and the last entry that it was given
	Attempts    int    // failures in a row, this one included
	Err         error  // the handler's
}

func (e *HandlerError) Error() string {
	return fmt.Sprintf("follower %q: handle entries at offsets %d to %d, attempt %d: %v", e.Name, e.First, e.Last, e.Attempts, e.Err)
}

// Unwrap returns the handler's error.
func (e *HandlerError) Unwrap() error { return e.Err }

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
	cfg = cfg.withDefaults()
	err := checkFollowerName(name)
	if err == nil {
		err = cfg.validate()
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
	f.source = source{store: fs.store, query: filterQuery(cfg.filter())}
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
		if !f.done(b.to) {
			f.source.readAhead(ctx, min(f.cfg.MaxEntries, defaultFollowEntries))
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
func (f *following) done(offset uint64) bool { return f.cfg.Until > 0 && offset >= f.cfg.Until }
