package sys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestEachCallIsTold makes each call under a watcher that makes them, and under one that fails them.
func TestEachCallIsTold(t *testing.T) {
	dir := t.TempDir()
	below := filepath.Join(dir, "below")
	if err := os.Mkdir(below, 0o700); err != nil {
		t.Fatal(err)
	}
	var told []string
	defer Watch(dir, func(c *Call, do func() error) error {
		told = append(told, c.Do+" "+strings.TrimPrefix(c.Path, dir))
		return do()
	})()
	at := filepath.Join(below, "a")
	made, err := OpenFile(at, os.O_CREATE|os.O_RDWR, 0o600)
	must(t, err)
	defer made.Close()
	for _, text := range []string{"one", "two"} {
		_, err = Write(made, []byte(text))
		must(t, err)
	}
	_, err = WriteAt(made, []byte("O"), 0)
	must(t, errors.Join(err, Truncate(made, 5), Sync(made), Link(at, at+"2"), Rename(at, at+"3"), Remove(at+"2")))
	temp, err := CreateTemp(below, "b*")
	must(t, errors.Join(err, temp.Close(), Mkdir(filepath.Join(below, "c"), 0o700)))
	want := []string{"create /below/a", "write /below/a", "write /below/a", "write /below/a", "truncate /below/a", "sync /below/a", "link /below/a", "rename /below/a", "remove /below/a2", "create /below/b*", "make /below/c"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if b, err := os.ReadFile(at + "3"); string(b) != "Onetw" || err != nil {
		t.Errorf("the file holds %q, %v", b, err)
	}

	// The inner of two watchers is told, and what it says is what the caller is told.
	stop := Watch(below, func(c *Call, do func() error) error { return syscall.EIO })
	_, err = OpenFile(at, os.O_CREATE, 0o600)
	for _, err := range []error{err, Rename(at+"3", at), Remove(at + "3"), Link(at+"3", at), Sync(made)} {
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("a call that fails: %v", err)
		}
	}
	if err := Sync(made); !errors.As(err, new(*fs.PathError)) {
		t.Errorf("a sync that fails names no file: %v", err)
	}
	if _, err := os.Lstat(at + "3"); err != nil || len(told) != len(want) {
		t.Errorf("after calls that failed: %v, told %q", err, told[len(want):])
	}
	stop()
	must(t, Remove(at+"3"))
}

// TestNobodyWatches: without a watcher, and for files elsewhere, the calls are those of package os, at the cost of a load.
func TestNobodyWatches(t *testing.T) {
	stop := Watch(t.TempDir(), func(*Call, func() error) error { return syscall.EIO })
	path := filepath.Join(t.TempDir(), "x")
	if Watched(path) {
		t.Error("a file elsewhere is watched")
	}
	must(t, func() error { _, err := OpenFile(path, os.O_CREATE, 0o600); return err }())
	stop()
	if watching.Load() != nil {
		t.Error("somebody watches still")
	}
	if n := testing.AllocsPerRun(100, func() { Watched(path) }); n != 0 {
		t.Errorf("asking who watches takes %v allocations", n)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
