package crdt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
)

const (
	opContext     = "quipu/op/v1\x00"
	signatureSize = ed25519.SignatureSize
)

// ErrSignature is returned where a signature was checked that does not verify.
var ErrSignature = errors.New("signature does not verify")

// ErrBody is returned by [Op.CheckBody] when a body is not the one that its header was made for.
var ErrBody = errors.New("body does not match its header")

// Header is the signed part of an op.
type Header struct {
	Log       LogID
	Author    Author
	First     uint64 // seq of the first entry
	Count     uint64 // entries: 1 to 4,096
	Prev      OpID   // the author's op before this one; zero in the first
	Root      Hash   // Merkle root over the encoded entries (RFC 6962)
	Clock     Clock
	Retention Retention
	Floor     uint64 // the author's leave to forget all below it; 0 if none
}

// Next returns the seq after the op's last entry.
func (h Header) Next() uint64 { return h.First + h.Count }

// Signed is a header with its signature: all of an op that its id covers, and all that is left of a
// trimmed one. The bytes were made once, by the author, and are never encoded again.
type Signed struct {
	Header
	ID  OpID
	raw []byte // header ‖ signature
}

// Op is the signed unit of replication: 1 to 4,096 consecutive entries of one feed. The zero Op is
// not valid; ops come from [ParseOp] and [Seal]. An Op is never changed and may be shared.
type Op struct {
	Signed
	all []byte // header ‖ signature ‖ body; the same as Signed.raw when trimmed
}

// ParseSigned reads a header and its signature from all of b, which it keeps: the caller does not
// write to b again. The signature is not checked; see [Signed.Verify].
func ParseSigned(b []byte) (Signed, error) {
	signed, rest, err := CutSigned(b)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes follow the signature", ErrMalformed, len(rest))
	}
	if err != nil {
		return Signed{}, fmt.Errorf("parse signed header: %w", err)
	}
	return signed, nil
}

// ParseOp reads an op from all of b, which it keeps: the caller does not write to b again. It checks
// the form, every limit and the number of entries. It checks neither the signature nor the root over
// the entries: [Run.Verify] does.
//
// An op without its body parses when it is trimmable: see [Op.Trimmed].
func ParseOp(b []byte) (Op, error) {
	signed, _, err := CutSigned(b)
	if err != nil {
		return Op{}, fmt.Errorf("parse op: %w", err)
	}
	op := Op{Signed: signed, all: b[:len(b):len(b)]}
	if err := op.checkShape(); err != nil {
		return Op{}, fmt.Errorf("parse op %s/%d: %w", op.Author.Short(), op.First, err)
	}
	return op, nil
}

// CutSigned reads a header and its signature from the front of b, which may be an op with a body: what
// an index over ops needs, at a part of the cost of [ParseOp]. It keeps b. The signature is not checked,
// nor is what follows it looked at.
func CutSigned(b []byte) (signed Signed, rest []byte, err error) {
	if signed, rest, err = cutUnnamed(b); err == nil {
		signed.ID = sha256.Sum256(signed.raw)
	}
	return signed, rest, err
}

// cutUnnamed is CutSigned without the id.
func cutUnnamed(b []byte) (signed Signed, rest []byte, err error) {
	s := shape{b: b}
	signed.Header = s.header()
	s.next(signatureSize)
	if s.err != nil {
		return Signed{}, nil, s.err
	}
	signed.raw = b[:s.at:s.at]
	return signed, b[s.at:], nil
}

// Reopen reads an op that [ParseOp] has read and [Op.CheckBody] has passed, as they were when it was stored,
// from all of b, which it keeps: the caller does not write to b again. The caller vouches that id is that op's
// and that b has not changed since, as by a checksum over both. So Reopen reads the header alone: it hashes
// nothing, and no entry is looked at before it is read. [EntryReader] checks each one then.
func Reopen(id OpID, b []byte) (Op, error) {
	signed, _, err := cutUnnamed(b)
	if err != nil {
		return Op{}, fmt.Errorf("reopen op %s: %w", id, err)
	}
	signed.ID = id
	return Op{Signed: signed, all: b[:len(b):len(b)]}, nil
}

// CutOp reads an op with its body from the front of b, as [ParseOp] does from all of it, and returns what follows. It
// keeps b. Of an op without its body it takes what follows for that.
func CutOp(b []byte) (op Op, rest []byte, err error) {
	signed, body, err := CutSigned(b)
	if err != nil {
		return Op{}, nil, err
	}
	op = Op{Signed: signed}
	end, err := op.entriesEnd(body)
	size := len(b) - len(body) + end
	if err == nil {
		err = op.checkSize(size)
	}
	if err != nil {
		return Op{}, nil, err
	}
	op.all = b[:size:size]
	return op, b[size:], nil
}

// entriesEnd returns where the op's entries end in b, which begins with them.
func (o *Op) entriesEnd(b []byte) (int, error) {
	s := shape{b: b}
	e := Event{Retention: o.Retention}
	for i := uint64(0); i < o.Count && s.err == nil; i++ {
		s.entry(&e, nil)
	}
	return s.at, s.err
}

func (o *Op) checkShape() error {
	if err := o.checkSize(o.Size()); err != nil {
		return err
	}
	if o.Trimmed() {
		if o.Retention != Trimmable {
			return fmt.Errorf("%w: a %s op without its body", ErrMalformed, o.Retention)
		}
		return nil
	}
	end, err := o.entriesEnd(o.body())
	s := shape{b: o.body(), at: end, err: err}
	s.end("last entry")
	return s.err
}

// checkSize says why an op with the header h cannot have size bytes, or nil.
func (h *Header) checkSize(size int) error {
	most := MaxOp
	if h.Count == 1 {
		most = MaxSingleOp
	}
	if size > most {
		return fmt.Errorf("%w: op of %d entries has %d bytes, at most %d are allowed", ErrMalformed, h.Count, size, most)
	}
	return nil
}

// Bytes returns header ‖ signature, as the author made them. The caller does not write to them.
func (s Signed) Bytes() []byte { return s.raw }

// Verify checks the signature and that the author is a usable key. Its errors wrap [ErrSignature] or
// [ErrAuthor].
func (s Signed) Verify() error {
	if err := s.Author.Valid(); err != nil {
		return err
	}
	return s.verify()
}

// verify is Verify for an author that is known to be valid.
func (s Signed) verify() error {
	split := len(s.raw) - signatureSize
	var small [512]byte
	message := append(append(small[:0], opContext...), s.raw[:split]...)
	if !ed25519.Verify(s.Author[:], message, s.raw[split:]) {
		return fmt.Errorf("op %s/%d: %w", s.Author.Short(), s.First, ErrSignature)
	}
	return nil
}

// Head returns the head of a chain that ends with the op.
func (s Signed) Head() Head { return Head{Next: s.Next(), ID: s.ID} }

// Key returns the op's place among the ops of its feed.
func (s Signed) Key() Key { return Key{First: s.First, ID: s.ID} }

// Bytes returns the op's bytes as its author made them, without the body if it is trimmed. The
// caller does not write to them.
func (o Op) Bytes() []byte { return o.all }

// Size returns the length of [Op.Bytes].
func (o Op) Size() int { return len(o.all) }

// Trimmed reports whether the op's body is gone.
func (o Op) Trimmed() bool { return len(o.all) == len(o.raw) }

// Trim returns the op without its body.
func (o Op) Trim() Op { return Op{Signed: o.Signed, all: o.raw} }

func (o Op) body() []byte { return o.all[len(o.raw):] }

// CheckBody checks the entries against the root in the header. A trimmed op passes. Its errors wrap
// [ErrBody].
func (o Op) CheckBody() error {
	if o.Trimmed() {
		return nil
	}
	var leaves merkle
	end := 0
	for _, entry := range o.encoded() {
		leaves.add(leafHash(entry))
		end += len(entry)
	}
	if leaves.n != o.Count || end != len(o.body()) || leaves.root() != o.Root {
		return fmt.Errorf("op %s/%d: %w", o.Author.Short(), o.First, ErrBody)
	}
	return nil
}

// encoded yields the bytes of each entry by its index, up to one that is none.
func (o Op) encoded() iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		if o.Trimmed() {
			return
		}
		s, e := shape{b: o.body()}, Event{Retention: o.Retention}
		for i := range o.Count {
			from := s.at
			s.entry(&e, nil)
			if s.err != nil || !yield(i, s.b[from:s.at:s.at]) {
				return
			}
		}
	}
}

// Entries yields the op's entries in order of seq; none if the op is trimmed. They share the op's
// memory. An error, which is the last thing it yields, is that of [EntryReader.Err].
func (o Op) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var r EntryReader
		r.Open(&o)
		var e Entry
		for r.Next(&e) {
			if !yield(e, nil) {
				return
			}
		}
		if r.Err() != nil {
			yield(Entry{}, r.Err())
		}
	}
}
