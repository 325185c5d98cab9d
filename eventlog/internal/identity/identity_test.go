package identity_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog/internal/identity"
)

// TestEncoding wants an identity back from its bytes, and nothing from others.
func TestEncoding(t *testing.T) {
	full := identity.Identity{
		Inode: 1, Birth: -2, Device: 3, Mount: 4, Host: [16]byte{5}, Boot: [16]byte{6}, FS: strings.Repeat("x", 32), Kept: true,
	}
	for _, is := range []identity.Identity{{}, {FS: "ext"}, full} {
		if got, err := identity.Parse(is.Encode()); err != nil || got != is {
			t.Errorf("%+v came back as %+v, %v", is, got, err)
		}
	}
	b := full.Encode()
	const keptAt = 1 + 4*8 + 2*16
	for name, spoilt := range map[string][]byte{
		"nothing":            nil,
		"cut":                b[:keptAt],
		"another version":    append([]byte{2}, b[1:]...),
		"a long name":        append(bytes.Clone(b), 'x'),
		"neither yes nor no": append(append(bytes.Clone(b[:keptAt]), 2), b[keptAt+1:]...),
	} {
		if got, err := identity.Parse(spoilt); !errors.Is(err, identity.ErrEncoding) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
