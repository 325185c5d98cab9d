package eventlog_test

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestCompactOfADamagedFileEnds compacts a file of which one page cannot be read: it says so, leaves no
// copy, and the log goes on.
func TestCompactOfADamagedFileEnds(t *testing.T) {
	c := newCordwood(t)
	const page, leaf = 4096, 2
	damaged := 0
	for id := 3; id < len(c.file)/page && damaged < 5; id++ {
		if binary.NativeEndian.Uint16(c.file[id*page+8:]) != leaf || id%5 > 0 {
			continue
		}
		b := slices.Clone(c.file)
		binary.NativeEndian.PutUint16(b[id*page+8:], 0) // a page of no kind
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, eventlog.FileName), b, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := eventlog.Open(dir, config("a"))
		if err != nil {
			continue
		}
		if _, err = l.Compact(t.Context()); err == nil {
			continue // nothing uses the page
		}
		damaged++
		if _, ok := errors.AsType[*eventlog.DamagedError](err); !ok {
			t.Errorf("page %d: %v", id, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*.compact-*")); len(left) > 0 {
			t.Errorf("page %d: left over: %v", id, left)
		}
		if err := l.Close(); err != nil {
			t.Errorf("page %d: close: %v", id, err)
		}
	}
	if damaged == 0 {
		t.Error("nothing was damaged")
	}
}

// TestACopyThatCannotBeOpenedEndsTheLog puts a file in the place of the log's that is whole for all that
// can be told before, and that bbolt does not open: nothing crashes, and what is called says so.
func TestACopyThatCannotBeOpenedEndsTheLog(t *testing.T) {
	dir := t.TempDir()
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: new(eventlogtest.Genesis(t))}, config("a"))
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, "x")
	b, err := os.ReadFile(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	const pageHeader, meta = 16, 56
	for at := pageHeader; at < 2*4096; at += 4096 {
		binary.NativeEndian.PutUint32(b[at+4:], 3) // another version of bbolt's
		sum := fnv.New64a()
		sum.Write(b[at : at+meta])
		binary.NativeEndian.PutUint64(b[at+meta:], sum.Sum64())
	}
	copied := filepath.Join(dir, eventlog.FileName+".compact-1")
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := eventlog.Swap(t, l, copied); !errors.Is(err, eventlog.ErrReadOnly) {
		t.Fatalf("swap: %v", err)
	}
	if s := l.Stats(); !errors.Is(s.ReadOnly, eventlog.ErrReadOnly) {
		t.Errorf("stats: %+v", s)
	}
	if _, err := l.Append(t.Context(), note("y")); !errors.Is(err, eventlog.ErrReadOnly) {
		t.Errorf("append: %v", err)
	}
	for e, err := range l.Entries(t.Context(), eventlog.Query{}) {
		if err == nil {
			t.Errorf("read %s", e.Place())
		}
	}
	if err := l.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
