package rebuild

import (
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
)

// ErrVersion is returned by a Load for a state of a version that it does not know; Run returns a [*VersionError].
var ErrVersion = errors.New("unknown version of a saved state")

// ErrUnusable is returned by [Usable], in a [*UnusableError].
var ErrUnusable = errors.New("the state is being rebuilt")

// ErrTaken is returned by a Run that finds that another one has gone on with the same rebuild, or that it was
// dropped meanwhile.
var ErrTaken = errors.New("the rebuild was taken up by another, or dropped")

// ErrNotFound is returned by [Drop] for a name that nothing is kept of.
var ErrNotFound = errors.New("no such rebuild")

// VersionError is returned by Run where the state that was kept is of a version that the program, or this package,
// does not know. It stays as it is: Config.Anew or [Drop] begin anew.
type VersionError struct {
	Name         string
	Saved, Known uint64
	// Form says that it is the form of the checkpoint that is not known, and not the state.
	Form bool
}

func (e *VersionError) Error() string {
	what := "state"
	if e.Form {
		what = "checkpoint"
	}
	return fmt.Sprintf("rebuild %q: the saved %s is of version %d, and this program knows version %d: go on with the program that has saved it, or begin anew",
		clip.Text(e.Name), what, e.Saved, e.Known)
}

// Is makes [ErrVersion] match.
func (e *VersionError) Is(target error) bool { return target == ErrVersion }

// RangeError is returned by Run where a rebuild of that name is under way over another range than the [Config] says.
type RangeError struct {
	Name string
	// Under is the range under way.
	Under Range
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("rebuild %q: another range is under way, in %s order to the frontier %s: finish that one, or begin anew", clip.Text(e.Name), e.Under.Order, e.Under.To.Hash())
}

// ApplyError is returned by Run for an entry that the projection cannot take.
type ApplyError struct {
	Name  string
	Place crdt.Place
	Kind  string
	Err   error
}

func (e *ApplyError) Error() string {
	return fmt.Sprintf("rebuild %q: apply %s of kind %q: %v", clip.Text(e.Name), e.Place, clip.Text(e.Kind), e.Err)
}

// Unwrap returns the projection's error.
func (e *ApplyError) Unwrap() error { return e.Err }

// UnusableError is returned by [Usable] while a rebuild is under way whose Config says Unusable.
type UnusableError struct {
	Name        string
	Done, Total uint64 // entries, as of the last checkpoint
}

func (e *UnusableError) Error() string {
	return fmt.Sprintf("%q is being rebuilt: %d of %d entries are done", clip.Text(e.Name), e.Done, e.Total)
}

// Is makes [ErrUnusable] match.
func (e *UnusableError) Is(target error) bool { return target == ErrUnusable }
