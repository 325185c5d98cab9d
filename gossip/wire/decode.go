package wire

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
)

// ErrMalformed is wrapped by every error about bytes that are no message: it is the peer's offence.
var ErrMalformed = errors.New("malformed message")

// VersionError is returned by [Parse] for a hello of another version of the protocol.
type VersionError struct {
	Version uint16
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("peer speaks version %d of the protocol, this program version %d", e.Version, Version)
}

// Parse reads the body of a message of kind k. Ops keep the body: the caller does not write to it
// again. Its errors wrap [ErrMalformed] or a [*VersionError].
func Parse(k Kind, body []byte) (Message, error) {
	r := reader{b: body}
	var m Message
	switch k {
	case KindHello:
		m = r.hello()
	case KindShut:
		m = Shut{Authors: r.authors(MaxShut)}
	case KindOffer:
		m = Offer{Root: crdt.Hash(r.bytes32())}
	case KindVector:
		m = r.vector()
	case KindMissing:
		m = r.missing()
	case KindOps:
		m = r.ops()
	case KindDone:
		m = Done{Author: r.author(), Complete: r.bool()}
	case KindBye:
		m = Bye{Code: Code(r.uint8()), Text: r.text(int(r.uint8()), MaxText)}
	default:
		r.fail("there is no message of %s", k)
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes follow the message", len(r.b))
	}
	if r.err != nil {
		return nil, fmt.Errorf("parse %s: %w", k, r.err)
	}
	return m, nil
}

// reader takes a body apart from the front. The first fault stays in err; every later step returns
// zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, args...))
	}
}

// next takes n bytes, or fails and returns nil.
func (r *reader) next(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.b) {
		r.fail("cut off: %d more bytes expected, %d left", n, len(r.b))
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) uint8() uint8 {
	if b := r.next(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.next(2); b != nil {
		return be.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.next(4); b != nil {
		return be.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.next(8); b != nil {
		return be.Uint64(b)
	}
	return 0
}

func (r *reader) bool() bool {
	n := r.uint8()
	if n > 1 {
		r.fail("%d is neither true nor false", n)
	}
	return n == 1
}

func (r *reader) bytes32() (b [32]byte) {
	copy(b[:], r.next(len(b)))
	return b
}

func (r *reader) author() crdt.Author { return crdt.Author(r.bytes32()) }

// count takes the length of a list whose elements have at least size bytes each, and fails when it is
// above most or more than what is left can hold: so what it returns may be allocated.
func (r *reader) count(n uint32, size, most int, what string) int {
	if r.err == nil && (uint64(n) > uint64(most) || uint64(n)*uint64(size) > uint64(len(r.b))) {
		r.fail("%d %s: expected at most %d, in %d bytes", n, what, most, len(r.b))
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

func (r *reader) text(n, most int) string {
	if n > most {
		r.fail("a text of %d bytes: expected at most %d", n, most)
	}
	b := r.next(n)
	if !utf8.Valid(b) {
		r.fail("a text is not valid UTF-8")
	}
	return string(b)
}

// heads takes at least least heads, strictly ascending.
func (r *reader) heads(least, most int) []crdt.Head {
	n := r.count(uint32(r.uint16()), headSize, most, "heads")
	if r.err == nil && n < least {
		r.fail("%d heads: expected at least %d", n, least)
	}
	if n == 0 {
		return nil
	}
	heads := make([]crdt.Head, n)
	for i := range heads {
		h := crdt.Head{Next: r.uint64(), ID: crdt.OpID(r.bytes32())}
		if r.err == nil && (h.Next == 0 || h.Next >= crdt.MaxSeq || h.ID.IsZero()) {
			r.fail("head (%d, %s) is none", h.Next, h.ID)
		}
		if i > 0 && heads[i-1].Compare(h) >= 0 {
			r.fail("heads are not strictly ascending")
		}
		heads[i] = h
	}
	return heads
}

func (r *reader) authors(most int) []crdt.Author {
	n := r.count(r.uint32(), authorSize, most, "authors")
	if n == 0 {
		return nil
	}
	authors := make([]crdt.Author, n)
	for i := range authors {
		authors[i] = r.author()
		if i > 0 && authors[i-1].Compare(authors[i]) >= 0 {
			r.fail("authors are not strictly ascending")
		}
	}
	return authors
}

func (r *reader) hello() Message {
	m := Hello{Version: r.uint16()}
	if r.err == nil && m.Version != Version {
		r.err = &VersionError{Version: m.Version}
	}
	copy(m.Log[:], r.next(len(m.Log)))
	if n := int(r.uint16()); n > MaxGenesis {
		r.fail("a genesis of %d bytes: expected at most %d", n, MaxGenesis)
	} else {
		m.Genesis = r.next(n)
	}
	m.Name = r.text(int(r.uint8()), MaxName)
	m.Held = r.heads(0, MaxHeads)
	return m
}

func (r *reader) vector() Message {
	m := Vector{Partial: r.bool(), After: r.author(), Upto: r.author()}
	n := r.count(uint32(r.uint16()), authorSize+2+headSize, MaxVectorAuthors, "authors")
	m.Heads = make(crdt.Frontier, n)
	last := m.After
	for i := 0; i < n && r.err == nil; i++ {
		a := r.author()
		if last.Compare(a) >= 0 || a.Compare(m.Upto) > 0 {
			r.fail("author %s is out of order", a.Short())
		}
		m.Heads[a] = r.heads(1, MaxHeads)
		last = a
	}
	return m
}

func (r *reader) missing() Message {
	n := r.count(uint32(r.uint16()), authorSize+4, MaxWants, "wants")
	if r.err == nil && n == 0 {
		r.fail("nothing is wanted")
	}
	m := Missing{Wants: make([]crdt.Want, n)}
	for i := range m.Wants {
		w := &m.Wants[i]
		w.Author = r.author()
		w.Locator.Heads = r.heads(0, crdt.MaxLocator)
		back := r.count(uint32(r.uint16()), headSize, crdt.MaxLocator-len(w.Locator.Heads), "locator items")
		for range back {
			w.Locator.Back = append(w.Locator.Back, crdt.Key{First: r.uint64(), ID: crdt.OpID(r.bytes32())})
		}
	}
	return m
}

func (r *reader) ops() Message {
	m := Ops{Author: r.author(), Answer: r.bool()}
	if n := int(r.uint16()); n > maxLeave {
		r.fail("a leave of %d bytes: expected at most %d", n, maxLeave)
	} else if n > 0 {
		m.Run.Leave = r.leave(n, m.Author)
	}
	n := r.count(uint32(r.uint16()), 4, MaxRunOps, "ops")
	if r.err == nil && n == 0 {
		r.fail("a run without ops")
	}
	m.Run.Ops = make([]crdt.Op, 0, n)
	for i := 0; i < n && r.err == nil; i++ {
		b := r.next(r.count(r.uint32(), 1, crdt.MaxSingleOp, "bytes of an op"))
		if r.err != nil || m.Newer != nil {
			continue // What follows an op that cannot be read cannot be placed.
		}
		op, err := crdt.ParseOp(b)
		if newer, ok := errors.AsType[*crdt.VersionError](err); ok {
			m.Newer = newer
			continue
		}
		if err == nil && op.Author != m.Author {
			err = fmt.Errorf("an op of %s in a run of %s", op.Author.Short(), m.Author.Short())
		}
		if err != nil {
			r.fail("%w", err)
		}
		m.Run.Ops = append(m.Run.Ops, op)
	}
	return m
}

// leave takes an author's leave of n bytes.
func (r *reader) leave(n int, author crdt.Author) crdt.Signed {
	leave, err := crdt.ParseSigned(r.next(n))
	if err == nil && leave.Author != author {
		err = fmt.Errorf("a leave of %s before a run of %s", leave.Author.Short(), author.Short())
	}
	if err != nil {
		r.fail("%w", err)
	}
	return leave
}
