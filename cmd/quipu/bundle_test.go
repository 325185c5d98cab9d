package main

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/folder"
)

// A bundle can be made since what a peer is known to hold. What is remembered of peers is written by
// hand here: daemons do it while they are linked.
func TestBundleSincePeer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	quipu(t, exitDone, "init", "--dir", dir)
	for range 3 {
		quipu(t, exitDone, "append", "--dir", dir, "--kind", "k")
	}
	f := folder.Folder(dir)
	key, err := f.ReadKey()
	if err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.Open(dir, eventlog.Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	incarnation := log.Incarnation()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	peer := func(n byte, name string, offset uint64, incarnation string) folder.Peer {
		author := crdt.AuthorOf(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize)))
		return folder.Peer{Author: author, Name: name, Addrs: []string{"10.0.0.1:7946"}, LastSeen: time.Now(), EqualOffset: offset, Incarnation: incarnation}
	}
	peers := []folder.Peer{
		peer(1, "beta", 2, incarnation), peer(2, "twin", 2, incarnation), peer(3, "twin", 3, incarnation),
		peer(4, "stranger", 0, ""), peer(5, "old", 2, strings.Repeat("00", 16)),
	}
	if err := f.WritePeers(peers, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		since string
		code  int
		says  string
	}{
		{"beta", exitDone, "1 entry in 1 op"},
		{peers[0].Author.Short(), exitDone, "1 entry in 1 op"},
		{peers[0].Author.String(), exitDone, "1 entry in 1 op"},
		{peers[2].Author.Short(), exitDone, "0 entries in 0 ops"},
		{"twin", exitUsage, "2 peers are called that"},
		{peers[0].Author.String()[:3], exitAbsent, "no peer of that name"},
		{"stranger", exitAbsent, "has not been equal with that peer yet"},
		{"old", exitAbsent, "is not known any more"},
	} {
		var out, errs bytes.Buffer
		file := filepath.Join(t.TempDir(), "x.bundle")
		code := run(t.Context(), []string{"bundle", "create", "--dir", dir, "--since", c.since, file}, nil, &out, &errs)
		if code != c.code || !strings.Contains(out.String()+errs.String(), c.says) {
			t.Errorf("--since %s: exit code %d, %s%s", c.since, code, &out, &errs)
		}
		if _, err := os.Stat(file); (err == nil) != (c.code == exitDone) {
			t.Errorf("--since %s: the file: %v", c.since, err)
		}
	}
}

// A file is there whole or not at all.
func TestNewFile(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "f"), filepath.Join(dir, "link")
	write := func(path string, force bool, text string, fail error) error {
		cmd := newBundle()
		cmd.SetContext(t.Context())
		return copyTo(cmd, path, force, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return errors.Join(err, fail)
		})
	}
	holds := func(want string) {
		t.Helper()
		if b, err := os.ReadFile(path); err != nil || string(b) != want {
			t.Errorf("the file holds %q, %v; want %q", b, err, want)
		}
	}
	failed := errors.New("failed")
	if err := write(path, false, "half", failed); !errors.Is(err, failed) {
		t.Errorf("writing fails: %v", err)
	}
	if err := write(path, false, "one", nil); err != nil {
		t.Error(err)
	}
	holds("one")
	if err := write(path, false, "two", nil); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("replacing a file: %v", err)
	}
	if err := write(path, true, "half", failed); !errors.Is(err, failed) {
		t.Errorf("writing fails: %v", err)
	}
	holds("one")
	if err := write(path, true, "two", nil); err != nil {
		t.Error(err)
	}
	holds("two")
	if err := os.Symlink("f", link); err != nil {
		t.Fatal(err)
	}
	if err := write(link, true, "three", nil); err != nil {
		t.Error(err)
	}
	holds("three")
	if err := write(os.DevNull, false, "gone", nil); err != nil {
		t.Error(err)
	}
	if err := write(dir, true, "", nil); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	var names []string
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if err != nil || !slices.Equal(names, []string{"f", "link"}) {
		t.Errorf("the folder holds %q, %v", names, err)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1.0 kB", 1_250_000: "1.2 MB", 3e9: "3.0 GB", 5e15: "5000.0 TB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestAPartOfAFileIsNone: where the reader of stdout leaves, a backup or a bundle has failed, and what is read line by line
// has not.
func TestAPartOfAFileIsNone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	if code := run(t.Context(), []string{"init", "--dir", dir}, nil, io.Discard, io.Discard); code != exitDone {
		t.Fatal("init fails")
	}
	if code := run(t.Context(), []string{"append", "--dir", dir, "--kind", "k"}, nil, io.Discard, io.Discard); code != exitDone {
		t.Fatal("append fails")
	}
	for _, c := range []struct {
		args string
		code int
	}{
		{"backup -", exitFailed},
		{"bundle create -", exitFailed},
		{"log", exitDone},
	} {
		from, to, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := from.Close(); err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		code := run(t.Context(), append(strings.Fields(c.args), "--dir", dir), nil, to, &errs)
		if said := strings.Contains(errs.String(), "before all of it was written"); code != c.code || said != (code != exitDone) {
			t.Errorf("%s: exit code %d, %s", c.args, code, &errs)
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
