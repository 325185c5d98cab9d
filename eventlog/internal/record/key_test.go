package record_test

import (
	"encoding/hex"
	"testing"

	"github.com/quipulog/quipu/eventlog/internal/record"
)

// TestCountsUpAndDown: the author after ff…ff, and the one before 00…00, are none.
func TestCountsUpAndDown(t *testing.T) {
	for _, test := range []struct {
		from, to    string
		down, whole bool
	}{
		{"0000", "0001", false, true},
		{"00ff", "0100", false, true},
		{"ffff", "0000", false, false},
		{"ffff", "fffe", true, true},
		{"0100", "00ff", true, true},
		{"0001", "0000", true, true},
		{"0000", "ffff", true, false},
	} {
		b, _ := hex.DecodeString(test.from)
		if whole := record.Count(b, test.down); whole != test.whole || hex.EncodeToString(b) != test.to {
			t.Errorf("from %s, down %t: %x, %t", test.from, test.down, b, whole)
		}
	}
}
