package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

func TestUpdate(t *testing.T) {
	dir, cfg := t.TempDir(), config("a")
	l := eventlogtest.Create(t, dir, cfg)
	mustAppend(t, l, "before")
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		if tx.Next() != 1 || tx.Author() != l.Author() || tx.Now().IsZero() {
			t.Errorf("next %d, author %s, now %v", tx.Next(), tx.Author(), tx.Now())
		}
		first, err := tx.Append(note("one"))
		if err != nil {
			return err
		}
		head, err := tx.Seal()
		if err != nil {
			return err
		}
		second, err := tx.AppendReserved(crdt.Event{Kind: "quipu.test", Payload: []byte(`"two"`)})
		if err != nil {
			return err
		}
		if first.Seq != 1 || second.Seq != 2 || head.Next != 2 {
			t.Errorf("places %v and %v, head %v", first, second, head)
		}
		if _, err := tx.Append(crdt.Event{Kind: "quipu.test"}); !errors.Is(err, eventlog.ErrReserved) {
			t.Errorf("append of a reserved kind: %v", err)
		}
		if _, err := tx.Append(crdt.Event{}); !errors.Is(err, crdt.ErrEvent) {
			t.Errorf("append of nothing: %v", err)
		}
		if _, found := tx.Cursor("f"); found {
			t.Error("a new follower has a cursor")
		}
		b := tx.Bucket("b")
		if b.Get([]byte("k")) != nil || b.Delete([]byte("k")) != nil {
			t.Error("a new bucket is not empty")
		}
		return errors.Join(tx.SetCursor("f", 3), b.Put([]byte("k"), []byte("v")), b.Put([]byte("empty"), nil))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = eventlogtest.Reopen(t, dir, cfg)
	wantTexts(t, l, "before", "one", "two")
	if s := l.Stats(); s.Ops != 3 {
		t.Errorf("%d ops, want 3: Seal ends an op", s.Ops)
	}
	err = l.Update(t.Context(), func(tx *eventlog.Tx) error {
		at, found := tx.Cursor("f")
		if at != 3 || !found {
			t.Errorf("cursor %d, %v", at, found)
		}
		b := tx.Bucket("b")
		got := maps.Collect(func(yield func(string, string) bool) {
			for k, v := range b.Ascend(nil) {
				if v == nil || !yield(string(k), string(v)) {
					return
				}
			}
		})
		if diff := cmp.Diff(map[string]string{"k": "v", "empty": ""}, got); diff != "" {
			t.Errorf("bucket (-want +got):\n%s", diff)
		}
		if b.Get([]byte("empty")) == nil || string(b.Get([]byte("k"))) != "v" {
			t.Error("a value that is there is nil")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestUpdateRollsBack lets updates fail in every way: each is undone and harms nothing else.
func TestUpdateRollsBack(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, "before")
	root := l.Root()
	work := func(tx *eventlog.Tx) {
		if _, err := tx.Append(note("undone")); err != nil {
			t.Error(err)
		}
		if err := errors.Join(tx.Bucket("b").Put([]byte("k"), []byte("v")), tx.SetCursor("f", 1)); err != nil {
			t.Error(err)
		}
	}
	refused := errors.New("refused")
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		work(tx)
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("update: %v", err)
	}
	func() {
		defer func() {
			if p := recover(); p != "oh" {
				t.Errorf("recovered %v", p)
			}
		}()
		_ = l.Update(t.Context(), func(tx *eventlog.Tx) error {
			work(tx)
			panic("oh")
		})
	}()
	var kept *eventlog.Tx
	if err := l.Update(t.Context(), func(tx *eventlog.Tx) error { kept = tx; return nil }); err != nil {
		t.Error(err)
	}
	if _, err := kept.Append(note("late")); !errors.Is(err, eventlog.ErrTxDone) {
		t.Errorf("append to a transaction that has ended: %v", err)
	}
	if l.Root() != root {
		t.Error("something was kept")
	}
	mustAppend(t, l, "after")
	wantTexts(t, l, "before", "after")
	err = l.Update(t.Context(), func(tx *eventlog.Tx) error {
		_, found := tx.Cursor("f")
		if found || tx.Bucket("b").Get([]byte("k")) != nil {
			t.Error("something was kept")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestInTx calls the log inside an update of its own.
func TestInTx(t *testing.T) {
	l, other := eventlogtest.Open(t), eventlogtest.OpenAs(t, "other")
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		_, appended := l.Append(t.Context(), note("x"))
		_, applied := l.Apply(t.Context(), nil)
		_, looked := l.Lookup(t.Context(), crdt.Place{})
		_, verified := l.Verify(t.Context())
		_, planned := l.Plan(t.Context(), crdt.Want{})
		var read error
		for _, err := range l.Entries(t.Context(), eventlog.Query{}) {
			read = err
		}
		for what, err := range map[string]error{
			"append": appended, "apply": applied, "lookup": looked, "entries": read, "close": l.Close(), "plan": planned, "verify": verified,
			"update": l.Update(t.Context(), func(*eventlog.Tx) error { return nil }),
		} {
			if !errors.Is(err, eventlog.ErrInTx) {
				t.Errorf("%s inside an update: %v", what, err)
			}
		}
		mustAppend(t, other, "another log is another matter")
		if l.Stats().Entries != 0 || len(l.Frontier()) != 0 {
			t.Error("what is in memory cannot be read")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, "x")
}

func TestArrivals(t *testing.T) {
	l, other := eventlogtest.Open(t), eventlogtest.OpenAs(t, "other")
	for i := range 5 {
		mustAppend(t, other, fmt.Sprint("other ", i))
	}
	if _, err := l.AppendBatch(t.Context(), []crdt.Event{note("a"), note("b"), note("c")}); err != nil {
		t.Fatal(err)
	}
	eventlogtest.Exchange(t, other, l)
	want := texts(t, l, eventlog.Query{Order: eventlog.Arrival})
	for from := range uint64(10) {
		err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
			if _, err := tx.Append(note("not yet")); err != nil {
				return err
			}
			var got []string
			next := from
			for e, err := range tx.Arrivals(from) {
				if err != nil {
					return err
				}
				if e.Offset != next {
					t.Errorf("offset %d, want %d", e.Offset, next)
				}
				next++
				got = append(got, strings.Trim(string(e.Payload), `"`))
			}
			if !slices.Equal(got, want[min(from, 8):]) {
				t.Errorf("arrivals from %d: %q", from, got)
			}
			return errors.New("undo")
		})
		if err == nil || err.Error() != "undo" {
			t.Fatal(err)
		}
	}
}

// TestUpdatesAndAppends runs both side by side: each update sees what came before it.
func TestUpdatesAndAppends(t *testing.T) {
	const writers, each = 6, 20
	l := eventlogtest.Open(t)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				var err error
				if w%2 == 0 {
					_, err = l.Append(t.Context(), note(fmt.Sprint(w, i)))
				} else {
					err = l.Update(t.Context(), func(tx *eventlog.Tx) error { return count(tx) })
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		if got := string(tx.Bucket("count").Get([]byte("n"))); got != strings.Repeat("|", writers/2*each) {
			t.Errorf("counted %d", len(got))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if n := l.Stats().Entries; n != writers*each {
		t.Errorf("%d entries, want %d", n, writers*each)
	}
}

// count adds a stroke to a tally and appends an entry.
func count(tx *eventlog.Tx) error {
	b := tx.Bucket("count")
	tally := append(b.Get([]byte("n")), '|')
	if _, err := tx.Append(note(string(tally))); err != nil {
		return err
	}
	return b.Put([]byte("n"), tally)
}

// TestUpdatesAreCounted as calls that append, or that have failed for a reason of the log's.
func TestUpdatesAreCounted(t *testing.T) {
	l := eventlogtest.Open(t)
	gone, leave := context.WithCancel(t.Context())
	leave()
	event := func(kind string) func(*eventlog.Tx) error {
		return func(tx *eventlog.Tx) error {
			_, err := tx.Append(crdt.Event{Kind: kind})
			return err
		}
	}
	for _, step := range []struct {
		name string
		ctx  context.Context
		fn   func(*eventlog.Tx) error
		code string // that it is counted as; "ok" for a call, "" for none
	}{
		{"appends", t.Context(), event("note"), "ok"},
		{"puts a key alone", t.Context(), func(tx *eventlog.Tx) error { return tx.Bucket("b").Put([]byte("k"), nil) }, ""},
		{"is called off", t.Context(), func(tx *eventlog.Tx) error { return errors.Join(event("note")(tx), errors.New("own")) }, ""},
		{"panics", t.Context(), func(*eventlog.Tx) error { panic("own") }, ""},
		{"is not allowed", t.Context(), event("quipu.note"), "reserved"},
		{"is within another", t.Context(), func(*eventlog.Tx) error { return l.Update(t.Context(), event("note")) }, "invalid"},
		{"comes too late", gone, event("note"), "stopping"},
	} {
		before := l.Meters()
		func() {
			defer func() { _ = recover() }()
			_ = l.Update(step.ctx, step.fn)
		}()
		after := l.Meters()
		if got, want := after.Calls-before.Calls, step.code == "ok"; got == 1 != want || got > 1 {
			t.Errorf("an update that %s is counted as %d calls", step.name, got)
		}
		for code, n := range after.Failed {
			if want := code == step.code; (n > before.Failed[code]) != want {
				t.Errorf("an update that %s: %d of %s, %d before", step.name, n, code, before.Failed[code])
			}
		}
	}
}

func TestNames(t *testing.T) {
	l := eventlogtest.Open(t)
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		for _, name := range []string{"", strings.Repeat("n", 256)} {
			if err := tx.SetCursor(name, 0); !errors.Is(err, eventlog.ErrName) {
				t.Errorf("cursor of a follower with a name of %d bytes: %v", len(name), err)
			}
			if err := tx.Bucket(name).Put([]byte("k"), nil); !errors.Is(err, eventlog.ErrName) {
				t.Errorf("bucket with a name of %d bytes: %v", len(name), err)
			}
		}
		for _, key := range [][]byte{nil, make([]byte, 33<<10)} {
			if err := tx.Bucket("b").Put(key, nil); !errors.Is(err, eventlog.ErrKey) {
				t.Errorf("key of %d bytes: %v", len(key), err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
