package eventlog_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// named is a note with an id, within a scope.
func named(scope, id, text string) crdt.Event {
	e := note(text)
	if scope != "" {
		e.Headers = append(e.Headers, crdt.EventHeader{Name: eventlog.HeaderClient, Value: scope})
	}
	e.Headers = append(e.Headers, crdt.EventHeader{Name: eventlog.HeaderID, Value: id})
	return e
}

// appendOnce appends events and returns of each its seq, behind "known" where the entry was there.
func appendOnce(t testing.TB, l *eventlog.Log, events ...crdt.Event) (told []string) {
	t.Helper()
	all, err := l.AppendOnce(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		text := fmt.Sprint(a.Seq)
		if a.Known {
			text = "known " + text
		}
		told = append(told, text)
	}
	return told
}

func wantOnce(t testing.TB, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

// wantReused checks that events are refused since the id of one is that of another event, and that nothing was appended.
func wantReused(t testing.TB, l *eventlog.Log, id string, first crdt.Place, events ...crdt.Event) {
	t.Helper()
	next := l.Feed(l.Author()).Next()
	_, err := l.AppendBatch(t.Context(), events)
	reused, ok := errors.AsType[*eventlog.IDReusedError](err)
	if !ok || reused.ID != id || reused.First != first {
		t.Errorf("%v, want that id %s is that of %s", err, id, first)
	}
	if now := l.Feed(l.Author()).Next(); now != next {
		t.Errorf("%d entries were appended", now-next)
	}
}

func TestAnEventThatComesTwiceIsAppendedOnce(t *testing.T) {
	l := eventlogtest.Open(t)
	wantOnce(t, appendOnce(t, l, named("", "1", "a"), note("b"), named("", "2", "c")), "0", "1", "2")
	again := named("", "1", "a")
	again.Time = time.Now().Add(time.Hour)
	wantOnce(t, appendOnce(t, l, again), "known 0")
	if p, err := l.Append(t.Context(), again); err != nil || p.Seq != 0 {
		t.Errorf("%v, %v", p, err)
	}
	wantOnce(t, appendOnce(t, l, note("b"), named("", "2", "c"), named("", "3", "d")), "3", "known 2", "4")
	// A scope has ids of its own.
	wantOnce(t, appendOnce(t, l, named("app", "1", "other"), named("app", "2", "c")), "5", "6")
	first := crdt.Place{Author: l.Author(), Seq: 0}
	wantReused(t, l, "1", first, named("", "1", "another"))
	wantReused(t, l, "1", first, named("", "9", "new"), named("", "1", "another"))
	persistent := named("", "1", "a")
	persistent.Retention = crdt.Trimmable
	wantReused(t, l, "1", first, persistent)
}

func TestAnEventThatComesTwiceInOneCall(t *testing.T) {
	l := eventlogtest.Open(t)
	wantOnce(t, appendOnce(t, l, named("", "1", "a"), note("b"), named("", "1", "a"), named("", "2", "c"), named("", "1", "a")), "0", "1", "known 0", "2", "known 0")
	wantOnce(t, appendOnce(t, l, named("", "1", "a"), named("", "3", "d"), named("", "3", "d"), named("", "1", "a")), "known 0", "3", "known 3", "known 0")
	wantReused(t, l, "4", crdt.Place{}, named("", "4", "a"), named("", "4", "b"))
}

func TestAnUpdateAppendsOnce(t *testing.T) {
	l := eventlogtest.Open(t)
	for range 2 {
		err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
			for range 2 {
				if p, err := tx.Append(named("", "1", "a")); err != nil || p.Seq != 0 {
					return fmt.Errorf("%v, %w", p, err)
				}
				if p, known, err := tx.Known(named("", "1", "a")); err != nil || !known || p.Seq != 0 {
					return fmt.Errorf("%v, %v, %w", p, known, err)
				}
			}
			if _, known, err := tx.Known(named("", "2", "a")); known || err != nil {
				return fmt.Errorf("%v, %w", known, err)
			}
			if _, known, err := tx.Known(note("a")); known || err != nil {
				return fmt.Errorf("%v, %w", known, err)
			}
			_, err := tx.Append(named("", "1", "b"))
			if _, reused := errors.AsType[*eventlog.IDReusedError](err); !reused {
				return fmt.Errorf("%w, want that the id is reused", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if next := l.Feed(l.Author()).Next(); next != 1 {
		t.Errorf("%d entries, want one", next)
	}
}

// TestWhatAFollowerEmitsHasNoID has a follower copy the headers of what it is given, ids among them.
func TestWhatAFollowerEmitsHasNoID(t *testing.T) {
	l := eventlogtest.Open(t)
	wantOnce(t, appendOnce(t, l, named("", "1", "a"), named("", "2", "b")), "0", "1")
	both := uint64(2)
	err := l.Follow(t.Context(), "copier", eventlog.FollowConfig{Until: &both}, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		for _, e := range batch {
			if _, err := tx.Append(crdt.Event{Kind: "copy", Headers: e.Headers}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if next := l.Feed(l.Author()).Next(); next != 4 {
		t.Errorf("%d entries, want two and a copy of each", next)
	}
	wantOnce(t, appendOnce(t, l, named("", "1", "a"), named("", "2", "b")), "known 0", "known 1")
}

// TestManyAppendTheSameAtOnce has many goroutines append the same events: whoever is written together with whom, each entry
// is there once, and one of the callers alone was not told that it is known.
func TestManyAppendTheSameAtOnce(t *testing.T) {
	l := eventlogtest.Open(t)
	const writers, events = 16, 20
	var mu sync.Mutex
	fresh, at := make(map[int]int), make(map[int]crdt.Place)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range events {
				i := (n + w) % events
				got, err := l.AppendOnce(t.Context(), []crdt.Event{named("", fmt.Sprint(i), fmt.Sprint(i))})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if !got[0].Known {
					fresh[i]++
				}
				if was, there := at[i]; there && was != got[0].Place {
					t.Errorf("event %d is at %s and at %s", i, was, got[0].Place)
				}
				at[i] = got[0].Place
				mu.Unlock()
				_, err = l.Append(t.Context(), named("", fmt.Sprint(i), "another"))
				if _, reused := errors.AsType[*eventlog.IDReusedError](err); !reused {
					t.Errorf("another event with id %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
	for i := range events {
		if fresh[i] != 1 {
			t.Errorf("event %d was new to %d callers", i, fresh[i])
		}
	}
	if next := l.Feed(l.Author()).Next(); next != events {
		t.Errorf("%d entries, want %d", next, events)
	}
}

// idRows counts the ids on record.
func idRows(t testing.TB, l *eventlog.Log) (n int) {
	t.Helper()
	err := eventlog.Bolt(l).View(func(tx *bbolt.Tx) error {
		all := tx.Bucket([]byte("ids"))
		if all == nil {
			n = -1
			return nil
		}
		return all.ForEachBucket(func(author []byte) error {
			return all.Bucket(author).ForEach(func(_, _ []byte) error { n++; return nil })
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAnAppendWithoutAnIDPaysNothing counts the pages that appends write which have no id: beside many that have one, as
// many as beside others.
func TestAnAppendWithoutAnIDPaysNothing(t *testing.T) {
	pages := func(header string) (written int64, rows int) {
		l := eventlogtest.OpenAs(t, header)
		for i := range 500 {
			e := note("x")
			e.Headers = []crdt.EventHeader{{Name: header, Value: fmt.Sprint(i)}}
			wantOnce(t, appendOnce(t, l, e), fmt.Sprint(i))
		}
		before := eventlog.Bolt(l).Stats()
		for i := range 50 {
			mustAppend(t, l, fmt.Sprint(i))
		}
		after := eventlog.Bolt(l).Stats()
		return after.TxStats.GetWrite() - before.TxStats.GetWrite(), idRows(t, l)
	}
	without, none := pages("other-id")
	beside, rows := pages(eventlog.HeaderID)
	if none != -1 || rows != 500 {
		t.Errorf("%d ids and %d on record, want no bucket of them and 500", none, rows)
	}
	if beside > without {
		t.Errorf("50 appends without an id write %d pages beside ids, and %d without", beside, without)
	}
}

// TestIDsThatAreCountedStandTogether: of ids that end in a number, as those of a stream do, those that come together are on
// one page, however many there are.
func TestIDsThatAreCountedStandTogether(t *testing.T) {
	l := eventlogtest.Open(t)
	var all []crdt.Event
	for i := range 4000 {
		all = append(all, named("", fmt.Sprint("stream/", i), "x"), named("", fmt.Sprint("other/", i, "x"), "x"))
	}
	if _, err := l.AppendBatch(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	allocated := func(prefix, suffix string) int64 {
		before := eventlog.Bolt(l).Stats()
		var events []crdt.Event
		for i := range 60 {
			events = append(events, named("", fmt.Sprint(prefix, 4000+i, suffix), "x"))
		}
		if _, err := l.AppendBatch(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		after := eventlog.Bolt(l).Stats()
		return after.TxStats.GetWrite() - before.TxStats.GetWrite()
	}
	if counted, other := allocated("stream/", ""), allocated("stream/", "x"); counted > 16 || other < 40 {
		t.Errorf("60 ids of a stream write %d pages, 60 others %d: want at most 16, where others write 40 and more", counted, other)
	}
}

func TestIDsGoWithTheirEntries(t *testing.T) {
	k := newKeeper(t, "keeper")
	class := func(e crdt.Event, r crdt.Retention) crdt.Event { e.Retention = r; return e }
	for i := range 10 {
		appendOnce(t, k.Log, class(named("", fmt.Sprint("t", i), "x"), crdt.Trimmable))
		appendOnce(t, k.Log, class(named("", fmt.Sprint("p", i), "x"), crdt.Persistent))
	}
	k.now = k.now.Add(time.Hour)
	k.add(crdt.Persistent, 10)
	if k.trim(eventlog.TrimOptions{}); idRows(t, k.Log) != 10 {
		t.Errorf("%d ids are left, want those of 10 persistent entries", idRows(t, k.Log))
	}
	wantOnce(t, appendOnce(t, k.Log, class(named("", "t0", "another"), crdt.Trimmable), class(named("", "p0", "x"), crdt.Persistent)), "30", "known 1")
	if _, err := k.Prune(t.Context(), eventlog.PruneRequest{Below: 10}); err != nil {
		t.Fatal(err)
	}
	k.now = k.now.Add(time.Hour)
	k.trim(eventlog.TrimOptions{})
	wantOnce(t, appendOnce(t, k.Log, class(named("", "p0", "another"), crdt.Persistent), class(named("", "p9", "x"), crdt.Persistent)), "32", "known 19")
	if _, err := k.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantOnce(t, appendOnce(t, k.Log, class(named("", "p9", "x"), crdt.Persistent)), "known 19")
	k.reopen()
	wantOnce(t, appendOnce(t, k.Log, class(named("", "p9", "x"), crdt.Persistent)), "known 19")
}

func TestIDsAfterANewKey(t *testing.T) {
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, config("a"))
	appendOnce(t, l, named("", "1", "a"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	former := l.Author()
	l, err := eventlog.Rekey(dir, config("a"), eventlogtest.Key("b"), func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	got, err := l.AppendOnce(t.Context(), []crdt.Event{named("", "1", "a"), named("", "2", "b")})
	if err != nil || got[0] != (eventlog.Appended{Place: crdt.Place{Author: former}, Known: true}) || got[1].Author != l.Author() || got[1].Known {
		t.Errorf("%v, %v", got, err)
	}
	wantReused(t, l, "1", crdt.Place{Author: former}, named("", "1", "another"))
	if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
		t.Errorf("%v, %v", report, err)
	}
	if filepath.Dir(l.Path()) != dir {
		t.Errorf("the log is at %s", l.Path())
	}
}
