package nearest_test

import (
	"testing"

	"github.com/quipulog/quipu/eventlog/nearest"
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
