package wire

import (
	"fmt"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
)

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

func (r *reader) head() crdt.Head {
	h := crdt.Head{Next: r.uint64(), ID: crdt.OpID(r.bytes32())}
	if r.err == nil && (h.Next == 0 || h.Next >= crdt.MaxSeq || h.ID.IsZero()) {
		r.fail("head (%d, %s) is none", h.Next, h.ID)
	}
	return h
}

// ask takes the number of an ask, which is not 0.
func (r *reader) ask() uint32 {
	n := r.uint32()
	if r.err == nil && n == 0 {
		r.fail("an ask without a number")
	}
	return n
}

func (r *reader) path() crdt.Path {
	n := int(r.uint8())
	if n > crdt.MaxPath {
		r.fail("a path of %d nibbles: expected at most %d", n, crdt.MaxPath)
		return crdt.Path{}
	}
	packed := r.next((n + 1) / 2)
	if r.err != nil {
		return crdt.Path{}
	}
	p, err := crdt.ParsePath(n, packed)
	if err != nil {
		r.fail("%w", err)
	}
	return p
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
		h := r.head()
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
