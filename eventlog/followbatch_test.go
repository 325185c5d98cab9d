package eventlog_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestTheLimitOfABatchCountsEntries (system B: the limit was a distance in ids, so that a filter got
// less than it asked for, or nothing).
func TestTheLimitOfABatchCountsEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		for i := range 70 {
			e := note(fmt.Sprint(i))
			if i%10 == 0 {
				e.Kind = "test.tenth"
			}
			if _, err := l.Append(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		catchUp(t, l, "f", eventlog.FollowConfig{MaxEntries: 3, Kinds: []string{"test.tenth"}}, keep("f"))
		wantKept(t, l, "f", "0 10 20|30 40 50|60|")
	})
}

// TestBatchesAreBoundedByBytesAndTime fills batches up to a number of bytes, and for a while.
func TestBatchesAreBoundedByBytesAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		for i := range 5 {
			e := note(fmt.Sprint(i))
			e.Headers = []crdt.EventHeader{{Name: "h", Value: strings.Repeat("v", 1000)}}
			if _, err := l.Append(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		catchUp(t, l, "bytes", eventlog.FollowConfig{MaxBytes: 3000}, keep("bytes"))
		wantKept(t, l, "bytes", "0 1|2 3|4|")
		catchUp(t, l, "small", eventlog.FollowConfig{MaxBytes: 1}, keep("small"))
		wantKept(t, l, "small", "0|1|2|3|4|")

		r := start(t, func(ctx context.Context) error {
			return l.Follow(ctx, "time", eventlog.FollowConfig{MaxEntries: 7, MaxWait: 5 * time.Second, From: 4}, keep("time"))
		})
		for i := range 9 {
			time.Sleep(time.Second)
			mustAppend(t, l, fmt.Sprint(5+i))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		// After 5 s, then from the first entry behind that on.
		wantKept(t, l, "time", "4 5 6 7 8|9 10 11 12 13|")
		r.stop()
	})
}

// writes returns how often pages of the file were written.
func writes(l *eventlog.Log) int64 {
	s := eventlog.Bolt(l).Stats().TxStats
	return s.GetWrite()
}

// TestQuietStretchesCostFewCommits follows what nothing is for: the cursor moves, but not with each
// entry that arrives.
func TestQuietStretchesCostFewCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		r := start(t, func(ctx context.Context) error {
			return l.Follow(ctx, "f", eventlog.FollowConfig{Kinds: []string{"never"}}, keep("f"))
		})
		for range 50 {
			mustAppend(t, l, "not for it")
			synctest.Wait()
		}
		if s := status(t, l, "f"); s.Cursor != 0 {
			t.Errorf("cursor %d before a second has passed", s.Cursor)
		}
		before := writes(l)
		time.Sleep(time.Hour)
		synctest.Wait()
		if s := status(t, l, "f"); s.Cursor != 50 || s.Lag != 0 {
			t.Errorf("cursor %d after a quiet hour, want 50", s.Cursor)
		}
		if n := writes(l) - before; n == 0 || n > 20 {
			t.Errorf("%d writes in a quiet hour, want those of one commit", n)
		}
		r.stop()
		wantKept(t, l, "f", "")

		// A long stretch is committed on the way.
		for range 7 {
			appendAll(t, l, numbered(0, 10_000))
		}
		r = start(t, func(ctx context.Context) error {
			return l.Follow(ctx, "f", eventlog.FollowConfig{Kinds: []string{"never"}}, keep("f"))
		})
		if s := status(t, l, "f"); s.Cursor < 65_536 || s.Cursor == s.Next {
			t.Errorf("cursor %d, want one of a commit on the way to %d", s.Cursor, s.Next)
		}
		r.stop()
	})
}

// TestEmittedEntries lets a handler append: its entries name it, and do not come back to it.
func TestEmittedEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		e := note("0")
		e.Headers = []crdt.EventHeader{{Name: "a", Value: "1"}, {Name: eventlog.HeaderBy, Value: "somebody"}, {Name: "z", Value: "2"}}
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		emit := func(tx *eventlog.Tx, batch []eventlog.Entry) error {
			for _, e := range batch {
				for _, headers := range [][]crdt.EventHeader{e.Headers, nil} {
					if _, err := tx.Append(crdt.Event{Kind: "emitted", Headers: headers}); err != nil {
						return err
					}
				}
			}
			return keep("f")(tx, batch)
		}
		catchUp(t, l, "f", eventlog.FollowConfig{}, emit)
		wantKept(t, l, "f", "0|")
		var got [][]crdt.EventHeader
		for e, err := range l.Entries(t.Context(), eventlog.Query{Kinds: []string{"emitted"}}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Headers)
		}
		by := crdt.EventHeader{Name: eventlog.HeaderBy, Value: "f"}
		want := [][]crdt.EventHeader{{{Name: "a", Value: "1"}, by, {Name: "z", Value: "2"}}, {by}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		catchUp(t, l, "other", eventlog.FollowConfig{Kinds: []string{"emitted"}}, keep("other"))
		wantKept(t, l, "other", " |")
		own := 0
		catchUp(t, l, "f", eventlog.FollowConfig{OwnEntries: true}, func(_ *eventlog.Tx, batch []eventlog.Entry) error {
			own += len(batch)
			return nil
		})
		if s := status(t, l, "f"); s.Cursor != 3 || s.Filter != "with its own" {
			t.Errorf("status %+v", s)
		}

		// What says it is from elsewhere, by another author, is not skipped: nobody hides from a follower.
		s := newStranger(t, "s")
		op, err := crdt.NewOp(s.key, crdt.Header{Log: s.log, Clock: crdt.ClockAt(s.now)}, s.now,
			crdt.Event{Kind: "k", Headers: []crdt.EventHeader{by}, Payload: []byte(`"hidden"`)})
		if err != nil {
			t.Fatal(err)
		}
		apply(t, l, op)
		catchUp(t, l, "f", eventlog.FollowConfig{}, keep("f"))
		wantKept(t, l, "f", "0|hidden|")
	})
}

// TestLateArrivalsAreNeverSkipped (system A: one missing entry left a permanent hole, since the cursor
// was a count): entries of old clocks, of other authors and of branches come when they come.
func TestLateArrivalsAreNeverSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		mustAppend(t, l, "new")
		r := start(t, func(ctx context.Context) error { return l.Follow(ctx, "f", eventlog.FollowConfig{}, keep("f")) })
		old := newStranger(t, "old")
		old.now = noon.AddDate(-20, 0, 0)
		chain := old.chain(crdt.Op{}, 3, "old")
		apply(t, l, chain[:2]...)
		synctest.Wait()
		mustAppend(t, l, "newer")
		synctest.Wait()
		apply(t, l, chain[2])
		synctest.Wait()
		apply(t, l, old.chain(chain[0], 2, "branch")...)
		synctest.Wait()
		r.stop()
		wantKept(t, l, "f", "new|old0 old1|newer|old2|branch0 branch1|")
	})
}

// TestAFollowerBehindTheTrimIsTold (system C: a follower behind the trim point waited for ever).
func TestAFollowerBehindTheTrimIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Create(t, t.TempDir(), eventlog.Config{
			Key: eventlogtest.Key("keeper"), Trim: eventlog.TrimPolicy{MinAge: -1, MinCount: eventlog.NoCount},
		})
		s := newStranger(t, "s")
		var ops []crdt.Op
		var prev crdt.Op
		for i := range 5 {
			h := crdt.Header{Log: s.log, Clock: crdt.NextClock(s.now, prev.Clock, 0), First: prev.Next(), Prev: prev.ID}
			a, b := note(fmt.Sprintf("%da", i)), note(fmt.Sprintf("%db", i))
			a.Retention, b.Retention = crdt.Trimmable, crdt.Trimmable
			op, err := crdt.NewOp(s.key, h, s.now, a, b)
			if err != nil {
				t.Fatal(err)
			}
			if prev = op; i == 1 || i == 2 {
				op = op.Trim()
			}
			ops = append(ops, op)
		}
		apply(t, l, ops...)
		err := l.Follow(t.Context(), "f", eventlog.FollowConfig{}, keep("f"))
		want := &eventlog.TrimmedError{Author: s.author(), Seq: 2, First: crdt.Place{Author: s.author(), Seq: 6}, Offset: 6, Gone: 4, Elsewhere: true}
		if diff := cmp.Diff(error(want), err); diff != "" {
			t.Errorf("follow (-want +got):\n%s", diff)
		}
		wantKept(t, l, "f", "0a 0b|")
		if s := status(t, l, "f"); s.Cursor != 2 || s.Failure == nil || s.Failure.First != 2 || s.Failure.Last != 5 {
			t.Errorf("status %+v", s)
		}
		if err := l.ResetFollower(t.Context(), "f", want.Offset); err != nil {
			t.Fatal(err)
		}
		catchUp(t, l, "f", eventlog.FollowConfig{MaxEntries: 3}, keep("f"))
		wantKept(t, l, "f", "0a 0b|3a 3b 4a|4b|")

		catchUp(t, l, "skips", eventlog.FollowConfig{SkipTrimmed: true}, keep("skips"))
		wantKept(t, l, "skips", "0a 0b|3a 3b 4a 4b|")
		if s := status(t, l, "skips"); s.Trimmed != 4 || s.Handled != 6 || s.Cursor != 10 {
			t.Errorf("status %+v", s)
		}
		mustAppend(t, l, "own")
		catchUp(t, l, "author", eventlog.FollowConfig{Authors: []crdt.Author{l.Author()}}, keep("author"))
		wantKept(t, l, "author", "own|")
	})
}
