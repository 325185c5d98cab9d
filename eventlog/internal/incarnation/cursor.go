package incarnation

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Cursor is an offset as it is kept elsewhere: of which node's arrivals it is, under which name.
type Cursor struct {
	Node        [8]byte
	Incarnation [16]byte
	Offset      uint64
}

// String returns NODE.INCARNATION.OFFSET: 16 and 32 digits of hex, and a decimal number.
func (c Cursor) String() string {
	return hex.EncodeToString(c.Node[:]) + "." + hex.EncodeToString(c.Incarnation[:]) + "." + strconv.FormatUint(c.Offset, 10)
}

// ParseCursor reads what String returns, and nothing else.
func ParseCursor(s string) (c Cursor, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || !fromHex(c.Node[:], parts[0]) || !fromHex(c.Incarnation[:], parts[1]) {
		return c, false
	}
	offset, err := strconv.ParseUint(parts[2], 10, 64)
	c.Offset = offset
	return c, err == nil && c.String() == s
}

// fromHex reads hex that fills b, and reports whether text is that.
func fromHex(b []byte, text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == copy(b, raw) && len(raw) == len(b)
}

// Common returns up to where all that a name, in hex, counts below offset is here at the same offsets, where the
// arrivals end before next. It is 0 where that is not known: as when the present name is to have counted more than there is.
func (n Names) Common(name string, offset, next uint64) uint64 {
	var b [16]byte
	if !fromHex(b[:], name) {
		return 0
	}
	bound, _, _ := n.Bound(b)
	if offset = min(offset, bound); offset > next {
		return 0
	}
	return offset
}

// Check says why c is no place of the arrivals that have these names and end at here, "" if it is one. Where a reader
// that has come to c can go on all the same, and misses nothing, is safe; else that is zero.
func (n Names) Check(c, here Cursor) (safe Cursor, wrong string) {
	bound, _, known := n.Bound(c.Incarnation)
	switch {
	case c.Node != here.Node:
		return safe, fmt.Sprintf("it is of node %x…, this is node %x…: ask that one, or begin again without it", c.Node, here.Node)
	case !known:
		return safe, fmt.Sprintf("it is of incarnation %x, which this folder does not know, or not any more; its arrivals have begun anew as %x: "+
			"begin again without it", c.Incarnation, here.Incarnation)
	case c.Offset > bound:
		safe = c
		safe.Offset = bound
		return safe, fmt.Sprintf("it is of offset %d of incarnation %x, of which this folder has only what lies before offset %d, being a copy, "+
			"or put back to an older state since: begin again without it, or go on at %s, and meet again what is here of the rest",
			c.Offset, c.Incarnation, bound, safe)
	case c.Offset > here.Offset:
		return safe, fmt.Sprintf("it is of offset %d, this log ends before %d: begin again without it", c.Offset, here.Offset)
	}
	return safe, ""
}
