package main

import (
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/api"
)

// TestTrimHintsAtCompact holds what trim prints against how much of the file is free.
func TestTrimHintsAtCompact(t *testing.T) {
	for _, c := range []struct {
		after api.FileUse
		hint  bool
	}{
		{api.FileUse{Bytes: 64 << 20, Free: 40 << 20}, true},
		{api.FileUse{Bytes: 64 << 20, Free: 32 << 20}, false},
		{api.FileUse{Bytes: 64 << 10, Free: 60 << 10}, false},
	} {
		var b strings.Builder
		if err := printTrim(&b, api.TrimReport{After: c.after}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "quipu compact"); got != c.hint {
			t.Errorf("%d of %d bytes free: hint %t, want %t", c.after.Free, c.after.Bytes, got, c.hint)
		}
	}
}
