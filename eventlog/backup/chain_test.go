package backup_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/restore"
)

// TestAChainIsTheLog: with what was appended, trimmed and pruned between its backups.
func TestAChainIsTheLog(t *testing.T) {
	l := tangled(t)
	other := eventlogtest.OpenAs(t, "pruned later")
	eventlogtest.Add(t, other, 5, crdt.Trimmable)
	eventlogtest.Exchange(t, other, l)
	eventlogtest.Add(t, l, 4, crdt.Trimmable)
	b, s := made(t, l, backup.Options{})
	chain := [][]byte{b}
	for range 2 {
		eventlogtest.Add(t, l, 4, crdt.Trimmable)
		_, err := other.Prune(t.Context(), eventlog.PruneRequest{Keep: 2})
		must(t, err)
		eventlogtest.Add(t, other, 3, crdt.Persistent)
		eventlogtest.Exchange(t, other, l)
		must(t, l.Update(t.Context(), func(tx *eventlog.Tx) error {
			return errors.Join(tx.SetCursor("f", l.Stats().Next), tx.Bucket("state of f").Delete([]byte("key")))
		}))
		report, err := l.Trim(t.Context(), eventlog.TrimOptions{})
		if err != nil || report.Pruned.Ops == 0 {
			t.Fatalf("trim: %+v, %v", report, err)
		}
		before := s
		b, s = made(t, l, backup.Options{Since: &before})
		if s.From != before.To || s.Ops >= before.Ops && len(chain) == 1 {
			t.Errorf("since offset %d it has %d ops from %d on", before.To, s.Ops, s.From)
		}
		_, err = backup.Check(t.Context(), bytes.NewReader(b), nil)
		must(t, err)
		read, err := backup.ReadSummary(bytes.NewReader(b))
		if err != nil || read.ID != s.ID || read.Bytes != s.Bytes || read.Ops != s.Ops {
			t.Errorf("summary: %+v, %v", read, err)
		}
		chain = append(chain, b)
	}
	r, done := restored(t, config("own"), restore.Options{}, chain...)
	same(t, show(t, l), show(t, r))
	if done.ID != s.ID || done.Entries != l.Stats().Entries {
		t.Errorf("restored: %+v", done)
	}
}

// TestAnotherKey: the log that is made with it has another author, all that there was, and followers where they were.
func TestAnotherKey(t *testing.T) {
	l := tangled(t)
	want := show(t, l)
	b, _ := made(t, l, backup.Options{})
	key := eventlogtest.Key("new")
	cfg := config("new")
	r, done := restored(t, cfg, restore.Options{Key: key}, b)
	if done.Author != crdt.AuthorOf(key) || r.Author() != done.Author || r.Recovering() != nil {
		t.Errorf("restored for %s: recovering %v", done.Author, r.Recovering())
	}
	if authors := r.Authors(); len(authors) != 2 || authors[1] != l.Author() {
		t.Errorf("authors: %v", authors)
	}
	got := show(t, r)
	last := got.Entries[len(got.Entries)-1]
	if !strings.Contains(last, `"why":"new key"`) || !strings.Contains(last, l.Author().String()) {
		t.Errorf("the last entry: %s", last)
	}
	if len(got.Entries) != len(want.Entries)+1 || got.Followers[0].Cursor != want.Followers[0].Cursor {
		t.Errorf("%d entries, follower at %d", len(got.Entries), got.Followers[0].Cursor)
	}
	eventlogtest.Add(t, r, 1, crdt.Persistent)
	for _, used := range []string{"own", "forked"} {
		_, err := restore.Into(t.Context(), t.TempDir(), restore.Options{Key: eventlogtest.Key(used)}, bytes.NewReader(b))
		if !errors.Is(err, restore.ErrKeyUsed) {
			t.Errorf("with a key that was used: %v", err)
		}
	}
}
