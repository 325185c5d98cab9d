package backup_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/restore"
)

// acting is a writer that does something with the log each time that it is written to: so no lock of the log is held then,
// and no transaction that it would wait for.
type acting struct {
	bytes.Buffer
	act func()
}

func (a *acting) Write(b []byte) (int, error) {
	a.act()
	return a.Buffer.Write(b)
}

// crowd is a log that is backed up, and another node whose feed it holds.
type crowd struct {
	l, other *eventlog.Log
}

// grow appends entries that make a few chunks.
func (c *crowd) grow(t *testing.T, rt *rapid.T) {
	for _, l := range []*eventlog.Log{c.l, c.other} {
		for range rapid.IntRange(1, 8).Draw(rt, "entries") {
			e := crdt.Event{Kind: "k", ContentType: "text/plain", Payload: make([]byte, rapid.IntRange(10, 300<<10).Draw(rt, "bytes"))}
			e.Retention = crdt.Retention(rapid.IntRange(0, 1).Draw(rt, "class"))
			if _, err := l.Append(t.Context(), e); err != nil {
				rt.Fatal(err)
			}
		}
	}
	eventlogtest.Exchange(t, c.other, c.l)
	if err := c.l.Update(t.Context(), func(tx *eventlog.Tx) error {
		next := fmt.Sprint(c.l.Stats().Next)
		return tx.Bucket("f").Put([]byte("next"), []byte(next))
	}); err != nil {
		rt.Fatal(err)
	}
}

// forget prunes the other's feed, and trims all.
func (c *crowd) forget(t *testing.T, rt *rapid.T) {
	_, err := c.other.Prune(t.Context(), eventlog.PruneRequest{Keep: uint64(rapid.IntRange(1, 6).Draw(rt, "keep"))})
	if err == nil {
		eventlogtest.Exchange(t, c.other, c.l)
	}
	if _, err := c.l.Trim(t.Context(), eventlog.TrimOptions{}); err != nil {
		rt.Fatal(err)
	}
}

// TestBesideOthers: whatever is appended, trimmed, pruned and compacted while backups are written, what is restored of them
// is the log as it was when the last one began. Where what is not written yet is not kept from trims, it may have lost bodies
// and pruned entries since, and nothing else.
func TestBesideOthers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := &crowd{l: eventlogtest.Create(t, t.TempDir(), config("own")), other: eventlogtest.OpenAs(t, "other")}
		c.grow(t, rt)
		holds := rapid.Bool().Draw(rt, "holds")
		var chain [][]byte
		var since *backup.Summary
		var want shown
		for range rapid.IntRange(1, 3).Draw(rt, "backups") {
			c.grow(t, rt)
			if rapid.Bool().Draw(rt, "forgets before") {
				c.forget(t, rt)
			}
			want = show(t, c.l)
			w := &acting{}
			w.act = func() {
				if w.Len() == 0 {
					return // the small part is read, nothing else
				}
				switch rapid.IntRange(0, 3).Draw(rt, "act") {
				case 0:
					c.grow(t, rt)
				case 1, 2:
					c.forget(t, rt)
				case 3:
					if _, err := c.l.Compact(t.Context()); err != nil {
						rt.Fatal(err)
					}
				}
			}
			o := backup.Options{Since: since}
			if !holds {
				o.MaxHold = -1
			}
			s, err := c.l.Backup(t.Context(), w, o)
			if err != nil || !s.Whole() || s.To != want.Stats.Next {
				rt.Fatalf("backup: %+v, %v", s, err)
			}
			if _, err := backup.Check(t.Context(), bytes.NewReader(w.Bytes()), nil); err != nil {
				rt.Fatal(err)
			}
			chain, since = append(chain, bytes.Clone(w.Bytes())), &s
		}
		r, done := restored(t, config("own"), restore.Options{}, chain...)
		got := show(t, r)
		if done.Next != want.Stats.Next || len(done.Missing) > 0 {
			rt.Fatalf("restored: %+v", done)
		}
		if holds {
			same(t, want, got)
		} else {
			subset(rt, c.other.Author(), want, got)
		}
		if report, err := r.Verify(t.Context()); err != nil || !report.OK() {
			rt.Fatalf("verify: %v, %v", report.Problems, err)
		}
	})
}

// subset fails the test unless got is want, less bodies and pruned entries. What was trimmed before the last backup, and
// pruned before that has come to it, may have its body, which an earlier backup has.
func subset(rt *rapid.T, other crdt.Author, want, got shown) {
	had := map[string]string{}
	for _, e := range want.Entries {
		had[strings.Fields(e)[0]] = e
	}
	for _, e := range got.Entries {
		was := had[strings.Fields(e)[0]]
		returned := strings.HasSuffix(was, "false") && strings.Contains(was, other.String())
		if returned {
			continue
		}
		if len(e) > len(was) || !strings.HasPrefix(was, strings.TrimRight(e, " \x00")) {
			rt.Fatalf("restored %.120s, was %.120s", e, was)
		}
	}
	for a, heads := range got.Frontier {
		if !slices.Equal(heads, want.Frontier[a]) {
			rt.Fatalf("restored frontier %v, was %v", got.Frontier, want.Frontier)
		}
	}
	if fmt.Sprint(got.State) != fmt.Sprint(want.State) || got.Stats.Next != want.Stats.Next {
		rt.Fatalf("restored %+v, was %+v", got.Stats, want.Stats)
	}
}
