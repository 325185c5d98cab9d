package eventlog

import (
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// ErrSecondWriter is returned by everything that appends once an op of our own author has arrived that
// contradicts what was written here: somebody else writes with our key, a copy of this node or an older
// state of it. That op is stored like any other, so that all branches are held here too. Everything but
// appending goes on. An op that only lies beyond our head contradicts nothing: see [ErrRecovering].
var ErrSecondWriter = errors.New("another node writes with our key")

// ErrRecovering is returned by everything that appends once an op of our own has arrived that lies beyond the end of
// our feed here: the folder is older than what was written with its key, most often because it was restored from a
// backup. Nobody here can know what else is missing, and a seq must not be given twice: so nothing is appended until
// [Log.Recover]. The error is a [*RecoveringError]. Everything but appending goes on.
var ErrRecovering = errors.New("this folder is older than what this node has written before: restored from a backup?")

// RecoveringError says how the log knows that its folder is older than its own feed.
type RecoveringError struct {
	// Own is where our feed ended here when Op came; zero where nothing was written.
	Own crdt.Head
	// Op is the first op that came from beyond that end.
	Op crdt.Signed
}

func (e *RecoveringError) Error() string {
	author, here := e.Op.Author.Short(), "none was here"
	if e.Own.Next > 0 {
		here = fmt.Sprintf("the last one here was %s/%d", author, e.Own.Next-1)
	}
	return fmt.Sprintf("%v (its own entry %s/%d came from elsewhere, and %s)", ErrRecovering, author, e.Op.First, here)
}

// Unwrap returns [ErrRecovering].
func (e *RecoveringError) Unwrap() error { return ErrRecovering }

// appendable says why nothing can be appended to a log that can be written to, or nil. Peers' ops are
// stored all the same.
func (s *store) appendable() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.secondOp != nil:
		return fmt.Errorf("%w: op %s/%d with the id %s was not written here", ErrSecondWriter,
			s.secondOp.Author.Short(), s.secondOp.First, s.secondOp.ID)
	case s.headless != nil:
		return s.headless
	case s.recovering != nil:
		return s.recovering
	}
	return nil
}
