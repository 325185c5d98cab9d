package eventlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// run is a Follow or Deliver that runs beside a test.
type run struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan error
}

// start runs fn beside the test, which is in a bubble, and waits until it waits.
func start(t *testing.T, fn func(ctx context.Context) error) *run {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &run{t: t, cancel: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- fn(ctx) }()
	synctest.Wait()
	return r
}

// stop ends what runs, and fails the test if something else had ended it.
func (r *run) stop() {
	r.t.Helper()
	r.cancel()
	if err := <-r.ended; !errors.Is(err, context.Canceled) {
		r.t.Errorf("ended with %v, want context.Canceled", err)
	}
}

// error waits until what runs ends, and returns why.
func (r *run) error() error {
	defer r.cancel()
	return <-r.ended
}

// catchUp follows until everything is handled.
func catchUp(t *testing.T, l *eventlog.Log, name string, cfg eventlog.FollowConfig, handler func(*eventlog.Tx, []eventlog.Entry) error) {
	t.Helper()
	start(t, func(ctx context.Context) error { return l.Follow(ctx, name, cfg, handler) }).stop()
}

// keep is a handler that adds what it is given to a text in the bucket called name.
func keep(name string) func(tx *eventlog.Tx, batch []eventlog.Entry) error {
	return func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		b := tx.Bucket(name)
		return b.Put([]byte("all"), append(b.Get([]byte("all")), saying(batch)+"|"...))
	}
}

// kept returns what keep has kept: the batches, each ended by a bar.
func kept(t *testing.T, l *eventlog.Log, name string) (all string) {
	t.Helper()
	undo := errors.New("undo")
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		all = string(tx.Bucket(name).Get([]byte("all")))
		return undo
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
	return all
}

func wantKept(t *testing.T, l *eventlog.Log, name, want string) {
	t.Helper()
	if got := kept(t, l, name); got != want {
		t.Errorf("%s has handled %q, want %q", name, got, want)
	}
}

// saying returns what entries say.
func saying(entries []eventlog.Entry) string {
	var all []string
	for _, e := range entries {
		var s string
		_ = json.Unmarshal(e.Payload, &s)
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

// numbered returns n events that say their number, from first on.
func numbered(first, n int) []crdt.Event {
	var events []crdt.Event
	for i := range n {
		events = append(events, note(fmt.Sprint(first+i)))
	}
	return events
}

func appendAll(t testing.TB, l *eventlog.Log, events []crdt.Event) {
	t.Helper()
	if _, err := l.AppendBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

func status(t *testing.T, l *eventlog.Log, name string) eventlog.FollowerStatus {
	t.Helper()
	s, err := l.Follower(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, cfg := t.TempDir(), config("a")
		l := eventlogtest.Create(t, dir, cfg)
		appendAll(t, l, numbered(0, 5))
		r := start(t, func(ctx context.Context) error {
			return l.Follow(ctx, "f", eventlog.FollowConfig{MaxEntries: 3}, keep("f"))
		})
		wantKept(t, l, "f", "0 1 2|3 4|")
		mustAppend(t, l, "5")
		synctest.Wait()
		wantKept(t, l, "f", "0 1 2|3 4|5|")
		if s := status(t, l, "f"); !s.Running || s.Cursor != 6 || s.Next != 6 || s.Lag != 0 || s.Handled != 6 || !s.Holds || s.Since.IsZero() {
			t.Errorf("status %+v", s)
		}
		r.stop()
		mustAppend(t, l, "6")
		if s := status(t, l, "f"); s.Running || s.Cursor != 6 || s.Lag != 1 {
			t.Errorf("status %+v", s)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = eventlogtest.Reopen(t, dir, cfg)
		catchUp(t, l, "f", eventlog.FollowConfig{}, keep("f"))
		wantKept(t, l, "f", "0 1 2|3 4|5|6|")
	})
}

func TestFollowFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		other := newStranger(t, "other")
		apply(t, l, other.chain(crdt.Op{}, 3, "other")...)
		for _, e := range []crdt.Event{
			{Kind: "k1", Module: "m1", Subject: "s1"}, {Kind: "k2", Module: "m1", Subject: "s2"}, {Kind: "k1", Module: "m2", Subject: "s2"},
		} {
			if _, err := l.Append(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		for name, test := range map[string]struct {
			cfg    eventlog.FollowConfig
			want   []uint64
			filter string
		}{
			"all":      {eventlog.FollowConfig{}, []uint64{0, 1, 2, 3, 4, 5}, ""},
			"kinds":    {eventlog.FollowConfig{Kinds: []string{"k1", "k3"}}, []uint64{3, 5}, "kind=k1,k3"},
			"modules":  {eventlog.FollowConfig{Modules: []string{"m1"}}, []uint64{3, 4}, "module=m1"},
			"subjects": {eventlog.FollowConfig{Subjects: []string{"s2"}, Kinds: []string{"k1"}}, []uint64{5}, "kind=k1 subject=s2"},
			"authors":  {eventlog.FollowConfig{Authors: []crdt.Author{other.author()}}, []uint64{0, 1, 2}, "author=" + other.author().Short()},
			"from":     {eventlog.FollowConfig{From: 4}, []uint64{4, 5}, ""},
			"now":      {eventlog.FollowConfig{From: eventlog.Now}, nil, ""},
		} {
			var got []uint64
			catchUp(t, l, name, test.cfg, func(_ *eventlog.Tx, batch []eventlog.Entry) error {
				for _, e := range batch {
					got = append(got, e.Offset)
				}
				return nil
			})
			if !slices.Equal(got, test.want) || status(t, l, name).Filter != test.filter {
				t.Errorf("%s: offsets %v, want %v; filter %q, want %q", name, got, test.want, status(t, l, name).Filter, test.filter)
			}
		}
	})
}

// TestNoTransactionIsHeldWhileAFollowerWaits (system B: an early version held a write transaction while
// it waited): for entries, for a batch to fill, and between two attempts.
func TestNoTransactionIsHeldWhileAFollowerWaits(t *testing.T) {
	failing := func(*eventlog.Tx, []eventlog.Entry) error { return errors.New("not now") }
	for name, test := range map[string]struct {
		cfg     eventlog.FollowConfig
		handler func(*eventlog.Tx, []eventlog.Entry) error
	}{
		"for entries":  {eventlog.FollowConfig{}, keep("f")},
		"for a batch":  {eventlog.FollowConfig{MaxWait: time.Hour}, keep("f")},
		"to try again": {eventlog.FollowConfig{OnError: eventlog.RetryOnError, RetryMin: time.Hour}, failing},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := eventlogtest.Open(t)
			mustAppend(t, l, "0")
			r := start(t, func(ctx context.Context) error { return l.Follow(ctx, "f", test.cfg, test.handler) })
			began := time.Now()
			if n := eventlog.Bolt(l).Stats().OpenTxN; n != 0 {
				t.Errorf("%s: %d transactions are open", name, n)
			}
			mustAppend(t, l, "1")
			if err := l.Update(t.Context(), count); err != nil || time.Since(began) != 0 {
				t.Errorf("%s: an update took %s: %v", name, time.Since(began), err)
			}
			r.stop()
		})
	}
}

// TestAnErrorDoesNotAdvance (system B: an error stops the follower where it is): nothing of the batch
// is kept, and the next start begins with it.
func TestAnErrorDoesNotAdvance(t *testing.T) {
	l := eventlogtest.Open(t)
	appendAll(t, l, numbered(0, 6))
	refused := errors.New("refused")
	handler := func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		if err := keep("f")(tx, batch); err != nil {
			return err
		}
		if _, err := tx.Append(note("undone")); err != nil {
			return err
		}
		if batch[0].Offset == 2 {
			return refused
		}
		return errors.Join(tx.SetCursor("other", 1))
	}
	cfg := eventlog.FollowConfig{MaxEntries: 2, Kinds: []string{"test.note"}}
	for range 2 {
		err := l.Follow(t.Context(), "f", cfg, handler)
		want := &eventlog.HandlerError{Name: "f", First: 2, Last: 3, Attempts: 1, Err: refused}
		if got, ok := err.(*eventlog.HandlerError); !ok || *got != *want || !errors.Is(err, refused) {
			t.Errorf("follow: %v, want %v", err, want)
		}
		wantKept(t, l, "f", "0 1|")
	}
	s := status(t, l, "f")
	if s.Cursor != 2 || s.Handled != 2 || s.Failure == nil || s.Failure.Error != "refused" || s.Failure.Time.IsZero() ||
		s.Failure.First != 2 || s.Failure.Last != 3 || s.Failure.Attempts != 1 {
		t.Errorf("status %+v, failure %+v", s, s.Failure)
	}
	if n := l.Stats().Entries; n != 7 {
		t.Errorf("%d entries, want 7: what a failed handler has appended is kept", n)
	}
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 6))
		_ = l.Follow(t.Context(), "f", cfg, handler)
		catchUp(t, l, "f", cfg, keep("f"))
		wantKept(t, l, "f", "0 1|2 3|4 5|")
		if s := status(t, l, "f"); s.Failure == nil || s.Failure.Attempts != 0 {
			t.Errorf("failure %+v, want one that has passed", s.Failure)
		}
	})
}

// TestAFollowerWithoutACursorBeginsAtOnce (system C: a follower without a cursor waited for ever).
func TestAFollowerWithoutACursorBeginsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 3))
		catchUp(t, l, "begins", eventlog.FollowConfig{}, keep("begins"))
		wantKept(t, l, "begins", "0 1 2|")
		// One that begins with what is new has a cursor before anything is.
		catchUp(t, l, "new", eventlog.FollowConfig{From: eventlog.Now}, keep("new"))
		mustAppend(t, l, "3")
		catchUp(t, l, "new", eventlog.FollowConfig{From: eventlog.Now}, keep("new"))
		wantKept(t, l, "new", "3|")
	})
}

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
		catchUp(t, l, "bytes", eventlog.FollowConfig{MaxBytes: 2500}, keep("bytes"))
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

func TestFollowerNamesAndConfigurations(t *testing.T) {
	l := eventlogtest.Open(t)
	for _, name := range []string{"", strings.Repeat("n", 256), "\xff", "quipu.transition"} {
		if err := l.Follow(t.Context(), name, eventlog.FollowConfig{}, keep("f")); !errors.Is(err, eventlog.ErrName) {
			t.Errorf("follower %q: %v", name, err)
		}
	}
	for field, cfg := range map[string]eventlog.FollowConfig{
		"From":       {From: crdt.MaxSeq},
		"MaxEntries": {MaxEntries: 1<<16 + 1},
		"MaxBytes":   {MaxBytes: -1},
		"MaxWait":    {MaxWait: -1},
		"OnError":    {OnError: 2},
		"RetryMin":   {RetryMin: time.Hour, RetryMax: time.Minute},
		"ParkAfter":  {ParkAfter: 1},
		"Kinds":      {Kinds: []string{strings.Repeat("k", 16<<10)}},
	} {
		if err := l.Follow(t.Context(), "f", cfg, keep("f")); err == nil || !strings.Contains(err.Error(), "config: "+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if all, err := l.Followers(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("followers %v, %v", all, err)
	}
}

func TestFollowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		mustAppend(t, l, "0")
		r := start(t, func(ctx context.Context) error { return l.Follow(ctx, "f", eventlog.FollowConfig{}, keep("f")) })
		if err := l.Follow(t.Context(), "f", eventlog.FollowConfig{}, keep("f")); !errors.Is(err, eventlog.ErrFollowing) {
			t.Errorf("a second one: %v", err)
		}
		r.stop()

		func() {
			defer func() {
				if p := recover(); p != "oh" {
					t.Errorf("recovered %v", p)
				}
			}()
			_ = l.Follow(t.Context(), "panics", eventlog.FollowConfig{}, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
				_ = keep("panics")(tx, batch)
				panic("oh")
			})
		}()
		wantKept(t, l, "panics", "")
		catchUp(t, l, "panics", eventlog.FollowConfig{}, keep("panics"))
		wantKept(t, l, "panics", "0|")

		// A handler that gives up because ctx ends has not failed.
		ctx, cancel := context.WithCancel(t.Context())
		err := l.Follow(ctx, "cancelled", eventlog.FollowConfig{}, func(tx *eventlog.Tx, _ []eventlog.Entry) error {
			cancel()
			return fmt.Errorf("give up: %w", ctx.Err())
		})
		if s := status(t, l, "cancelled"); err != context.Canceled || s.Cursor != 0 || s.Failure != nil { //nolint:errorlint // the very error
			t.Errorf("follow: %v, status %+v", err, s)
		}

		err = l.Update(t.Context(), func(*eventlog.Tx) error {
			if err := l.Follow(t.Context(), "inside", eventlog.FollowConfig{}, keep("f")); !errors.Is(err, eventlog.ErrInTx) {
				t.Errorf("follow inside an update: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		waits := start(t, func(ctx context.Context) error { return l.Follow(ctx, "f", eventlog.FollowConfig{}, keep("f")) })
		retries := start(t, func(ctx context.Context) error {
			return l.Follow(ctx, "r", eventlog.FollowConfig{OnError: eventlog.RetryOnError}, func(*eventlog.Tx, []eventlog.Entry) error {
				return errors.New("never")
			})
		})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*run{waits, retries} {
			if err := r.error(); !errors.Is(err, eventlog.ErrClosed) {
				t.Errorf("ended with %v, want ErrClosed", err)
			}
		}
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
		want := &eventlog.TrimmedError{Author: s.author(), Seq: 2, First: crdt.Place{Author: s.author(), Seq: 6}, Offset: 6, Gone: 4}
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
