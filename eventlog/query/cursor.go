package query

import (
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog/internal/incarnation"
)

// ErrCursor is wrapped by the errors for a text that is no [Cursor].
var ErrCursor = errors.New("not a cursor")

// Cursor is a place in the arrival order of one node's log on disk: before the entry at Offset. A reader
// elsewhere keeps it in order to go on where it was: see [Query].After and CursorStore. The zero Cursor
// stands for none. The text form is NODE.INCARNATION.OFFSET: 16 and 32 digits of hex, and a decimal number.
type Cursor struct {
	// Node is the first 8 bytes of the node's author.
	Node [8]byte
	// Incarnation names the arrivals that Offset counts, see Log.Incarnation.
	Incarnation [16]byte
	// Offset is that of the entry to read next.
	Offset uint64
}

// IsZero reports whether c stands for no cursor.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// String returns the text form.
func (c Cursor) String() string { return incarnation.Cursor(c).String() }

// ParseCursor reads the text form. Errors wrap [ErrCursor].
func ParseCursor(s string) (Cursor, error) {
	c, ok := incarnation.ParseCursor(s)
	if !ok || c.Offset >= crdt.MaxSeq {
		return Cursor{}, fmt.Errorf("%w: %q: expected NODE.INCARNATION.OFFSET as this program writes it", ErrCursor, clip.Text(s))
	}
	return Cursor(c), nil
}

// MarshalText returns the text form.
func (c Cursor) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the text form.
func (c *Cursor) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCursor(string(text))
	return err
}
