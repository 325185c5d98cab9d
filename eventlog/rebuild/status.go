package rebuild

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog"
)

// Status says how far a rebuild is, as of its last checkpoint, or what it came to.
type Status struct {
	Name    string
	Version uint64 // of the state
	Range   Range
	// Done is how many entries of the range are done with, Gone how many of those were gone, Total how many there are.
	Done, Gone, Total uint64
	Unusable          bool
	// Began and Saved are when it began and when its state was last kept; Finished is zero while it is under way.
	Began, Saved, Finished time.Time
	// Err says why nothing else is known of it, such as a [*VersionError].
	Err error
}

func (r *record) status(name string) Status {
	return Status{
		Name: name, Version: r.Version, Range: r.span(), Done: r.Done, Gone: r.Gone, Total: r.Total, Unusable: r.Unusable,
		Began: r.Began, Saved: r.Saved, Finished: r.Finished,
	}
}

// List returns how far each rebuild is that is under way or has finished, in order of name.
func List(ctx context.Context, log *eventlog.Log) (all []Status, err error) {
	err = log.View(ctx, func(tx *eventlog.ReadTx) error {
		for key := range tx.Bucket(bucketRecords).Ascend(nil) {
			if s, found, err := Find(tx, string(key)); found || err != nil {
				s.Name, s.Err = string(key), err
				all = append(all, s)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list rebuilds: %w", err)
	}
	return all, nil
}

// Find returns how far the rebuild called name is, and whether there is one.
func Find(tx eventlog.Reader, name string) (Status, bool, error) {
	rec, found, err := read(tx.Reading(), name)
	return rec.status(name), found, err
}

// Usable returns an [*UnusableError] while a rebuild of that name is under way whose Config says Unusable, else nil: the
// state that tx shows may be used. The answer holds for the transaction.
func Usable(tx eventlog.Reader, name string) error {
	rec, found, err := read(tx.Reading(), name)
	if err != nil {
		return err
	}
	if found && rec.Unusable && rec.Finished.IsZero() {
		return &UnusableError{Name: name, Done: rec.Done, Total: rec.Total}
	}
	return nil
}

// Drop forgets the rebuild called name, under way or finished, of whatever version, with the state under way; the result
// of one that has finished is the program's and stays. It returns [ErrNotFound] where nothing is kept of one. A Run that
// is under way ends with [ErrTaken].
func Drop(ctx context.Context, log *eventlog.Log, name string) error {
	if err := (Config{}).validate(name); err != nil {
		return err
	}
	// Without the follower the record of one under way counts no more: a crash in between has dropped it.
	err := log.RemoveFollower(ctx, Prefix+name)
	none := errors.Is(err, eventlog.ErrNoFollower)
	if err != nil && !none {
		return fmt.Errorf("drop rebuild %q: %w", clip.Text(name), err)
	}
	err = log.Update(ctx, func(tx *eventlog.Tx) error {
		records := tx.Bucket(bucketRecords)
		if none && records.Get([]byte(name)) == nil {
			return ErrNotFound
		}
		return records.Delete([]byte(name))
	})
	if err != nil {
		return fmt.Errorf("drop rebuild %q: %w", clip.Text(name), err)
	}
	return nil
}
