package crdt

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A path is the first digits of an author's text form, and all that is said of it follows from that.
func TestLawPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawAuthor(t), drawAuthor(t)
		depth := rapid.IntRange(0, MaxPath).Draw(t, "depth")
		p := PathTo(a, depth)
		prefix := a.String()[:depth]
		if got := strings.TrimSuffix(p.String(), "*"); got != prefix || p.Len() != depth {
			t.Fatalf("path %s of %d nibbles, want %s", p, p.Len(), prefix)
		}
		stepped := Path{}
		for i := range depth {
			stepped = stepped.Child(naiveNibble(a, i))
			if p.nibble(i) != naiveNibble(a, i) {
				t.Fatalf("nibble %d is %x", i, p.nibble(i))
			}
		}
		if stepped != p {
			t.Fatalf("step by step: %s, at once: %s", stepped, p)
		}
		contains := strings.HasPrefix(b.String(), prefix)
		if p.contains(b) != contains {
			t.Fatalf("%s contains %s: %t", p, b, !contains)
		}
		after, upto := p.AuthorRange()
		inside := after.Compare(b) < 0 && b.Compare(upto) <= 0
		if inside != (contains && !b.IsZero()) {
			t.Fatalf("%s is (%s, %s], author %s inside: %t", p, after, upto, b, inside)
		}
		q := PathTo(b, rapid.IntRange(0, MaxPath).Draw(t, "other depth"))
		if got, want := p.Compare(q), strings.Compare(prefix, strings.TrimSuffix(q.String(), "*")); got != want {
			t.Fatalf("%s compares to %s as %d, want %d", p, q, got, want)
		}
		packed := p.AppendNibbles(nil)
		if back, err := ParsePath(depth, packed); err != nil || back != p {
			t.Fatalf("%s is written as %x and read as %s, %v", p, packed, back, err)
		}
	})
}

func TestAuthorRange(t *testing.T) {
	for _, test := range []struct {
		path        string // hex digits
		after, upto string // the first bytes; the rest is ff
	}{
		{"", "00", "ff"},
		{"0", "00", "0f"},
		{"1", "0f", "1f"},
		{"00", "00", "00"},
		{"10", "0f", "10"},
		{"ff", "fe", "ff"},
		{"a00", "9f", "a00f"},
		{"0001", "0000", "0001"},
	} {
		var p Path
		for _, digit := range test.path {
			p = p.Child(strings.IndexRune("0123456789abcdef", digit))
		}
		fill := func(digits, with string) string { return digits + strings.Repeat(with, 64-len(digits)) }
		want := []string{fill(test.after, "f"), fill(test.upto, "f")}
		if strings.Trim(test.path, "0") == "" {
			want[0] = fill("", "0")
		}
		after, upto := p.AuthorRange()
		if got := []string{after.String(), upto.String()}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", p, got, want)
		}
	}
}

func TestParsePathRefuses(t *testing.T) {
	for _, test := range []struct {
		length int
		packed []byte
	}{
		{-1, nil}, {0, []byte{0}}, {1, nil}, {1, []byte{0x11}}, {2, []byte{1, 2}}, {3, []byte{1, 2}},
		{64, make([]byte, 31)}, {65, make([]byte, 33)}, {255, bytes.Repeat([]byte{1}, 128)},
	} {
		if p, err := ParsePath(test.length, test.packed); !errors.Is(err, errPath) {
			t.Errorf("%d nibbles in %x: %s, %v", test.length, test.packed, p, err)
		}
	}
	end := PathTo(Author{1}, 100)
	if end.Len() != MaxPath || end.Child(3) != end {
		t.Errorf("a path of %d nibbles goes on", end.Len())
	}
	if p := PathTo(Author{1}, -1); p != (Path{}) {
		t.Errorf("a path of -1 nibbles is %s", p)
	}
}
