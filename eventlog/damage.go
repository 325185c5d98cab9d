package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
)

// DamagedError is returned when the file is not as it was written: cut short, overwritten, or on a disk
// that gives back other bytes. Damage is found where it is met; [Log.Verify] looks for all of it. What is
// not damaged goes on being served.
type DamagedError struct {
	Path string // of the file
	What string // what is damaged: "op 5e0f…/12", "the file"
	Err  error  // how the damage was found

	op *crdt.Place // that is damaged or missing, where it is an op
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged: %s: %v (keep a copy of the file, check the disk; quipu verify says what else is, "+
		"quipu repair brings back what can be read and what other nodes hold)", e.Path, e.What, e.Err)
}

// Unwrap returns how the damage was found.
func (e *DamagedError) Unwrap() error { return e.Err }

// errMissing says of an op that it must be held and is not.
var errMissing = errors.New("it is missing")

// asDamaged is [errors.AsType] for the error that everything here meets.
func asDamaged(err error) (*DamagedError, bool) { return errors.AsType[*DamagedError](err) }

// damagedOp returns the error for an op whose bytes are wrong. locate adds the path.
func damagedOp(a crdt.Author, key crdt.Key, err error) error {
	return &DamagedError{What: fmt.Sprintf("op %s/%d", a.Short(), key.First), Err: err, op: &crdt.Place{Author: a, Seq: key.First}}
}

// damagedFeed returns the error for a feed record that is wrong.
func damagedFeed(a crdt.Author, err error) error {
	return &DamagedError{What: fmt.Sprintf("the record of feed %s", a.Short()), Err: err}
}

// damagedFollower returns the error for what is kept of a follower and is wrong.
func damagedFollower(name string, err error) error {
	return &DamagedError{What: fmt.Sprintf("the cursor or the record of follower %q, which is to be reset or removed", name), Err: err}
}

// damagedArrival returns the error for an arrival that is wrong.
func damagedArrival(offset uint64, err error) error {
	return &DamagedError{What: fmt.Sprintf("the arrival at offset %d", offset), Err: err}
}

// locate makes a [*DamagedError] of damage that was met in the file, adds the path of the file to one that has
// none, and takes note that there is damage.
func (s *store) locate(err error) error {
	if found, ok := errors.AsType[*disk.Damage](err); ok {
		level := slog.LevelError
		if s.damage.Load() != nil {
			level = slog.LevelDebug // Whoever reads there again meets it again.
		}
		s.logger.Log(context.Background(), level, "read damaged file", "path", s.path, "err", found.Err)
		s.logger.Debug("read damaged file", "path", s.path, "stack", string(found.Stack))
		err = &DamagedError{What: found.What, Err: found.Err}
	}
	if err == disk.ErrOvertaken {
		err = fmt.Errorf("%w: %s", err, s.path)
	}
	if damaged, ok := asDamaged(err); ok {
		if damaged.Path == "" {
			damaged.Path = s.path
		}
		s.damage.CompareAndSwap(nil, damaged)
		if op := damaged.op; op != nil && s.holes.Met(op.Author, op.Seq) {
			s.logger.Error("an op cannot be read: it is put back, as are others, when a peer has it", "author", op.Author, "seq", op.Seq, "err", damaged.Err)
		}
	}
	return err
}
