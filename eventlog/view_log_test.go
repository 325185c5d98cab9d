package eventlog_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// pagesWritten returns how many pages of the file were written so far: nothing is synced that was not written.
func pagesWritten(l *eventlog.Log) int64 { s := eventlog.Bolt(l).Stats().TxStats; return s.GetWrite() }

// TestWhatChangesNothingIsNoCommit: reading a projection took the write lock and two syncs.
func TestWhatChangesNothingIsNoCommit(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, "one")
	key, value := []byte("k"), []byte("v")
	put := func(tx *eventlog.Tx) error {
		return errors.Join(tx.Bucket("b").Put(key, value), tx.SetCursor("f", 1))
	}
	if err := l.Update(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	for name, idle := range map[string]func() error{
		"a view": func() error {
			return l.View(t.Context(), func(tx *eventlog.ReadTx) error {
				if got := tx.Bucket("b").Get(key); string(got) != "v" {
					t.Errorf("the bucket has %q", got)
				}
				return nil
			})
		},
		"an update that reads": func() error {
			return l.Update(t.Context(), func(tx *eventlog.Tx) error { _ = tx.Bucket("none").Get(key); return nil })
		},
		"an update that puts what is there": func() error { return l.Update(t.Context(), put) },
		"an update that deletes what is not there": func() error {
			return l.Update(t.Context(), func(tx *eventlog.Tx) error {
				return errors.Join(tx.Bucket("b").Delete([]byte("other")), tx.Bucket("none").Delete(key))
			})
		},
		"an append of nothing": func() error { _, err := l.AppendBatch(t.Context(), nil); return err },
	} {
		before := pagesWritten(l)
		if err := idle(); err != nil || pagesWritten(l) != before {
			t.Errorf("%s wrote %d pages: %v", name, pagesWritten(l)-before, err)
		}
	}
	before := pagesWritten(l)
	for _, change := range []func(tx *eventlog.Tx) error{
		func(tx *eventlog.Tx) error { return tx.Bucket("b").Put(key, nil) },
		func(tx *eventlog.Tx) error { return tx.Bucket("b").Delete(key) },
		func(tx *eventlog.Tx) error { return tx.SetCursor("f", 0) },
		func(tx *eventlog.Tx) error { _, err := tx.Append(note("two")); return err },
	} {
		if err := l.Update(t.Context(), change); err != nil || pagesWritten(l) == before {
			t.Errorf("a change wrote nothing: %v", err)
		}
		before = pagesWritten(l)
	}
	if err := l.View(t.Context(), func(tx *eventlog.ReadTx) error {
		if at, found := tx.Cursor("f"); at != 0 || !found || tx.Bucket("b").Get(key) != nil {
			t.Errorf("cursor %d, %t, key %q", at, found, tx.Bucket("b").Get(key))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestViewIsOneMoment: what is written while a view runs, by others, is not in it.
func TestViewIsOneMoment(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, "one")
	mustAppend(t, l, "two")
	add := func(tx *eventlog.Tx) error {
		_, err := tx.Append(note("three"))
		return errors.Join(err, tx.Bucket("b").Put([]byte("k"), []byte("new")))
	}
	look := func(tx eventlog.Reader, want string) {
		var all []string
		for e, err := range tx.Reading().Arrivals(1) {
			if err != nil {
				t.Error(err)
			}
			all = append(all, strings.Trim(string(e.Payload), `"`))
		}
		if value := tx.Reading().Bucket("b").Get([]byte("k")); value != nil {
			all = append(all, string(value))
		}
		if got := strings.Join(all, " "); got != want {
			t.Errorf("it shows %q, want %q", got, want)
		}
	}
	if err := l.View(t.Context(), func(tx *eventlog.ReadTx) error {
		look(tx, "two")
		done := make(chan error)
		go func() { done <- l.Update(context.Background(), add) }()
		if err := <-done; err != nil {
			return err
		}
		look(tx, "two")
		if tx.Next() != 2 || tx.Author() != l.Author() || tx.Now().IsZero() {
			t.Errorf("next %d, author %s, now %s", tx.Next(), tx.Author(), tx.Now())
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.View(t.Context(), func(tx *eventlog.ReadTx) error { look(tx, "two three new"); return nil }); err != nil {
		t.Fatal(err)
	}
	undo := errors.New("undo")
	if err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		look(tx, "two three new")
		err := tx.Bucket("b").Put([]byte("k"), []byte("newer"))
		look(tx, "two three newer")
		return errors.Join(err, undo)
	}); !errors.Is(err, undo) {
		t.Fatal(err)
	}
}

func TestViewEnds(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, "one")
	var kept *eventlog.ReadTx
	why := errors.New("why")
	if err := l.View(t.Context(), func(tx *eventlog.ReadTx) error { kept = tx; return why }); !errors.Is(err, why) {
		t.Errorf("the function's error: %v", err)
	}
	for _, err := range kept.Arrivals(0) {
		if !errors.Is(err, eventlog.ErrTxDone) {
			t.Errorf("after the end: %v", err)
		}
	}
	func() {
		defer func() {
			if recover() != "mine" {
				t.Error("a panic did not pass through")
			}
		}()
		_ = l.View(t.Context(), func(*eventlog.ReadTx) error { panic("mine") })
	}()
	if err := l.View(t.Context(), func(*eventlog.ReadTx) error {
		_, err := l.Append(t.Context(), note("x"))
		if !errors.Is(err, eventlog.ErrInTx) {
			t.Errorf("append inside: %v", err)
		}
		return l.View(t.Context(), func(*eventlog.ReadTx) error { return nil })
	}); !errors.Is(err, eventlog.ErrInTx) {
		t.Errorf("a view inside a view: %v", err)
	}
	mustAppend(t, l, "two")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := l.View(ctx, func(*eventlog.ReadTx) error { t.Error("it ran"); return nil }); !errors.Is(err, why) {
		t.Errorf("an ended context: %v", err)
	}
	if n := eventlog.Bolt(l).Stats().OpenTxN; n != 0 {
		t.Errorf("%d transactions are open", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.View(t.Context(), func(*eventlog.ReadTx) error { return nil }); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("a closed log: %v", err)
	}
}
