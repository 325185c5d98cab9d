package crdt

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
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
