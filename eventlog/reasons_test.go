package eventlog_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestReasons makes each hard reason happen and end: it is kept through a restart, what appends is refused, nothing else
// is, and what ended it is on record, at a seq that nothing had.
func TestReasons(t *testing.T) {
	asked, missing, without := crdt.Author{1}, crdt.Author{2}, crdt.Author{3}
	for why, begin := range map[eventlog.Why]func(t *testing.T) *eventlog.Log{
		eventlog.WhyKey: func(t *testing.T) *eventlog.Log { return newUsed(t, eventlog.Config{}) },
		eventlog.WhyCopied: func(t *testing.T) *eventlog.Log {
			l, dir := told(t), t.TempDir()
			must(t, os.CopyFS(dir, os.DirFS(filepath.Dir(l.Path()))))
			return eventlogtest.Reopen(t, dir, config("author"))
		},
		eventlog.WhyRolledBack: func(t *testing.T) *eventlog.Log {
			l := told(t)
			dir := filepath.Dir(l.Path())
			backup, err := os.ReadFile(l.Path())
			must(t, err)
			l = eventlogtest.Reopen(t, dir, config("author"))
			mustAppend(t, l, "lost")
			must(t, l.Close())
			must(t, os.WriteFile(l.Path(), backup, 0o600))
			return eventlogtest.Reopen(t, dir, config("author"))
		},
	} {
		t.Run(why.String(), func(t *testing.T) {
			l := begin(t)
			for range 2 {
				state := l.Recovering()
				if state == nil || state.Why != why || state.Since.IsZero() || state.Own != end(l) || state.Op != nil {
					t.Fatalf("recovering: %+v", state)
				}
				if _, err := l.Append(t.Context(), note("x")); err == nil || err.Error() != state.Error() || !errors.Is(err, eventlog.ErrRecovering) {
					t.Errorf("append: %v", err)
				}
				if err := l.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.SetCursor("f", 0) }); err != nil {
					t.Errorf("update without an append: %v", err)
				}
				if err := l.Settle(t.Context()); !errors.Is(err, eventlog.ErrRecovering) {
					t.Errorf("settle with nobody to ask: %v", err)
				}
				if _, err := l.Broadcast(t.Context(), crdt.Event{Kind: "k", Retention: crdt.Transient}, eventlog.Peers); err != nil {
					t.Errorf("broadcast: %v", err)
				}
				l = reopened(t, l, eventlog.Config{})
			}
			from, before := end(l), l.Incarnation()
			done, err := l.Recover(t.Context(), eventlog.Recovery{
				End: from, Asked: []crdt.Author{asked}, Missing: []crdt.Author{missing}, Without: []crdt.Author{without},
			})
			if err != nil || done.From != from || done.Place.Seq != from.Next {
				t.Fatalf("recover: %+v, %v", done, err)
			}
			head := `{"next":0}`
			if from.Next > 0 {
				head = fmt.Sprintf(`{"next":%d,"op":"%s"}`, from.Next, from.ID)
			}
			want := fmt.Sprintf(`{"why":"%s","from":%s,"end":%s,"asked":["%s"],"missing":["%s"],"without":["%s"]}`, why, head, head, asked, missing, without)
			if got := on(t, l, done.Place); got != want {
				t.Errorf("on record: %s\nwant %s", got, want)
			}
			l = reopened(t, l, eventlog.Config{})
			if p := mustAppend(t, l, "goes on"); p.Seq != from.Next+1 || l.Recovering() != nil {
				t.Errorf("goes on at %s, recovering %v", p, l.Recovering())
			}
			if l.Incarnation() != before {
				t.Error("the arrivals began anew at the end of the state, not at its beginning")
			}
		})
	}
}

// told makes a log of two entries that a peer has got, and closes it.
func told(t *testing.T) *eventlog.Log {
	t.Helper()
	l := eventlogtest.Create(t, t.TempDir(), config("author"))
	mustAppend(t, l, "first")
	mustAppend(t, l, "second")
	readAll(t, l, l.Author())
	must(t, l.Close())
	return l
}

// reopened closes a log of the author and opens it again.
func reopened(t *testing.T, l *eventlog.Log, cfg eventlog.Config) *eventlog.Log {
	t.Helper()
	must(t, l.Close())
	cfg.Key = eventlogtest.Key("author")
	return eventlogtest.Reopen(t, filepath.Dir(l.Path()), cfg)
}

// TestAFileKnowsItself: a compaction makes another file, which is the log all the same; a copy of one that nothing was
// ever written to is a copy.
func TestAFileKnowsItself(t *testing.T) {
	l := eventlogtest.Create(t, t.TempDir(), config("author"))
	empty := t.TempDir()
	must(t, os.CopyFS(empty, os.DirFS(filepath.Dir(l.Path()))))
	mustAppend(t, l, "first")
	for range 2 {
		if _, err := l.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		l = reopened(t, l, eventlog.Config{})
		if state := l.Recovering(); state != nil {
			t.Fatalf("after a compaction: %v", state)
		}
	}
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(filepath.Dir(l.Path()))))
	for _, copied := range []string{empty, dir} {
		c := eventlogtest.Reopen(t, copied, config("author"))
		if _, err := c.Compact(t.Context()); err != nil { // before anything else has put it on record
			t.Fatal(err)
		}
		if c = reopened(t, c, eventlog.Config{}); c.Recovering() == nil || c.Recovering().Why != eventlog.WhyCopied {
			t.Errorf("a copy, after a compaction: %v", c.Recovering())
		}
		mustAppend(t, c, "goes on")
		if c = reopened(t, c, eventlog.Config{}); c.Recovering() != nil {
			t.Errorf("a copy that has gone on: %v", c.Recovering())
		}
	}
}
