package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
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

// TestPruneAsksNobody prunes with a stdin that looks like a terminal and has nobody before it.
func TestPruneAsksNobody(t *testing.T) {
	nobody, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	dir := filepath.Join(t.TempDir(), "a")
	for _, c := range []struct {
		args []string
		code int
		errs string
	}{
		{[]string{"init", "--dir", dir}, exitDone, ""},
		{[]string{"append", "--dir", dir, "--kind", "note"}, exitDone, ""},
		{[]string{"prune", "--dir", dir, "--below", "1"}, exitUsage, "give --yes"},
		{[]string{"prune", "--dir", dir, "--below", "1", "--yes"}, exitDone, "for good"},
	} {
		var errs bytes.Buffer
		if code := run(t.Context(), c.args, nobody, io.Discard, &errs); code != c.code || !strings.Contains(errs.String(), c.errs) {
			t.Errorf("%v: exit code %d, want %d: %s", c.args, code, c.code, errs.String())
		}
	}
}
