package eventlog_test

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog"
)

// TestOtherFormat opens a file that the first version of the format was written with: it is refused, whoever it
// belongs to, stays as it is, and the error says how its entries come over.
func TestOtherFormat(t *testing.T) {
	f, err := os.Open("testdata/version1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	old, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, eventlog.FileName)
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = eventlog.Open(dir, config("a"))
	if !errors.Is(err, eventlog.ErrFormat) {
		t.Fatalf("open: %v", err)
	}
	for _, part := range []string{path, "version 1", "version 2", "quipu bundle create --dir " + dir, "quipu init --dir NEW --log e089b1dc6c298a019cb20eb64eb12682", "trim-age and trim-count", "quipu bundle apply --dir NEW"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %q", part, err)
		}
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(old) {
		t.Errorf("the file was written to, or %v", err)
	}
}
