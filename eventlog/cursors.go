package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/eventlog/internal/incarnation"
	"github.com/quipulog/quipu/eventlog/query"
)

// ErrForeignCursor is wrapped by the errors for a [Cursor] of another node, one beyond the end of this log, or one of
// arrivals that are not those of this folder: a cursor that was given out before the folder was put back to an older
// state, or copied, is good up to there and refused behind it, however far the log has grown since.
var ErrForeignCursor = errors.New("cursor is of another log on disk")

// ParseCursor reads the text form of a cursor. Errors wrap [ErrCursor].
func ParseCursor(s string) (Cursor, error) { return query.ParseCursor(s) }

// CursorAt returns the cursor before the entry at offset.
func (l *Log) CursorAt(offset uint64) Cursor { return l.store.cursorAt(offset) }

func (s *store) cursorAt(offset uint64) Cursor {
	return Cursor{Node: [8]byte(s.author[:8]), Incarnation: s.names().Present, Offset: offset}
}

// CursorAfter returns the cursor behind e, an entry that this log has returned. A reader that has done with
// e, and with all before e in arrival order, goes on there.
func (l *Log) CursorAfter(e Entry) Cursor { return l.CursorAt(e.Offset + 1) }

// checkCursor says why c is no place of this log, whose arrivals end before offset next, or nil; Name is left to the caller.
func (s *store) checkCursor(c Cursor, next uint64) *CursorError {
	c.Node = s.authors.Present(c.Node)
	safe, wrong := s.names().Check(incarnation.Cursor(c), incarnation.Cursor(s.cursorAt(next)))
	if wrong == "" {
		return nil
	}
	return &CursorError{Op: "resume", Err: fmt.Errorf("%w: %s", ErrForeignCursor, wrong), Safe: Cursor(safe)}
}

// CursorStore keeps the cursors of followers whose effects live elsewhere, in a table or a file: see
// [Log.Deliver]. For one name one goroutine calls its methods.
type CursorStore interface {
	// Load returns the cursor of the follower, and whether there is one.
	Load(ctx context.Context, name string) (c Cursor, found bool, err error)
	// Save keeps c, durably, in the place of the cursor that was kept before. A store whose cursors a
	// handler writes in its own transactions needs Save all the same: Save alone says where the follower
	// has begun, and how far it has come through entries that are not for it.
	Save(ctx context.Context, name string, c Cursor) error
}

// CursorError is returned by [Log.Deliver] for a cursor that cannot be loaded or saved, and by
// [Log.Deliver] and readings for one that is not of this log.
type CursorError struct {
	Name string // of the follower; empty for a reading
	Op   string // "load" or "save": the store has failed; "resume": the cursor is not of this log
	Err  error  // the store's, or one that wraps [ErrForeignCursor]
	// Safe is where a reader whose cursor is of arrivals that are here only in part can go on and misses nothing: what
	// lies before it is what the cursor counted, what it had from behind that it meets again. Zero where there is none.
	Safe Cursor
}

func (e *CursorError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("%s reading: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("follower %q: %s cursor: %v", e.Name, e.Op, e.Err)
}

// Unwrap returns what was wrong.
func (e *CursorError) Unwrap() error { return e.Err }

// resume puts the query's cursor where its offset stands. The log's arrivals end before offset next.
func (s *store) resume(q Query, next uint64) (Query, error) {
	if q.After.IsZero() {
		return q, nil
	}
	if wrong := s.checkCursor(q.After, next); wrong != nil {
		return q, wrong
	}
	q.FromOffset, q.After = q.After.Offset, Cursor{}
	return q, nil
}
