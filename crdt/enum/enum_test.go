package enum_test

import (
	"testing"

	"github.com/quipulog/quipu/crdt/enum"
)

type cord uint8

var cords = []string{"", "pendant", "top"}

func TestText(t *testing.T) {
	for c, want := range map[cord]string{0: "cord(0)", 1: "pendant", 2: "top", 3: "cord(3)", 255: "cord(255)"} {
		if got := enum.Text(c, "cord", cords...); got != want {
			t.Errorf("%d: got %q, want %q", c, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]cord{"": 0, "a": 0, "b": 1, "c": 2} {
		if got, err := enum.Parse[cord](text, "cord", "a", "b", "c"); got != want || err != nil {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	_, err := enum.Parse[cord]("d", "cord", "a", "b", "c")
	if want := `cord "d": expected a, b or c`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
