package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog/follower"
)

// ErrNoFollower is returned for the name of a follower of which the log keeps nothing. The error lists the
// followers that there are.
var ErrNoFollower = errors.New("no such follower")

// ErrFollowing is returned by [Log.Follow], [Log.Deliver] and [Log.RemoveFollower] while a follower of that
// name runs in this process.
var ErrFollowing = errors.New("a follower of that name runs")

// ErrElsewhere is returned when a follower whose cursor is in a [CursorStore] is to be followed, reset or
// skipped without that store, and by [Log.Deliver] with a store for a follower whose cursor is in the log.
var ErrElsewhere = errors.New("the cursor of the follower is kept elsewhere")

// ErrTooManyFollowers is returned by [Log.Follow] and [Log.Deliver] for a new name where there are as many as MaxFollowers of
// the configuration.
var ErrTooManyFollowers = errors.New("there are too many followers")

// errMoved says that the cursor is not where the batch was read from.
var errMoved = errors.New("cursor was moved")

// filterQuery returns the query for what a filter takes.
func filterQuery(f follower.Filter) Query {
	return Query{Order: Arrival, Kinds: f.Kinds, Modules: f.Modules, Subjects: f.Subjects, Authors: f.Authors}
}

// kept is what the file has of a follower.
type kept struct {
	cursor uint64
	record follower.Record
}

// follower returns what is kept under name, and whether anything is.
func (tx *readTx) follower(name string) (f kept, found bool, err error) {
	v := tx.Tree(bucketFollowers).Get([]byte(name))
	if v == nil {
		return f, false, nil
	}
	f, err = decodeFollower(name, v)
	return f, err == nil, err
}

func decodeFollower(name string, v []byte) (f kept, err error) {
	if f.cursor, f.record, err = follower.Parse(name, v); err != nil {
		return kept{}, damagedFollower(name, err)
	}
	return f, nil
}

// putFollower keeps f under name.
func (tx *Tx) putFollower(name string, f kept) error {
	v, err := f.record.Encode(name, f.cursor)
	if err != nil {
		return fmt.Errorf("store follower %q: %w", name, err)
	}
	return tx.do(func() error {
		return tx.w.Tree(bucketFollowers).Put([]byte(name), v)
	})
}

// follower is that of readTx, in a step of its own.
func (tx *Tx) follower(name string) (f kept, found bool, err error) {
	err = tx.do(func() (err error) {
		f, found, err = tx.r.follower(name)
		return err
	})
	return f, found, err
}

// followers are those that the log knows, and those of them that run. A log is open in one process, so nobody
// else runs one.
type followers struct {
	store   *store
	running sync.Map // by name, to its *claim
}

// claim is a follower that runs.
type claim struct {
	// moved is sent to when somebody else has moved the cursor.
	moved chan struct{}
}

// take gives its caller the name of a follower, until release.
func (fs *followers) take(name string) (*claim, error) {
	mine := &claim{moved: make(chan struct{}, 1)}
	if _, runs := fs.running.LoadOrStore(name, mine); runs {
		return nil, fmt.Errorf("follower %q: %w", name, ErrFollowing)
	}
	return mine, nil
}

func (fs *followers) release(name string) { fs.running.Delete(name) }

// runs reports whether the follower called name does.
func (fs *followers) runs(name string) bool {
	_, runs := fs.running.Load(name)
	return runs
}

// wake tells the follower called name, if it runs, that its cursor was moved.
func (fs *followers) wake(name string) {
	if f, runs := fs.running.Load(name); runs {
		select {
		case f.(*claim).moved <- struct{}{}:
		default: // it has not looked yet
		}
	}
}

// Followers returns where each follower stands, in order of name. Of one whose record is damaged nothing is known but that.
func (l *Log) Followers(ctx context.Context) ([]FollowerStatus, error) {
	var all []FollowerStatus
	var from []byte
	err := l.store.views(ctx, func(tx *readTx) (more bool, err error) {
		k, v := tx.Tree(bucketFollowers).Cursor().Seek(from)
		if k == nil {
			return false, nil
		}
		f, damage := decodeFollower(string(k), v)
		status, err := l.followers.status(tx, string(k), f)
		if damage != nil {
			status.Failure = &Failure{Error: clip.To(l.store.locate(damage).Error(), follower.MaxErrorText), Attempts: 1, Time: l.store.cfg.Now()}
		}
		if err == nil && tx.Err() == nil {
			all, from = append(all, status), append([]byte(string(k)), 0) // the least name above
		}
		return true, err
	})
	if err != nil {
		return nil, fmt.Errorf("list followers: %w", err)
	}
	return all, nil
}

// Follower returns where the follower called name stands.
func (l *Log) Follower(ctx context.Context, name string) (status FollowerStatus, err error) {
	if ctx.Err() != nil {
		return status, context.Cause(ctx)
	}
	err = l.store.view(func(tx *readTx) error {
		f, found, err := tx.follower(name)
		if err != nil || !found {
			return errors.Join(err, tx.noFollower(name))
		}
		status, err = l.followers.status(tx, name, f)
		return err
	})
	return status, err
}

// noFollower returns the error for a name that nothing is kept of.
func (tx *readTx) noFollower(name string) error {
	var names []string
	c := tx.Tree(bucketFollowers).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		names = append(names, string(k))
	}
	if len(names) == 0 {
		return fmt.Errorf("%w: %q: this log has none", ErrNoFollower, clip.Text(name))
	}
	return fmt.Errorf("%w: %q: expected one of %s", ErrNoFollower, clip.Text(name), clip.List(names, 10, strings.Clone))
}

// status returns where f stands, which is kept under name.
func (fs *followers) status(tx *readTx, name string, f kept) (FollowerStatus, error) {
	r := &f.record
	s := FollowerStatus{
		Name: name, Cursor: f.cursor, Next: tx.next, Running: fs.runs(name), Elsewhere: r.Elsewhere,
		Handled: r.Handled, Parked: r.Parked, Skipped: r.Skipped, Dropped: r.Dropped, Trimmed: r.Trimmed,
		Failure: r.Failure, Filter: r.Filter.String(), Holds: !r.Loose, Since: r.Since,
	}
	if f.cursor >= tx.next {
		return s, nil
	}
	s.Lag = tx.next - f.cursor
	c := tx.arrivalCursor()
	if !c.holding(f.cursor) {
		return s, c.err
	}
	op, found, err := tx.Get(c.arrival.Author, c.arrival.Key)
	if err == nil && found {
		s.LagTime = max(0, fs.store.cfg.Now().Sub(op.Clock.Time()))
	}
	return s, err
}

// change runs fn in an Update on what is kept of a follower, and keeps the result.
func (fs *followers) change(ctx context.Context, name string, fn func(tx *Tx, f *kept) error) error {
	return fs.store.update(ctx, func(tx *Tx) error {
		f, found, err := tx.follower(name)
		if err == nil && !found {
			err = tx.do(func() error { return tx.w.noFollower(name) })
		}
		if err != nil {
			return err
		}
		if err := fn(tx, &f); err != nil {
			return err
		}
		return tx.putFollower(name, f)
	})
}

// ResetFollower moves the follower's cursor to an offset: at 0 the follower gets everything again, at [Now] only what
// is new. A follower that runs goes on from there. Its bucket stays as it is: to build its keys anew, remove the
// follower instead. A record that is damaged begins anew. A cursor that is in a [CursorStore] is moved there, not here:
// [ErrElsewhere].
func (l *Log) ResetFollower(ctx context.Context, name string, offset uint64) error {
	err := checkFollowerName(name)
	if err == nil {
		err = l.followers.change(ctx, name, func(tx *Tx, f *kept) error {
			if f.record.Elsewhere {
				return ErrElsewhere
			}
			if offset == Now {
				offset = tx.Next()
			}
			if offset > tx.Next() {
				return fmt.Errorf("%w: offset %d: expected 0 to %d, or Now", ErrQuery, offset, tx.Next())
			}
			f.cursor = offset
			return nil
		})
	}
	if _, damaged := asDamaged(err); damaged {
		err = l.store.update(ctx, func(tx *Tx) error { return tx.SetCursor(name, min(offset, tx.Next())) })
	}
	if err != nil {
		return fmt.Errorf("reset follower %q: %w", name, err)
	}
	l.followers.wake(name)
	return nil
}

// SkipFollower moves the follower's cursor behind the next n entries that are for it, most often the ones
// that fail, or to the end when there are fewer. It returns how many they were and counts them as skipped;
// entries found trimmed on the way it counts as trimmed. A follower that runs goes on from there. A cursor
// that is in a [CursorStore] is moved there, not here: [ErrElsewhere].
func (l *Log) SkipFollower(ctx context.Context, name string, n uint64) (skipped uint64, err error) {
	if err = checkFollowerName(name); err == nil {
		err = errMoved
	}
	for errors.Is(err, errMoved) { // the follower was faster
		skipped, err = l.followers.skip(ctx, name, n)
	}
	if err != nil {
		return 0, fmt.Errorf("skip entries of follower %q: %w", name, err)
	}
	l.followers.wake(name)
	return skipped, nil
}

func (fs *followers) skip(ctx context.Context, name string, n uint64) (skipped uint64, err error) {
	var at kept
	err = fs.store.view(func(tx *readTx) error {
		var found bool
		if at, found, err = tx.follower(name); err != nil || !found {
			return errors.Join(err, tx.noFollower(name))
		}
		return nil
	})
	if err == nil && at.record.Elsewhere {
		err = ErrElsewhere
	}
	if err != nil {
		return 0, err
	}
	s := source{store: fs.store, query: filterQuery(at.record.Filter), at: at.cursor}
	defer s.close()
	if !at.record.Filter.Own {
		s.by = name
	}
	skipped, trimmed, err := s.skip(ctx, n)
	if err != nil {
		return 0, err
	}
	to := s.passed()
	return skipped, fs.change(ctx, name, func(_ *Tx, f *kept) error {
		if f.cursor != at.cursor {
			return errMoved
		}
		f.cursor = to
		f.record.Skipped += skipped
		f.record.Trimmed += trimmed
		return nil
	})
}

// skip passes n entries, or all that there are, and whatever is trimmed before them.
func (s *source) skip(ctx context.Context, n uint64) (skipped, trimmed uint64, err error) {
	for more := true; skipped < n; {
		if h, found := s.hole(); found {
			trimmed += h.Count
			s.holes = s.holes[1:]
			continue
		}
		if len(s.pending) > 0 {
			s.pending = s.pending[1:]
			skipped++
			continue
		}
		if !more {
			break
		}
		if more, err = s.read(ctx); err != nil {
			return 0, 0, err
		}
	}
	return skipped, trimmed, nil
}

// RemoveFollower forgets the follower in one transaction: its cursor, its record, what it has parked, and its bucket
// of [Tx.Bucket]. A later follower of that name begins anew. A follower that runs is not removed: [ErrFollowing].
func (l *Log) RemoveFollower(ctx context.Context, name string) error {
	err := checkFollowerName(name)
	if err == nil {
		err = l.followers.remove(ctx, name)
	}
	if err != nil {
		return fmt.Errorf("remove follower: %w", err)
	}
	return nil
}

func (fs *followers) remove(ctx context.Context, name string) error {
	if _, err := fs.take(name); err != nil {
		return err
	}
	defer fs.release(name)
	return fs.store.update(ctx, func(tx *Tx) error {
		return tx.do(func() error {
			if tx.w.Tree(bucketFollowers).Get([]byte(name)) == nil {
				return tx.w.noFollower(name)
			}
			return errors.Join(
				tx.w.Tree(bucketFollowers).Remove([]byte(name)),
				tx.w.Tree(bucketParked).RemoveChild([]byte(name)),
				tx.w.Tree(bucketState).RemoveChild([]byte(name)),
			)
		})
	})
}

// SetHold makes a follower called h.Name that stands at h.Offset and is not run, but keeps from trims what h says.
func (tx *Tx) SetHold(h Hold) error {
	if err := checkName(h.Name); err != nil {
		return err
	}
	f, _, err := tx.follower(h.Name)
	if err != nil {
		return err
	}
	f.cursor, f.record.Until, f.record.Upto = h.Offset, h.Until, h.Upto
	return tx.putFollower(h.Name, f)
}

// checkFollowerName says why a program cannot have a follower of that name, or nil.
func checkFollowerName(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("%w: %q: expected UTF-8", ErrName, name)
	}
	if name == "/" {
		return fmt.Errorf("%w: %q: expected more, since paths have it as one of their parts", ErrName, name)
	}
	if strings.HasPrefix(name, crdt.ReservedPrefix) {
		return fmt.Errorf("%w: %q: names that begin with %q are the log's own", ErrName, name, crdt.ReservedPrefix)
	}
	return nil
}
