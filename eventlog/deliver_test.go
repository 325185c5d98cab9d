package eventlog_test

import (
	"context"
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

// cursors is a store in memory that can be told to fail.
type cursors struct {
	kept         map[string]eventlog.Cursor
	loads, saves int
	fail         func(op string) error
}

func newCursors() *cursors {
	return &cursors{kept: map[string]eventlog.Cursor{}, fail: func(string) error { return nil }}
}

func (c *cursors) Load(_ context.Context, name string) (eventlog.Cursor, bool, error) {
	c.loads++
	at, found := c.kept[name]
	return at, found, c.fail("load")
}

func (c *cursors) Save(_ context.Context, name string, at eventlog.Cursor) error {
	c.saves++
	if err := c.fail("save"); err != nil {
		return err
	}
	c.kept[name] = at
	return nil
}

// delivered is what a handler of Deliver has got.
type delivered struct {
	batches []string
	after   []eventlog.Cursor
	fail    func(batch string) error
}

func (e *delivered) handle(_ context.Context, d eventlog.Delivery) error {
	batch := saying(d.Entries)
	if e.fail != nil {
		if err := e.fail(batch); err != nil {
			return err
		}
	}
	e.batches = append(e.batches, batch)
	e.after = append(e.after, d.After)
	return nil
}

func (e *delivered) want(t *testing.T, batches ...string) {
	t.Helper()
	if diff := cmp.Diff(batches, e.batches); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

func TestDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 3))
		store, to := newCursors(), &delivered{}
		deliver := func(ctx context.Context) error {
			return l.Deliver(ctx, "f", eventlog.FollowConfig{MaxEntries: 2}, store, to.handle)
		}
		start(t, deliver).stop()
		to.want(t, "0 1", "2")
		want := []eventlog.Cursor{l.CursorAt(2), l.CursorAt(3)}
		if !slices.Equal(to.after, want) || store.kept["f"] != want[1] {
			t.Errorf("cursors %v, kept %v", to.after, store.kept)
		}
		s := status(t, l, "f")
		if !s.Elsewhere || s.Cursor != 3 || s.Handled != 3 || s.Running {
			t.Errorf("status %+v", s)
		}
		mustAppend(t, l, "3")
		start(t, deliver).stop()
		to.want(t, "0 1", "2", "3")

		// The cursor here only follows: it cannot be moved, nor be followed.
		for _, err := range []error{
			l.ResetFollower(t.Context(), "f", 0), second(l.SkipFollower(t.Context(), "f", 1)),
			l.Follow(t.Context(), "f", eventlog.FollowConfig{}, keep("f")),
		} {
			if !errors.Is(err, eventlog.ErrElsewhere) {
				t.Errorf("a follower whose cursor is elsewhere: %v", err)
			}
		}
		catchUp(t, l, "here", eventlog.FollowConfig{}, keep("here"))
		err := l.Deliver(t.Context(), "here", eventlog.FollowConfig{}, store, to.handle)
		if !errors.Is(err, eventlog.ErrElsewhere) {
			t.Errorf("deliver to a follower whose cursor is here: %v", err)
		}
	})
}

// TestDeliverFromNow begins with what is new, and knows so after a restart.
func TestDeliverFromNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 3))
		store, to := newCursors(), &delivered{}
		deliver := func(ctx context.Context) error {
			return l.Deliver(ctx, "f", eventlog.FollowConfig{From: eventlog.Now}, store, to.handle)
		}
		start(t, deliver).stop()
		mustAppend(t, l, "3")
		start(t, deliver).stop()
		to.want(t, "3")
	})
}

// TestACursorThatIsNotSavedComesAgain (at least once): what was handled and not saved is handled again.
func TestACursorThatIsNotSavedComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 2))
		store, to := newCursors(), &delivered{}
		broken := errors.New("broken store")
		store.fail = func(op string) error {
			if op == "save" && len(to.batches) > 0 {
				return broken
			}
			return nil
		}
		deliver := func(ctx context.Context) error {
			return l.Deliver(ctx, "f", eventlog.FollowConfig{MaxEntries: 1}, store, to.handle)
		}
		err := deliver(t.Context())
		if c, ok := err.(*eventlog.CursorError); !ok || *c != (eventlog.CursorError{Name: "f", Op: "save", Err: broken}) {
			t.Errorf("a store that cannot save: %v", err)
		}
		store.fail = func(string) error { return nil }
		start(t, deliver).stop()
		to.want(t, "0", "0", "1")
	})
}

// TestCursorErrorsAndHandlerErrorsAreToldApart (system B does): the types say which it was, and a
// retry of the one does not repeat the other.
func TestCursorErrorsAndHandlerErrorsAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 2))
		broken := errors.New("broken")
		store := newCursors()
		store.fail = func(op string) error {
			if op == "load" {
				return broken
			}
			return nil
		}
		err := l.Deliver(t.Context(), "f", eventlog.FollowConfig{}, store, (&delivered{}).handle)
		if c, ok := err.(*eventlog.CursorError); !ok || c.Op != "load" || !errors.Is(err, broken) {
			t.Errorf("a store that cannot load: %v", err)
		}
		to := &delivered{fail: func(string) error { return broken }}
		err = l.Deliver(t.Context(), "f", eventlog.FollowConfig{}, newCursors(), to.handle)
		if h, ok := err.(*eventlog.HandlerError); !ok || h.Last != 1 || !errors.Is(err, broken) {
			t.Errorf("a handler that fails: %v", err)
		}

		// Load and save fail three times each, and are tried again; the handler is called once.
		store, to = newCursors(), &delivered{}
		failures := map[string]int{}
		store.fail = func(op string) error {
			if failures[op]++; failures[op] <= 3 {
				return broken
			}
			return nil
		}
		r := start(t, func(ctx context.Context) error {
			return l.Deliver(ctx, "g", eventlog.FollowConfig{OnError: eventlog.RetryOnError}, store, to.handle)
		})
		time.Sleep(time.Minute)
		r.stop()
		to.want(t, "0 1")
	})
}

// TestACursorOfAnotherLogIsRefused brings cursors of another node, another incarnation and another
// future, to Deliver and to a Tail.
func TestACursorOfAnotherLogIsRefused(t *testing.T) {
	l, other := eventlogtest.Open(t), eventlogtest.OpenAs(t, "other")
	twin := eventlogtest.OpenAs(t, t.Name()) // the same node, begun anew
	mustAppend(t, l, "0")
	for what, test := range map[string]struct {
		cursor eventlog.Cursor
		names  []string
	}{
		"another node": {other.CursorAt(0), []string{other.Author().String()[:16], l.Author().String()[:16]}},
		"anew":         {twin.CursorAt(0), []string{twin.Incarnation(), l.Incarnation()}},
		"the future":   {l.CursorAt(2), []string{"offset 2", "before 1"}},
	} {
		store := newCursors()
		store.kept["f"] = test.cursor
		delivered := l.Deliver(t.Context(), "f", eventlog.FollowConfig{OnError: eventlog.RetryOnError}, store, (&delivered{}).handle)
		var tailed, read error
		for _, tailed = range l.Tail(t.Context(), eventlog.Query{After: test.cursor}) {
		}
		for _, read = range l.Entries(t.Context(), eventlog.Query{After: test.cursor, Order: eventlog.Arrival}) {
		}
		for _, err := range []error{delivered, tailed} {
			c, ok := err.(*eventlog.CursorError)
			if !ok || c.Op != "resume" || !errors.Is(err, eventlog.ErrForeignCursor) || !errors.Is(read, eventlog.ErrForeignCursor) {
				t.Errorf("%s: %v", what, err)
				continue
			}
			for _, name := range test.names {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("%s: %v does not name %s", what, err, name)
				}
			}
		}
	}
}

func TestCursorText(t *testing.T) {
	l := eventlogtest.Open(t)
	for _, offset := range []uint64{0, 1, crdt.MaxSeq - 1} {
		c := l.CursorAt(offset)
		var again eventlog.Cursor
		text, _ := c.MarshalText()
		if err := again.UnmarshalText(text); err != nil || again != c || c.IsZero() {
			t.Errorf("cursor %s came back as %s: %v", c, again, err)
		}
	}
	whole := l.CursorAt(7).String()
	for _, text := range []string{
		"", "x", whole[:len(whole)-2], whole + "x", strings.ToUpper(whole), whole[1:], "0" + whole, whole + ".1",
		strings.TrimSuffix(whole, "7") + "07", strings.TrimSuffix(whole, "7") + "9007199254740992", strings.Repeat("a", 1<<20),
	} {
		if _, err := eventlog.ParseCursor(text); !errors.Is(err, eventlog.ErrCursor) || len(err.Error()) > 300 {
			t.Errorf("cursor %.60q: %v", text, err)
		}
	}
}

// TestSlowReadersLoseNothing (system B: receivers that lagged behind a broadcast lost events): a tail
// and a follower that do not read while ten thousand entries arrive.
func TestSlowReadersLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 10_000
		l := eventlogtest.Open(t)
		mustAppend(t, l, "first")
		next, handled := uint64(0), uint64(0)
		tail := start(t, func(ctx context.Context) error {
			for e, err := range l.Tail(ctx, eventlog.Query{}) {
				if err != nil {
					return err
				}
				if e.Offset != next {
					t.Errorf("offset %d, want %d", e.Offset, next)
				}
				if next++; next == 1 {
					time.Sleep(time.Hour)
				}
			}
			return nil
		})
		follow := start(t, func(ctx context.Context) error {
			return l.Deliver(ctx, "f", eventlog.FollowConfig{}, newCursors(), func(_ context.Context, d eventlog.Delivery) error {
				if handled == 0 {
					time.Sleep(time.Hour)
				}
				handled += uint64(len(d.Entries))
				return nil
			})
		})
		for range most / 1000 {
			appendAll(t, l, numbered(0, 1000))
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		tail.stop()
		follow.stop()
		if next != most+1 || handled != most+1 {
			t.Errorf("the tail has read %d and the follower %d entries, want %d", next, handled, most+1)
		}
	})
}

// TestTailGoesOnFromACursor breaks a tail off after each entry and begins it again with its cursor,
// while more arrives.
func TestTailGoesOnFromACursor(t *testing.T) {
	l := eventlogtest.Open(t)
	appendAll(t, l, numbered(0, 3))
	var c eventlog.Cursor
	var got []string
	for i := range 12 {
		for e, err := range l.Tail(t.Context(), eventlog.Query{After: c}) {
			if err != nil {
				t.Fatal(err)
			}
			c = l.CursorAfter(e)
			got = append(got, saying([]eventlog.Entry{e}))
			break
		}
		mustAppend(t, l, saying(nil)+strings.Repeat("n", i))
	}
	if diff := cmp.Diff(texts(t, l, eventlog.Query{Order: eventlog.Arrival})[:12], got); diff != "" {
		t.Errorf("tails (-want +got):\n%s", diff)
	}
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		r := start(t, func(ctx context.Context) error {
			for e, err := range l.Tail(ctx, eventlog.Query{After: l.CursorAt(0), Limit: 3}) {
				if err != nil || e.Offset == 2 {
					return err
				}
			}
			return nil
		})
		for i := range 3 {
			mustAppend(t, l, fmt.Sprint(i))
			synctest.Wait()
		}
		if err := r.error(); err != nil {
			t.Errorf("a tail that waits behind a cursor: %v", err)
		}
	})
	for _, q := range []eventlog.Query{{After: c}, {After: c, Order: eventlog.Arrival, FromOffset: 1}} {
		for _, err := range l.Entries(t.Context(), q) {
			if !errors.Is(err, eventlog.ErrQuery) {
				t.Errorf("query %+v: %v", q, err)
			}
		}
	}
}

// TestDeliverParks parks what cannot be delivered, and delivers it again.
func TestDeliverParks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		appendAll(t, l, numbered(0, 4))
		to := &delivered{fail: func(batch string) error {
			if strings.Contains(batch, "2") {
				return errPoison
			}
			return nil
		}}
		cfg := eventlog.FollowConfig{OnError: eventlog.RetryOnError, ParkAfter: 1}
		start(t, func(ctx context.Context) error { return l.Deliver(ctx, "f", cfg, newCursors(), to.handle) }).stop()
		to.want(t, "0 1", "3")
		if got := parkedAt(t, l); !slices.Equal(got, []uint64{2}) {
			t.Errorf("parked at %v", got)
		}
		if n, err := l.RedeliverParked(t.Context(), "f", to.handle); n != 0 || !errors.Is(err, errPoison) {
			t.Errorf("deliver again what fails: %d, %v", n, err)
		}
		to.fail = nil
		if n, err := l.RedeliverParked(t.Context(), "f", to.handle); n != 1 || err != nil {
			t.Errorf("deliver again: %d, %v", n, err)
		}
		to.want(t, "0 1", "3", "2")
		if s := status(t, l, "f"); s.Parked != 0 || s.Handled != 4 {
			t.Errorf("status %+v", s)
		}
	})
}

// A follower that would begin where the log has not come yet is refused, and nothing of it is kept: its
// cursor would be refused at the next start, or entries below From would come.
func TestAFollowerCannotBeginBeyondTheEnd(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, "0")
	store := newCursors()
	cfg := eventlog.FollowConfig{From: 2, Until: new(uint64(1))}
	followed := l.Follow(t.Context(), "f", cfg, func(*eventlog.Tx, []eventlog.Entry) error { return nil })
	for _, err := range []error{followed, l.Deliver(t.Context(), "f", cfg, store, (&delivered{}).handle)} {
		if !errors.Is(err, eventlog.ErrFollowConfig) || !strings.Contains(err.Error(), "From is 2: expected 0 to 1") {
			t.Errorf("From beyond the end: %v", err)
		}
	}
	if followers, err := l.Followers(t.Context()); err != nil || len(followers) != 0 || len(store.kept) != 0 {
		t.Errorf("kept: %v, %v, %v", followers, store.kept, err)
	}
}
