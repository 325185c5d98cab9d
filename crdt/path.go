package crdt

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
)

// MaxPath is how many nibbles the longest path has: those of an author.
const MaxPath = 2 * len(Author{})

// errPath says that bytes are no path.
var errPath = errors.New("not a path in a digest")

// Path names a place in the trie of a [Digest] by the nibbles that lead there from the top, of which
// there are at most [MaxPath]: all authors whose keys begin with them stand at it or below. The zero
// Path is the top. Paths can be compared with ==.
type Path struct {
	nibbles Author // zeros after the first len
	len     uint8
}

// PathTo returns the first depth nibbles of a; depth is at most [MaxPath].
func PathTo(a Author, depth int) Path {
	p := Path{len: uint8(min(max(depth, 0), MaxPath))}
	whole := p.Len() / 2
	copy(p.nibbles[:whole], a[:])
	if p.len%2 == 1 {
		p.nibbles[whole] = a[whole] & 0xf0
	}
	return p
}

// ParsePath reads what [Path.AppendNibbles] wrote of a path of the given length: exactly
// ([length]+1)/2 bytes, the last half-byte zero if the length is odd.
func ParsePath(length int, packed []byte) (Path, error) {
	if length < 0 || length > MaxPath || len(packed) != (length+1)/2 {
		return Path{}, fmt.Errorf("%w: %d nibbles in %d bytes, expected at most %d, two a byte",
			errPath, length, len(packed), MaxPath)
	}
	if length%2 == 1 && packed[len(packed)-1]&15 != 0 {
		return Path{}, fmt.Errorf("%w: %d nibbles that end in the byte %02x, expected its second half to be 0",
			errPath, length, packed[len(packed)-1])
	}
	p := Path{len: uint8(length)}
	copy(p.nibbles[:], packed)
	return p, nil
}

// AppendNibbles appends the nibbles of p to dst, two a byte, the first in the upper half. Of an odd
// number, the last byte's lower half is zero.
func (p Path) AppendNibbles(dst []byte) []byte { return append(dst, p.nibbles[:(p.Len()+1)/2]...) }

// Len returns the number of nibbles.
func (p Path) Len() int { return int(p.len) }

// nibble returns number i of the nibbles, for i below [Path.Len].
func (p Path) nibble(i int) int { return nibble(p.nibbles, i) }

// Child returns the path one nibble, 0 to 15, further down. A path of [MaxPath] nibbles has no child
// and is returned as it is.
func (p Path) Child(n int) Path {
	if p.Len() >= MaxPath {
		return p
	}
	half := byte(n & 15)
	if p.len%2 == 0 {
		half <<= 4
	}
	p.nibbles[p.len/2] |= half
	p.len++
	return p
}

// contains reports whether a stands at p or below.
func (p Path) contains(a Author) bool { return PathTo(a, p.Len()) == p }

// Compare orders paths by their nibbles, a path before those below it.
func (p Path) Compare(q Path) int {
	return cmp.Or(bytes.Compare(p.nibbles[:], q.nibbles[:]), cmp.Compare(p.len, q.len))
}

// AuthorRange returns the authors that p contains as a range: those above after, up to and including
// upto. The author of zeros, who is none, is never in it.
func (p Path) AuthorRange() (after, upto Author) {
	after, upto = p.nibbles, p.nibbles
	for i := len(after) - 1; i >= 0; i-- {
		if after[i]--; after[i] != 0xff {
			break
		}
	}
	if p.nibbles.IsZero() {
		after = Author{}
	}
	if p.len%2 == 1 {
		upto[p.len/2] |= 0x0f
	}
	for i := (p.Len() + 1) / 2; i < len(upto); i++ {
		upto[i] = 0xff
	}
	return after, upto
}

// String returns the nibbles as hex digits and a star for the rest.
func (p Path) String() string {
	if p.Len() == MaxPath {
		return p.nibbles.String()
	}
	return p.nibbles.String()[:p.Len()] + "*"
}
