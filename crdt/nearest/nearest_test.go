package nearest_test

import (
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt/nearest"
)

func TestName(t *testing.T) {
	known := []string{"append", "listen", "join", "secret-file", "log"}
	for _, c := range []struct{ name, want string }{
		{"lisen", "listen"},
		{"LISTEN", "listen"},
		{"secretfile", "secret-file"},
		{"joins", "join"},
		{"lgo", "log"},
		{"apend", "append"},
		{"", ""},
		{"foo", ""},
		{"listne", "listen"},
		{"zebra", ""},
		{"a-name-that-is-far-from-everything", ""},
	} {
		if got := nearest.Name(c.name, known); got != c.want {
			t.Errorf("Name(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUnknown(t *testing.T) {
	known := []string{"kind", "subject"}
	for name, want := range map[string]string{
		"knid":                   `unknown field "knid": did you mean "kind"? (the fields are kind, subject)`,
		"extra":                  `unknown field "extra": the fields are kind, subject`,
		strings.Repeat("x", 100): `unknown field "` + strings.Repeat("x", 80) + `…": the fields are kind, subject`,
	} {
		if got := nearest.Unknown("field", name, known).Error(); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := nearest.Unknown("parameter", "x", nil).Error(); got != `unknown parameter "x": there are no parameters here` {
		t.Error(got)
	}
}
