package eventlog_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// cordwood is a log whose file has everything in it: authors with many ops and with few, inline buckets
// and such with branch pages, arrivals, a follower's state, an index of most of it, free pages.
type cordwood struct {
	file    []byte
	entries []string // in author order
}

func newCordwood(t *testing.T) cordwood {
	t.Helper()
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, config("a"))
	other := eventlogtest.OpenAs(t, "b")
	for i := range 300 {
		mustAppend(t, other, fmt.Sprintf("b %d %s", i, strings.Repeat("·", 40)))
		if i%3 == 0 {
			mustAppend(t, l, fmt.Sprintf("a %d", i))
		}
	}
	eventlogtest.Exchange(t, other, l)
	if err := l.CatchUpIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		few := eventlogtest.OpenAs(t, fmt.Sprint("few", i))
		mustAppend(t, few, fmt.Sprint("few", i))
		eventlogtest.Exchange(t, few, l)
	}
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		for i := range 100 {
			if err := tx.Bucket("state").Put(fmt.Append(nil, i), []byte("v")); err != nil {
				return err
			}
		}
		return tx.SetCursor("follower", 17)
	})
	if err != nil {
		t.Fatal(err)
	}
	c := cordwood{entries: texts(t, l, eventlog.Query{})}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	eventlogtest.Disguise(t, dir)
	if c.file, err = os.ReadFile(filepath.Join(dir, eventlog.FileName)); err != nil {
		t.Fatal(err)
	}
	// The rest is reserved for growing.
	c.file = bytes.TrimRight(c.file, "\x00")
	c.file = append(c.file, make([]byte, 1<<12-len(c.file)%(1<<12)+1<<12)...)
	return c
}

// exercise does with a log whatever may be done, and returns what the entries say and the first error.
func exercise(l *eventlog.Log) (all []string, report eventlog.Report, err error) {
	ctx := context.Background()
	first := func(e error) {
		if err == nil {
			err = e
		}
	}
	for _, q := range []eventlog.Query{{}, {Reverse: true}, {Order: eventlog.Causal}, {Order: eventlog.Arrival}, {Kinds: []string{note("").Kind}, Order: eventlog.Causal}} {
		var read []string
		for e, e2 := range l.Entries(ctx, q) {
			if e2 != nil {
				first(e2)
				break
			}
			read = append(read, string(e.Payload))
		}
		if q.Order == eventlog.ByAuthor && !q.Reverse {
			all = read
		}
	}
	report, err2 := l.Verify(ctx)
	first(err2)
	first(l.CatchUpIndex(ctx))
	for a := range l.Frontier() {
		_, err2 := l.Plan(ctx, crdt.Want{Author: a})
		first(err2)
		_, err2 = l.Prove(ctx, crdt.Place{Author: a})
		first(err2)
	}
	_, err2 = l.Append(ctx, crdt.Event{Kind: "k"})
	first(err2)
	first(l.Update(ctx, func(tx *eventlog.Tx) error {
		b := tx.Bucket("state")
		for k := range b.Ascend(nil) {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
		_, _ = tx.Cursor("follower")
		return b.Put([]byte("k"), nil)
	}))
	return all, report, err
}

// sampled returns where to begin, and how far to go each time, so that of many cases one in n is tried, others each time;
// with QUIPU_E2E=1 and without -short all are.
func sampled(n int) (first, step int) {
	if os.Getenv("QUIPU_E2E") != "" && !testing.Short() {
		return 0, 1
	}
	return rand.IntN(n), n
}

// TestFlips flips bytes all over a file: nothing kills the process, nothing is lost silently, and what
// is found names the file. Without QUIPU_E2E=1 it is each fifth of a hundred, from one that is drawn.
func TestFlips(t *testing.T) {
	c := newCordwood(t)
	first, step := sampled(5)
	random := rand.New(rand.NewPCG(1, 2))
	damaged, unnoticed := 0, 0
	for i := range 100 {
		at := random.IntN(len(c.file))
		if i%3 == 0 { // headers and elements of pages: what bbolt follows
			at = random.IntN(len(c.file)/4096)*4096 + random.IntN(min(4096, 16+16*(1+random.IntN(64))))
		}
		flip := byte(1 << random.IntN(8))
		if i%2 == 0 {
			flip = byte(1 + random.IntN(255))
		}
		if i%step != first {
			continue
		}
		b := bytes.Clone(c.file)
		b[at] ^= flip
		if c.open(t, b, fmt.Sprintf("byte %d ^ %#x", at, flip)) {
			damaged++
		} else {
			unnoticed++
		}
	}
	t.Logf("%d flips were found, %d did not matter", damaged, unnoticed)
	if damaged == 0 || unnoticed == 0 {
		t.Error("the flips test nothing")
	}
}

// TestTruncations cuts a file short at many places.
func TestTruncations(t *testing.T) {
	c := newCordwood(t)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 60 {
		at := random.IntN(len(c.file))
		switch i % 3 {
		case 1:
			at = at / 4096 * 4096
		case 2:
			at = random.IntN(3 * 4096)
		}
		c.open(t, c.file[:at], fmt.Sprintf("cut at %d", at))
	}
}

// open opens a log with the file b and exercises it; it reports whether something was found to be
// wrong.
func (c cordwood) open(t *testing.T, b []byte, what string) bool {
	t.Helper()
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, eventlog.FileName)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := eventlog.Open(dir, config("a"))
	if err != nil {
		c.check(t, path, what, err)
		return true
	}
	all, report, exercised := exercise(eventlog.Unsynced(l))
	c.check(t, path, what, exercised)
	if exercised == nil && report.OK() && !slices.Equal(said(all), c.entries) {
		t.Errorf("%s: other entries were read, and nothing was found to be wrong", what)
	}
	if exercised == nil && len(all) != len(c.entries) {
		t.Errorf("%s: %d entries were read without an error, want %d", what, len(all), len(c.entries))
	}
	if err := l.Close(); err != nil {
		if _, ok := errors.AsType[*eventlog.DamagedError](err); !ok {
			t.Errorf("%s: close: %v", what, err)
		}
	}
	return exercised != nil || !report.OK()
}

// said returns what notes with the given payloads say.
func said(payloads []string) []string {
	var texts []string
	for _, p := range payloads {
		texts = append(texts, strings.Trim(p, `"`))
	}
	return texts
}

// check checks that an error names the file, and that it is one of those that a flip may cause: a flip
// in meta can make the file that of another key, format or log.
func (c cordwood) check(t *testing.T, path, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if damaged, ok := errors.AsType[*eventlog.DamagedError](err); ok {
		if damaged.Path != path || damaged.Err == nil {
			t.Errorf("%s: %v does not name %s", what, err, path)
		}
		return
	}
	if !errors.Is(err, eventlog.ErrWrongKey) && !errors.Is(err, eventlog.ErrFormat) {
		t.Errorf("%s: %v is no *DamagedError", what, err)
	}
}

// TestCircles makes branch pages name themselves, and pages in use free: bbolt would go round until the
// memory is used up, or write over what is held.
func TestCircles(t *testing.T) {
	c := newCordwood(t)
	const page, header, element = 4096, 16, 16
	circles := 0
	for id := 2; id < len(c.file)/page; id++ {
		p := c.file[id*page:]
		if binary.NativeEndian.Uint16(p[8:]) != 1 { // no branch
			continue
		}
		count := int(binary.NativeEndian.Uint16(p[10:]))
		for _, i := range []int{0, count / 2, count - 1} {
			circles++
			b := bytes.Clone(c.file)
			binary.NativeEndian.PutUint64(b[id*page+header+i*element+8:], uint64(id))
			c.open(t, b, fmt.Sprintf("element %d of page %d names its own page", i, id))
			binary.NativeEndian.PutUint16(b[id*page+10:], uint16(i))
			c.open(t, b, fmt.Sprintf("page %d has %d elements", id, i))
			binary.NativeEndian.PutUint32(b[id*page+12:], 1<<31)
			c.open(t, b, fmt.Sprintf("page %d overflows", id))
		}
	}
	if circles == 0 {
		t.Error("the file has no branch pages")
	}
}

// TestDamageUnderneath flips and cuts the file of a log that is open. Without QUIPU_E2E=1 it is each third of forty.
func TestDamageUnderneath(t *testing.T) {
	c := newCordwood(t)
	random := rand.New(rand.NewPCG(5, 6))
	first, step := sampled(3)
	for i := range 40 {
		at := random.IntN(len(c.file))
		if i%4 == 1 {
			at = random.IntN(2 * 4096) // meta pages
		}
		flip := byte(1 + random.IntN(255))
		if i%step != first {
			continue
		}
		dir := t.TempDir()
		path := filepath.Join(dir, eventlog.FileName)
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := eventlog.Open(dir, config("a"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		what := fmt.Sprintf("cut to %d pages", i)
		if i%4 == 0 {
			err = f.Truncate(int64(i) * 4096)
		} else {
			what = fmt.Sprintf("byte %d", at)
			_, err = f.WriteAt([]byte{c.file[at] ^ flip}, int64(at))
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		_, _, err = exercise(l)
		if err != nil && !errors.Is(err, eventlog.ErrUncertain) {
			c.check(t, path, what, err)
		}
		_ = l.Close()
		_ = os.RemoveAll(dir)
	}
}
