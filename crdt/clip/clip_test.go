package clip_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt/clip"
)

func TestTo(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc…"},
		{"éé", 3, "é…"},
		{"\xff\xff", 2, "\xff\xff"}, // whole, as it is
		{"a\xffbc", 3, "ab…"},
	} {
		if got := clip.To(c.text, c.most); got != c.want {
			t.Errorf("%q to %d bytes: got %q, want %q", c.text, c.most, got, c.want)
		}
	}
	if got, want := clip.Text(strings.Repeat("a", 81)), strings.Repeat("a", 80)+"…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestList(t *testing.T) {
	for most, want := range map[int]string{1: "1 and 2 more", 2: "1, 2 and 1 more", 3: "1, 2, 3", 4: "1, 2, 3"} {
		if got := clip.List([]int{1, 2, 3}, most, strconv.Itoa); got != want {
			t.Errorf("at most %d: got %q, want %q", most, got, want)
		}
	}
}
