package crdt

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"

	"filippo.io/edwards25519"
	"github.com/quipulog/quipu/crdt/clip"
)

// Author is an Ed25519 public key (RFC 8032): who signs a feed. Its text form is 64 digits of
// lower-case hex.
type Author [ed25519.PublicKeySize]byte

// ErrAuthor is returned by [ParseAuthor] and [Author.Valid] when the bytes are no key that quipu
// accepts: not a point of the curve, not its canonical encoding, or a point of small order, under
// which one signature verifies any message.
var ErrAuthor = errors.New("not a usable Ed25519 public key")

// AuthorOf returns the author whose private key is key.
func AuthorOf(key ed25519.PrivateKey) Author {
	return Author(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

// ParseAuthor reads the text form. It refuses upper case, so that one author has one text, and every
// key that [Author.Valid] refuses.
func ParseAuthor(s string) (Author, error) {
	var a Author
	if err := parseHex(a[:], s); err != nil {
		return Author{}, fmt.Errorf("author %q: %w", clip.Text(s), err)
	}
	if err := a.Valid(); err != nil {
		return Author{}, err
	}
	return a, nil
}

// Valid checks that a is the canonical encoding of a point that is not of small order. It costs
// about as much as a tenth of a signature check.
func (a Author) Valid() error {
	p, err := new(edwards25519.Point).SetBytes(a[:])
	if err != nil {
		return fmt.Errorf("author %s: %w: no point of the curve", a, ErrAuthor)
	}
	if !a.reduced() {
		return fmt.Errorf("author %s: %w: not the canonical encoding of its point", a, ErrAuthor)
	}
	if new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return fmt.Errorf("author %s: %w: a point of small order", a, ErrAuthor)
	}
	return nil
}

// reduced reports whether the y-coordinate in a is below the prime of the field, 2^255-19, which is ed ff … ff 7f here.
// Then a is the canonical encoding of its point, but for two of small order: x is 0 there, and has a sign.
func (a Author) reduced() bool {
	for _, b := range a[1:31] {
		if b != 0xff {
			return true
		}
	}
	return a[0] < 0xed || a[31]&0x7f != 0x7f
}

// IsZero reports whether a is no author at all.
func (a Author) IsZero() bool { return a == Author{} }

// String returns the text form.
func (a Author) String() string { return hex.EncodeToString(a[:]) }

// Short returns the first 8 digits, for people; it identifies nobody.
func (a Author) Short() string { return hex.EncodeToString(a[:4]) }

// MarshalText returns the text form.
func (a Author) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is [ParseAuthor].
func (a *Author) UnmarshalText(text []byte) error {
	parsed, err := ParseAuthor(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}
