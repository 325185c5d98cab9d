package eventlog_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// version makes a folder with a file that was written when that was the version of the format, and returns what is in it.
func version(t *testing.T, n int) (dir, path string, b []byte) {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("testdata/version%d.db.gz", n))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = io.ReadAll(unzipped); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	path = filepath.Join(dir, eventlog.FileName)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, path, b
}

// TestOtherFormat opens a file that the first version of the format was written with: it is refused, whoever it
// belongs to, stays as it is, and the error says how its entries come over.
func TestOtherFormat(t *testing.T) {
	dir, path, old := version(t, 1)
	_, err := eventlog.Open(dir, config("a"))
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

// TestALaterFormat opens a file of a version that is not known here yet: whoever opens it is told so, also by a salvage, and
// it stays as it is.
func TestALaterFormat(t *testing.T) {
	l := newLog(t)
	dir, path := filepath.Dir(l.Path()), l.Path()
	mustAppend(t, l, "n")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	change(t, path, "meta", "format", func(v []byte) { v[0] = 8 })
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, writes := eventlog.Open(dir, config("a"))
	_, reads := eventlog.Open(dir, eventlog.Config{ReadOnly: true})
	for _, err := range []error{writes, reads} {
		if !errors.Is(err, eventlog.ErrFormat) || !strings.Contains(err.Error(), "is of version 8, this program knows version 2 and 4") {
			t.Errorf("open: %v", err)
		}
	}
	if _, err := eventlog.Salvage(t.Context(), dir, config("a"), nil); err == nil || !strings.Contains(err.Error(), "it is of version 8, this program salvages version 2 and 4") {
		t.Errorf("salvage: %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(before) {
		t.Errorf("the file was written to, or %v", err)
	}
}

// TestADamagedFormatIsNoOther flips each bit of the version: that is damage, and not a file of another quipu, and a salvage
// brings the log back.
func TestADamagedFormatIsNoOther(t *testing.T) {
	for bit := range 8 {
		l := newLog(t)
		dir := filepath.Dir(l.Path())
		if _, err := l.Append(t.Context(), note("n")); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		change(t, l.Path(), "meta", "format", func(v []byte) { v[0] ^= 1 << bit })
		_, err := eventlog.Open(dir, config("a"))
		if damaged, ok := errors.AsType[*eventlog.DamagedError](err); !ok || damaged.What != "meta" || errors.Is(err, eventlog.ErrFormat) {
			t.Errorf("bit %d: %v", bit, err)
		}
		if _, err := eventlog.Salvage(t.Context(), dir, config("a"), nil); err != nil {
			t.Errorf("bit %d: salvage: %v", bit, err)
		}
		if l, err = eventlog.Open(dir, config("a")); err != nil {
			t.Fatalf("bit %d: after a salvage: %v", bit, err)
		}
		if n := l.Stats().Next; n != 1 {
			t.Errorf("bit %d: %d entries", bit, n)
		}
		eventlogtest.Verify(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// change changes a value in the file of a log that is closed.
func change(t *testing.T, path, bucket, key string, by func(v []byte)) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		v := slices.Clone(b.Get([]byte(key)))
		by(v)
		return b.Put([]byte(key), v)
	}), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestVersion2 opens a file that was written before arrivals could be late: it is read as it is, also by who only reads,
// and goes on. The first entry that is appended makes it one of the next version, and who has it open for reading goes on.
func TestVersion2(t *testing.T) {
	dir, path, old := version(t, 2)
	want := []string{"a0", "a1", "a2", "b0", "b1", "a3", "a4"}
	arrived := eventlog.Query{Order: eventlog.Arrival}
	l, err := eventlog.Open(dir, eventlog.Config{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := texts(t, l, arrived); !slices.Equal(got, want) {
		t.Errorf("it reads as %q, want %q", got, want)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(old) {
		t.Errorf("the file was written to, or %v", err)
	}
	w := eventlogtest.Reopen(t, dir, config("a"))
	mustAppend(t, w, "a5")
	if got := texts(t, w, arrived); !slices.Equal(got, append(want, "a5")) {
		t.Errorf("then it reads as %q", got)
	}
	if got := texts(t, l, arrived); !slices.Equal(got, want) {
		t.Errorf("who has it open for reading is shown %q, want %q", got, want)
	}
	if err := eventlog.Bolt(w).View(func(tx *bbolt.Tx) error {
		if v := tx.Bucket([]byte("meta")).Get([]byte("format")); len(v) != 1 || v[0] != 4 {
			t.Errorf("then it is of version %x", v)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
