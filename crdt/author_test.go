package crdt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"filippo.io/edwards25519"
)

func TestParseAuthorRefusesText(t *testing.T) {
	good := rfc8032[0].public
	for _, text := range []string{
		"", good[:63], good + "0", strings.ToUpper(good), " " + good[1:], "0x" + good[2:], strings.Repeat("é", 32),
	} {
		if a, err := ParseAuthor(text); err == nil {
			t.Errorf("ParseAuthor(%q) = %s, want an error", text, a)
		}
	}
}

func TestAuthorText(t *testing.T) {
	a := AuthorOf(rfcKey(1))
	text, err := a.MarshalText()
	if err != nil || string(text) != rfc8032[1].public {
		t.Fatalf("MarshalText = %q, %v", text, err)
	}
	var back Author
	if err := back.UnmarshalText(text); err != nil || back != a {
		t.Errorf("UnmarshalText = %s, %v", back, err)
	}
	if a.Short() != rfc8032[1].public[:8] {
		t.Errorf("Short = %q", a.Short())
	}
	if a.IsZero() || !(Author{}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestAuthorRefusesSmallOrder(t *testing.T) {
	for _, text := range smallOrder {
		if _, err := ParseAuthor(text); !errors.Is(err, ErrAuthor) {
			t.Errorf("ParseAuthor(%s): %v, want ErrAuthor", text, err)
		}
	}
}

// Of the 38 encodings whose y is p or more, those of points of the curve are not canonical.
func TestAuthorRefusesEncodingsThatAreNotCanonical(t *testing.T) {
	for low := 0xed; low <= 0xff; low++ {
		for _, high := range []byte{0x7f, 0xff} {
			a := Author{0: byte(low), 31: high}
			for i := 1; i < 31; i++ {
				a[i] = 0xff
			}
			if err := a.Valid(); !errors.Is(err, ErrAuthor) {
				t.Errorf("%s: %v, want ErrAuthor", a, err)
			}
		}
	}
}

// TestAuthorIsAsItIsEncodedAgain compares the check of the form with encoding the point once more.
func TestAuthorIsAsItIsEncodedAgain(t *testing.T) {
	var all []Author
	for low := range 256 { // y around 0, around 2^255 and around the prime
		for _, rest := range []byte{0, 0xff} {
			for _, high := range []byte{0, 0x80, 0x7f, 0xff} {
				all = append(all, Author(append(append([]byte{byte(low)}, bytes.Repeat([]byte{rest}, 30)...), high)))
			}
		}
		all = append(all, sha256.Sum256([]byte{byte(low)}))
	}
	points, usable := 0, 0
	for _, a := range all {
		p, err := new(edwards25519.Point).SetBytes(a[:])
		want := err == nil && Author(p.Bytes()) == a &&
			new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 0
		if got := a.Valid() == nil; got != want {
			t.Errorf("%s is usable: %t, want %t", a, got, want)
		}
		if err == nil {
			points++
		}
		if want {
			usable++
		}
	}
	if usable == 0 || usable == points || points == len(all) {
		t.Errorf("of %d encodings %d are points and %d usable: that tells nothing", len(all), points, usable)
	}
}

func TestAuthorRefusesWhatIsNoPoint(t *testing.T) {
	no := "0200000000000000000000000000000000000000000000000000000000000000"
	if _, err := ParseAuthor(no); !errors.Is(err, ErrAuthor) {
		t.Errorf("y = 2 has no x on the curve: %v", err)
	}
}

func BenchmarkAuthorValid(b *testing.B) {
	a := AuthorOf(rfcKey(0))
	b.ReportAllocs()
	for b.Loop() {
		if err := a.Valid(); err != nil {
			b.Fatal(hex.EncodeToString(a[:]), err)
		}
	}
}
