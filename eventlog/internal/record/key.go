// Package record is the bytes of what the log's file holds, of keys and of values. It is pure: it opens
// no file, and what it reads from it neither changes nor, but for an [Op], keeps.
//
// An [Op] is the value of an op, an [Arrival] says which op came to be held at an offset and an
// [ArrivalTime] when, and a [Feed] is what is kept of a feed beside its ops. The package knows how they
// are written, not in which bucket they lie. What is read is checked as far as its own bytes tell: an
// error says what is wrong with them, and whoever has read them says where they stand.
//
// Integers are big-endian, so that keys sort as numbers do.
package record

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// ErrLength is wrapped by every error about bytes that are too few or too many.
var ErrLength = errors.New("wrong length")

const (
	offsetSize = 8
	opKeySize  = 8 + 32
)

// Offset returns the bytes of an offset, a key in most buckets.
func Offset(offset uint64) [offsetSize]byte {
	var b [offsetSize]byte
	binary.BigEndian.PutUint64(b[:], offset)
	return b
}

// ParseOffset reads an offset from all of b.
func ParseOffset(b []byte) (uint64, error) {
	if len(b) != offsetSize {
		return 0, fmt.Errorf("offset of %d bytes: %w", len(b), ErrLength)
	}
	return binary.BigEndian.Uint64(b), nil
}

// CutOffset reads the offset that a value begins with, and returns what follows it in the value.
func CutOffset(v []byte) (offset uint64, rest []byte, err error) {
	if len(v) < offsetSize {
		return 0, nil, fmt.Errorf("offset of %d bytes: %w", len(v), ErrLength)
	}
	return binary.BigEndian.Uint64(v), v[offsetSize:], nil
}

// OpKey returns the key of an op in its feed: first (8) ‖ op id (32).
func OpKey(k crdt.Key) [opKeySize]byte {
	var b [opKeySize]byte
	binary.BigEndian.PutUint64(b[:], k.First)
	copy(b[8:], k.ID[:])
	return b
}

// ParseOpKey reads the key of an op from all of b.
func ParseOpKey(b []byte) (crdt.Key, error) {
	if len(b) != opKeySize {
		return crdt.Key{}, fmt.Errorf("op key of %d bytes: %w", len(b), ErrLength)
	}
	return crdt.Key{First: binary.BigEndian.Uint64(b), ID: crdt.OpID(b[8:])}, nil
}

// KeyAfter returns the least key above k.
func KeyAfter(k crdt.Key) crdt.Key {
	if !Count(k.ID[:], false) {
		k.First++
	}
	return k
}

// Count counts the number that b is, most significant byte first, up or down by one, and reports whether it has
// not come round.
func Count(b []byte, down bool) bool {
	by := byte(1)
	if down {
		by = 0xff
	}
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] += by; b[i] != by-1 && !down || b[i] != 0xff && down {
			return true
		}
	}
	return false
}
