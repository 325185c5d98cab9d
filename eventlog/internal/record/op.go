package record

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// Op is the value of an op. One that came without its body ends with the signature; where the body of
// another was trimmed here a stamp stands in its place:
//
//	offset of its first entry (8) ‖ header and signature ‖ body
//	offset (8) ‖ header and signature ‖ 0xc1 ‖ number of the sweep (8)
//
// Its methods take any bytes, but for Offset.
type Op []byte

const (
	// stampByte begins what stands in the place of a body that was trimmed here. No entry begins with it:
	// MessagePack never uses it.
	stampByte = 0xc1
	stampSize = 1 + 8
	// maxSigned is more than a header and its signature can have, in bytes.
	maxSigned = 320
	// maxTrimmed is more than an op without its body can have behind its offset, in bytes.
	maxTrimmed = maxSigned + stampSize
	// MaxOp is the most that the value of an op can have, in bytes.
	MaxOp = offsetSize + crdt.MaxSingleOp
)

// NewOp returns the value of an op.
func NewOp(offset uint64, op crdt.Op) Op {
	v := make([]byte, offsetSize, offsetSize+op.Size())
	binary.BigEndian.PutUint64(v, offset)
	return append(v, op.Bytes()...)
}

// NewTrimmed returns the value of an op that a sweep has trimmed.
func NewTrimmed(offset uint64, s crdt.Signed, sweep uint64) Op {
	v := make([]byte, offsetSize, offsetSize+len(s.Bytes())+stampSize)
	binary.BigEndian.PutUint64(v, offset)
	v = append(append(v, s.Bytes()...), stampByte)
	return binary.BigEndian.AppendUint64(v, sweep)
}

// Offset returns the offset of the op's first entry. The caller has checked that v has one, as Signed and
// [CutOffset] do.
func (v Op) Offset() uint64 { return binary.BigEndian.Uint64(v) }

// Size returns how many bytes are kept of the op.
func (v Op) Size() int { return len(v) - offsetSize }

// Signed returns the header and signature of the op at a's key, which share v's memory.
func (v Op) Signed(a crdt.Author, key crdt.Key) (crdt.Signed, error) {
	_, b, err := CutOffset(v)
	if err != nil {
		return crdt.Signed{}, err
	}
	s, _, err := crdt.CutSigned(b)
	if err = stands(a, key, s, err); err != nil {
		return crdt.Signed{}, err
	}
	return s, nil
}

// CloneSigned is Signed for a caller that goes on without v.
func (v Op) CloneSigned(a crdt.Author, key crdt.Key) (crdt.Signed, error) {
	return Op(bytes.Clone(v[:min(len(v), offsetSize+maxSigned)])).Signed(a, key)
}

// Open returns the op at a's key, checked against its root. It shares v's memory.
func (v Op) Open(a crdt.Author, key crdt.Key) (crdt.Op, error) {
	_, b, err := CutOffset(v)
	if err != nil {
		return crdt.Op{}, err
	}
	b, _ = cutStamp(b)
	op, err := crdt.ParseOp(b)
	if err = stands(a, key, op.Signed, err); err == nil {
		err = op.CheckBody()
	}
	if err != nil {
		return crdt.Op{}, err
	}
	return op, nil
}

// stands says why what was read is not the op at a's key, or nil.
func stands(a crdt.Author, key crdt.Key, s crdt.Signed, err error) error {
	if err == nil && (s.Author != a || s.Key() != key) {
		err = fmt.Errorf("it is op %s/%d with the id %s", s.Author.Short(), s.First, s.ID)
	}
	return err
}

// Bodiless reports whether the op has no body: it was trimmed, here or before it came.
func (v Op) Bodiless() bool {
	_, b, err := CutOffset(v)
	if err != nil || len(b) > maxTrimmed {
		return false
	}
	b, _ = cutStamp(b)
	_, rest, err := crdt.CutSigned(b)
	return err == nil && len(rest) == 0
}

// Sweep returns the number of the sweep that has trimmed the op; 0 when it was not trimmed here.
func (v Op) Sweep() uint64 {
	_, b, err := CutOffset(v)
	if err != nil {
		return 0
	}
	_, sweep := cutStamp(b)
	return sweep
}

// cutStamp returns the bytes of an op less its stamp, and the sweep that this names; 0 where there is none.
func cutStamp(b []byte) (op []byte, sweep uint64) {
	if len(b) > maxTrimmed || len(b) < stampSize || b[len(b)-stampSize] != stampByte {
		return b, 0
	}
	_, rest, err := crdt.CutSigned(b)
	if err != nil || len(rest) != stampSize || rest[0] != stampByte {
		return b, 0
	}
	return b[:len(b)-stampSize], binary.BigEndian.Uint64(rest[1:])
}
