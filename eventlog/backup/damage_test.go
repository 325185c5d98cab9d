package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/restore"
)

// worn is a log's file with what it holds, to be damaged.
type worn struct {
	file    []byte
	used    int // bytes of it
	entries []eventlog.Entry
	state   map[string]string
}

func newWorn(t *testing.T) (w worn) {
	t.Helper()
	l, other := eventlogtest.Create(t, t.TempDir(), config("own")), eventlogtest.OpenAs(t, "other")
	for i := range 120 {
		for _, l := range []*eventlog.Log{l, other} {
			_, err := l.Append(t.Context(), crdt.Event{Kind: "k", ContentType: "text/plain", Payload: bytes.Repeat([]byte{byte(i)}, 300+20*i)})
			must(t, err)
		}
	}
	eventlogtest.Exchange(t, other, l)
	must(t, l.Update(t.Context(), func(tx *eventlog.Tx) error {
		for i := range 400 {
			if err := tx.Bucket("f").Put(fmt.Appendf(nil, "key %d", i), make([]byte, 20)); err != nil {
				return err
			}
		}
		return nil
	}))
	for e, err := range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival}) {
		must(t, err)
		w.entries = append(w.entries, e.Clone())
	}
	w.state = stateOf(t, l)
	_, err := l.Compact(t.Context()) // so that what is damaged is in use
	must(t, err)
	w.used = int(l.Stats().Bytes)
	must(t, l.Close())
	w.file, err = os.ReadFile(l.Path())
	must(t, err)
	return w
}

// damaged opens a log with some damage at a random place; nil where that cannot be opened.
func (w worn) damaged(t *testing.T, r *rand.Rand) *eventlog.Log {
	t.Helper()
	const page = 4096
	b := bytes.Clone(w.file)
	at := (4 + r.IntN(w.used/page-4)) * page // behind the pages that name the roots
	switch r.IntN(3) {
	case 0:
		b[at+r.IntN(page)] ^= 1 << r.IntN(8)
	case 1:
		clear(b[at : at+page])
	case 2:
		copy(b[at:at+page], b[2*page:]) // another page's
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "quipu.db"), b, 0o600))
	l, err := eventlog.Open(dir, config("own"))
	if _, damaged := errors.AsType[*eventlog.DamagedError](err); damaged {
		return nil
	}
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// covered reports whether damage that a backup names is that of an entry.
func covered(s *backup.Summary, e eventlog.Entry) bool {
	for _, d := range s.Damage {
		if d.From <= e.Offset && e.Offset < d.To {
			return true
		}
	}
	return false
}

// TestDamageIsNamedAndTheRestIsThere: wherever the file is damaged, each entry is in the backup as it was, or is named.
func TestDamageIsNamedAndTheRestIsThere(t *testing.T) {
	w := newWorn(t)
	opened, partly := 0, 0
	for seed := range uint64(100) {
		l := w.damaged(t, rand.New(rand.NewPCG(seed, 0)))
		if l == nil {
			continue
		}
		opened++
		var b bytes.Buffer
		s, err := l.Backup(t.Context(), &b, backup.Options{})
		must(t, l.Close())
		if _, damaged := errors.AsType[*eventlog.DamagedError](err); damaged {
			continue // of what the small part cannot do without
		}
		must(t, err)
		if _, err := backup.Check(t.Context(), bytes.NewReader(b.Bytes()), nil); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		dir := filepath.Join(t.TempDir(), "new")
		done, err := restore.Into(t.Context(), dir, restore.Options{}, &b)
		must(t, err)
		if !s.Whole() {
			partly++
		}
		got, err := eventlog.Open(dir, config("own"))
		must(t, err)
		missing := 0
		for _, want := range w.entries {
			e, err := got.Lookup(t.Context(), want.Place())
			switch {
			case err == nil && (!bytes.Equal(e.Payload, want.Payload) || e.Offset != want.Offset):
				t.Fatalf("seed %d: %s is another", seed, want.Place())
			case err != nil:
				missing++
			}
			if covered(&s, want) != (err != nil) {
				t.Fatalf("seed %d: %s at offset %d: %v, damage named %v", seed, want.Place(), want.Offset, err, s.Damage)
			}
		}
		if (missing > 0) != (len(done.Missing) > 0) || done.Next != uint64(len(w.entries)) {
			t.Errorf("seed %d: %d entries are missing, %v", seed, missing, done.Missing)
		}
		if state := stateOf(t, got); len(state) != len(w.state) && s.Whole() {
			t.Errorf("seed %d: %d keys of %d, and no damage is named", seed, len(state), len(w.state))
		}
		must(t, got.Close())
	}
	if opened < 50 || partly < 15 {
		t.Errorf("%d could be opened, %d were partly readable", opened, partly)
	}
}
