package size_test

import (
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/size"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]size.Size{
		"0": 0, "4096": 4096, "1KiB": 1024, "500MB": 500e6, "20GiB": 20 << 30, "20 GiB": 20 << 30, "16777215TiB": 16777215 << 40,
	} {
		got, err := size.Parse(text)
		if err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
		if back, err := size.Parse(got.String()); err != nil || back != got {
			t.Errorf("%s is written %s, which reads %d, %v", text, got, back, err)
		}
	}
	for _, text := range []string{"", "GiB", "-1", "1.5GiB", "20G", "16777216TiB", "99999999999999999999"} {
		if got, err := size.Parse(text); err == nil || !strings.Contains(err.Error(), "expected a size, such as 20GiB") {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
