package record

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Arrival is what stands in the arrivals: which op came to be held, and which offsets its entries have,
// from Offset on. Its key is the offset, its value
//
//	author (32) ‖ first (8) ‖ op id (32) ‖ count (8)
type Arrival struct {
	Offset uint64
	Author crdt.Author
	Key    crdt.Key
	Count  uint64
}

// ArrivalSize is the length of an arrival's value, in bytes.
const ArrivalSize = 32 + opKeySize + 8

// Encode returns the value of an arrival.
func (a *Arrival) Encode() []byte { return a.Append(make([]byte, 0, ArrivalSize)) }

// Append appends the value of an arrival to b.
func (a *Arrival) Append(b []byte) []byte {
	b = append(b, a.Author[:]...)
	key := OpKey(a.Key)
	return binary.BigEndian.AppendUint64(append(b, key[:]...), a.Count)
}

// ParseArrival reads an arrival from its key and its value.
func ParseArrival(k, v []byte) (Arrival, error) {
	if len(k) != offsetSize || len(v) != ArrivalSize {
		return Arrival{}, fmt.Errorf("arrival of %d and %d bytes: %w", len(k), len(v), ErrLength)
	}
	a := Arrival{Offset: binary.BigEndian.Uint64(k), Author: crdt.Author(v), Count: binary.BigEndian.Uint64(v[32+opKeySize:])}
	a.Key, _ = ParseOpKey(v[32 : 32+opKeySize])
	if a.Count == 0 || a.Count > crdt.MaxOpEntries || a.Offset >= crdt.MaxSeq {
		return Arrival{}, fmt.Errorf("arrival of %d entries at %d", a.Count, a.Offset)
	}
	return a, nil
}

// ArrivalTime says when a stretch of arrivals has begun, and when the one before it had its last. Its value is both
// in milliseconds since 1970, 8 bytes each.
type ArrivalTime struct{ Began, Ended time.Time }

// Encode returns the value of the times.
func (t ArrivalTime) Encode() []byte {
	v := binary.BigEndian.AppendUint64(nil, uint64(t.Began.UnixMilli()))
	return binary.BigEndian.AppendUint64(v, uint64(t.Ended.UnixMilli()))
}

// ParseArrivalTime reads the value of the times.
func ParseArrivalTime(v []byte) (t ArrivalTime, err error) {
	if len(v) != 16 {
		return ArrivalTime{}, fmt.Errorf("time of %d bytes: %w", len(v), ErrLength)
	}
	t.Began = time.UnixMilli(int64(binary.BigEndian.Uint64(v)))
	t.Ended = time.UnixMilli(int64(binary.BigEndian.Uint64(v[8:])))
	return t, nil
}
