package record

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/quipulog/quipu/crdt"
)

// Op is the value of an op. One that came without its body ends with the signature; where the body of
// another was trimmed here a stamp stands in its place:
//
//	offset of its first entry (8) ‖ sum (4) ‖ header and signature ‖ body
//	offset (8) ‖ sum (4) ‖ header and signature ‖ 0xc1 ‖ number of the sweep (8)
//
// The sum is the CRC-32C of what follows it, begun with what author, key and offset come to: bytes that were changed,
// an offset that was, and the value of another op have another sum. Four promises can be had of a value, each dearer
// than the one before; what they refuse is damage.
//
//	Offset           none; but one that the sum vouches for is the op's
//	Signed           the header is the one that the key's id is the hash of; nothing is said of offset and body
//	Check, Open      the value is what was written at this key: the disk has changed nothing. For readers
//	Verify           and it is the op that its author signed: hash, form and root. For peers, proofs and checks
type Op []byte

const (
	// opHead is what stands before the op, in bytes.
	opHead = offsetSize + crc32.Size
	// stampByte begins what stands in the place of a body that was trimmed here. No entry begins with it:
	// MessagePack never uses it.
	stampByte = 0xc1
	stampSize = 1 + 8
	// maxSigned is more than a header and its signature can have, in bytes.
	maxSigned = 320
	// maxTrimmed is more than an op without its body can have behind its sum, in bytes.
	maxTrimmed = maxSigned + stampSize
	// Head is more than stands before the body of an op, in bytes.
	Head = opHead + maxSigned
	// MaxOp is the most that the value of an op can have, in bytes.
	MaxOp = opHead + crdt.MaxSingleOp
)

// errSum says that a value is not what was written.
var errSum = errors.New("its checksum is another")

// NewOp returns the value of an op. It is made in room, which is used up to its capacity: it takes [OpSize].
func NewOp(room []byte, offset uint64, op crdt.Op) Op {
	v := append(begin(room, offset), op.Bytes()...)
	return v.summed(op.Author, op.Key())
}

// OpSize returns the length of an op's value.
func OpSize(op crdt.Op) int { return opHead + op.Size() }

// begin returns the head of a value in room, its sum still to come.
func begin(room []byte, offset uint64) Op {
	return append(binary.BigEndian.AppendUint64(room[:0], offset), make([]byte, crc32.Size)...)
}

// SealOp makes an op of drafts, as [crdt.Seal] does, and its value in room as [NewOp] does: it takes what the drafts
// have and [Head] bytes at most.
func SealOp(room []byte, offset uint64, key ed25519.PrivateKey, h crdt.Header, drafts []crdt.Draft) (Op, crdt.Op, error) {
	op, v, err := crdt.AppendSealed(begin(room, offset), key, h, drafts)
	if err != nil {
		return nil, crdt.Op{}, err
	}
	return Op(v).summed(op.Author, op.Key()), op, nil
}

// NewTrimmed returns the value of an op that a sweep has trimmed.
func NewTrimmed(offset uint64, s crdt.Signed, sweep uint64) Op {
	v := append(begin(make([]byte, 0, opHead+len(s.Bytes())+stampSize), offset), s.Bytes()...)
	v = append(v, stampByte)
	v = binary.BigEndian.AppendUint64(v, sweep)
	return v.summed(s.Author, s.Key())
}

func (v Op) summed(a crdt.Author, key crdt.Key) Op {
	binary.BigEndian.PutUint32(v[offsetSize:], v.sum(a, key))
	return v
}

// sum returns the checksum that v has as the value of the op at a's key.
func (v Op) sum(a crdt.Author, key crdt.Key) uint32 {
	h := mix(v.Offset(), key.First)
	for i := 0; i < len(a); i += 8 {
		h = mix(mix(h, binary.BigEndian.Uint64(a[i:])), binary.BigEndian.Uint64(key.ID[i:]))
	}
	return crc32.Update(uint32(h), castagnoli, v[opHead:])
}

// mix takes a word into h. It is one to one in both, so that of two rows of words that differ in one the results do.
func mix(h, word uint64) uint64 {
	h = (h ^ word) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// ParseOp returns v as the value of an op, of which only offset and sum are known to be there.
func ParseOp(v []byte) (Op, error) {
	if len(v) < opHead {
		return nil, fmt.Errorf("op of %d bytes: %w", len(v), ErrLength)
	}
	return v, nil
}

// Offset returns the offset of the op's first entry. The value is one that [ParseOp] or another method has taken.
func (v Op) Offset() uint64 { return binary.BigEndian.Uint64(v) }

// Size returns how many bytes are kept of the op.
func (v Op) Size() int { return len(v) - opHead }

// Kept returns what is kept of the op: its bytes, without the stamp of a sweep. They are v's.
func (v Op) Kept() []byte {
	b, _ := cutStamp(v.bytes())
	return b
}

// bytes returns what follows the sum; nothing of a value that is too short.
func (v Op) bytes() []byte { return v[min(len(v), opHead):] }

// Signed returns the header and signature of the op at a's key, which share v's memory.
func (v Op) Signed(a crdt.Author, key crdt.Key) (crdt.Signed, error) {
	s, _, err := crdt.CutSigned(v.bytes())
	if err = stands(a, key, &s, err); err != nil {
		return crdt.Signed{}, err
	}
	return s, nil
}

// CloneSigned is Signed for a caller that goes on without v.
func (v Op) CloneSigned(a crdt.Author, key crdt.Key) (crdt.Signed, error) {
	return Op(bytes.Clone(v[:min(len(v), Head)])).Signed(a, key)
}

// Check says why v is not what was written as the value of the op at a's key, or nil.
func (v Op) Check(a crdt.Author, key crdt.Key) error {
	if _, err := ParseOp(v); err != nil {
		return err
	}
	if v.sum(a, key) != binary.BigEndian.Uint32(v[offsetSize:]) {
		return errSum
	}
	return nil
}

// Open returns the op at a's key, as it was written. It shares v's memory.
func (v Op) Open(a crdt.Author, key crdt.Key) (crdt.Op, error) {
	if err := v.Check(a, key); err != nil {
		return crdt.Op{}, err
	}
	op, err := crdt.Reopen(key.ID, v.Kept())
	if err = stands(a, key, &op.Signed, err); err != nil {
		return crdt.Op{}, err
	}
	return op, nil
}

// Verify is Open that trusts no sum: all that [crdt.ParseOp] and [crdt.Op.CheckBody] check is checked.
func (v Op) Verify(a crdt.Author, key crdt.Key) (crdt.Op, error) {
	op, err := crdt.ParseOp(v.Kept())
	if err = stands(a, key, &op.Signed, err); err == nil {
		err = v.Check(a, key)
	}
	if err == nil {
		err = op.CheckBody()
	}
	if err != nil {
		return crdt.Op{}, err
	}
	return op, nil
}

// stands says why what was read is not the op at a's key, or nil.
func stands(a crdt.Author, key crdt.Key, s *crdt.Signed, err error) error {
	if err == nil && (s.Author != a || s.Key() != key) {
		err = fmt.Errorf("it is op %s/%d with the id %s", s.Author.Short(), s.First, s.ID)
	}
	return err
}

// Bodiless reports whether the op has no body: it was trimmed, here or before it came.
func (v Op) Bodiless() bool {
	b := v.bytes()
	if len(b) > maxTrimmed {
		return false
	}
	b, _ = cutStamp(b)
	_, rest, err := crdt.CutSigned(b)
	return err == nil && len(rest) == 0
}

// Sweep returns the number of the sweep that has trimmed the op; 0 when it was not trimmed here.
func (v Op) Sweep() uint64 {
	_, sweep := cutStamp(v.bytes())
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
