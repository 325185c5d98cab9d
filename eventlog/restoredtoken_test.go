package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// putBack is a node whose folder was put back at offset 5, once it had told of all up to 10.
//
//	told   0 … 4 ─┬─ other 0, other 1, after 0, after 1, after 2
//	here          └─ after 0, after 1, after 2, other 0, other 1, recover, 0 … 5
type putBack struct {
	*restored
	other *eventlog.Log
	at    func(offset uint64) eventlog.Cursor // as it was told
	pages map[uint64]string                   // by the end of their snapshot
}

func newPutBack(t *testing.T) *putBack {
	p := &putBack{restored: newRestored(t, 5, 0), other: eventlogtest.OpenAs(t, "other"), pages: map[uint64]string{}}
	page := func() {
		_, next, err := p.original.Page(t.Context(), eventlog.Query{Order: eventlog.Arrival, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		p.pages[p.original.Stats().Next] = next
	}
	appendSaying(t, p.other, "other 0", "other 1")
	page()
	eventlogtest.Exchange(t, p.other, p.original)
	appendSaying(t, p.original, "after 0", "after 1", "after 2")
	page()
	p.at = p.original.CursorAt
	return p
}

// recover brings back what the node wrote, and goes on.
func (p *putBack) recover() {
	p.t.Helper()
	apply(p.t, p.Log, readAll(p.t, p.original, p.Author()).Ops...)
	eventlogtest.Exchange(p.t, p.other, p.Log)
	if _, err := p.Recover(p.t.Context(), eventlog.Recovery{End: p.end()}); err != nil {
		p.t.Fatal(err)
	}
	for i := range 6 {
		mustAppend(p.t, p.Log, fmt.Sprint(i))
	}
}

// offsets returns those of the entries behind a cursor, up to the end.
func (p *putBack) offsets(after eventlog.Cursor) (all []uint64, err error) {
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	next := p.Stats().Next
	for e, err := range p.Tail(ctx, eventlog.Query{After: after}) {
		if err != nil {
			return all, err
		}
		if all = append(all, e.Offset); e.Offset == next-1 {
			break
		}
	}
	return all, nil
}

// wantTokens wants what was told up to offset 5 to go on, and what was told behind it to be refused.
func (p *putBack) wantTokens() {
	p.t.Helper()
	for offset := range uint64(11) {
		got, err := p.offsets(p.at(offset))
		if offset > 5 {
			wrong, ok := errors.AsType[*eventlog.CursorError](err)
			if !ok || !errors.Is(err, eventlog.ErrForeignCursor) || wrong.Safe != p.at(5) {
				p.t.Errorf("token at %d: %d entries, %v; want it refused, and 5 to be safe", offset, len(got), err)
			}
			continue
		}
		if diff := cmp.Diff(counted64(offset, p.Stats().Next), got); diff != "" || err != nil {
			p.t.Errorf("token at %d: %v, offsets (-want +got):\n%s", offset, err, diff)
		}
	}
	for bound, token := range p.pages {
		q := eventlog.Query{Order: eventlog.Arrival, Limit: 100, Page: token}
		entries, next, err := p.Page(p.t.Context(), q)
		wrong, refused := errors.AsType[*eventlog.PageError](err)
		switch {
		case bound > 5 && (!refused || wrong.Reason != "incarnation"):
			p.t.Errorf("page of the %d told of: %d entries, %v; want it refused for its incarnation", bound, len(entries), err)
		case bound == 5 && (err != nil || next != "" || saying(entries) != "before 2 before 3 before 4"):
			p.t.Errorf("page of the %d told of: %s, %v", bound, saying(entries), err)
		}
	}
}

// appendSaying appends an op for each text.
func appendSaying(t *testing.T, l *eventlog.Log, texts ...string) {
	t.Helper()
	for _, text := range texts {
		mustAppend(t, l, text)
	}
}

// counted64 returns the numbers from from up to and without to.
func counted64(from, to uint64) (all []uint64) {
	for ; from < to; from++ {
		all = append(all, from)
	}
	return all
}

// TestTokensOfAFolderThatWasPutBack: a token at 10, the folder put back at 5, six appends. What the token counted is
// not what is here, so it is refused, however far the log has grown; one at 4 goes on, and meets everything once. It is
// so while the node recovers, after it, after a restart and once the file is compacted.
func TestTokensOfAFolderThatWasPutBack(t *testing.T) {
	p := newPutBack(t)
	apply(t, p.Log, readAll(t, p.original, p.Author()).Ops...)
	p.wantTokens()
	p.recover()
	p.wantTokens()
	p.reopen()
	p.wantTokens()
	if _, err := p.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wantTokens()
	p.reopen()
	mustAppend(t, p.Log, "more")
	p.wantTokens()
}

// TestAFollowerElsewhereOfAFolderThatWasPutBack: the effects are elsewhere and were not put back, so the follower is
// not to skip what has come instead of what it had, nor to go on as if nothing were. Its place in the log is only
// remembered there, and does not count.
func TestAFollowerElsewhereOfAFolderThatWasPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPutBack(t)
		p.recover()
		deliver := func(at eventlog.Cursor) (*delivered, error) {
			store, to := newCursors(), &delivered{}
			store.kept["f"] = at
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- p.Deliver(ctx, "f", eventlog.FollowConfig{}, store, to.handle) }()
			synctest.Wait()
			cancel()
			return to, <-ended
		}
		to, err := deliver(p.at(10))
		wrong, ok := errors.AsType[*eventlog.CursorError](err)
		if !ok || wrong.Name != "f" || wrong.Op != "resume" || wrong.Safe != p.at(5) || len(to.batches) > 0 {
			t.Fatalf("a cursor at 10: %q, %v; want it refused, and 5 to be safe", to.batches, err)
		}
		to, err = deliver(wrong.Safe)
		to.want(t, "after 0 after 1 after 2 other 0 other 1  0 1 2 3 4 5")
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestASecondWriterPartsTheArrivals where it wrote beside this node: what was told before is what both know.
func TestASecondWriterPartsTheArrivals(t *testing.T) {
	r := newRestored(t, 3, 2)
	appendSaying(t, r.Log, "mine 0", "mine 1", "mine 2")
	told := r.original.CursorAt
	apply(t, r.Log, readAll(t, r.original, r.Author()).Ops...)
	if err := r.Health().Mute; !errors.Is(err, eventlog.ErrSecondWriter) {
		t.Fatal(err)
	}
	for offset := range uint64(6) {
		var got []uint64
		var refused error
		for e, err := range r.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival, After: told(offset)}) {
			if refused = err; err == nil {
				got = append(got, e.Offset)
			}
		}
		if want := counted64(offset, r.Stats().Next); offset <= 3 && (refused != nil || !cmp.Equal(want, got)) {
			t.Errorf("token at %d: offsets %v, %v; want %v", offset, got, refused, want)
		} else if offset > 3 && !errors.Is(refused, eventlog.ErrForeignCursor) {
			t.Errorf("token at %d: offsets %v, %v; want it refused", offset, got, refused)
		}
	}
}

// TestAFolderIsPutBackAgainWhileItRecovers: each time its arrivals begin anew, though it recovers for the same reason.
//
//	first   0 … 4 ─┬─ …
//	second         └─ 5, 6, 7 ─┬─ 8, 9        a copy of the folder, which recovers
//	third                      └─ 8, 9, 10    a copy of that
func TestAFolderIsPutBackAgainWhileItRecovers(t *testing.T) {
	cfg, dirs := config("author"), []string{t.TempDir(), t.TempDir(), t.TempDir()}
	one, two := eventlogtest.OpenAs(t, "one"), eventlogtest.OpenAs(t, "two")
	l := eventlogtest.Create(t, dirs[0], cfg)
	appendSaying(t, one, "one 0", "one 1", "one 2")
	eventlogtest.Exchange(t, one, l)
	appendSaying(t, l, "own 0", "own 1")
	eventlogtest.Exchange(t, l, one) // so that others know of it
	first := l.CursorAt(5)
	copied := func(from, to string) {
		t.Helper()
		if err := errors.Join(l.Close(), os.CopyFS(to, os.DirFS(from))); err != nil {
			t.Fatal(err)
		}
		l = eventlogtest.Reopen(t, to, cfg)
		if why := l.Recovering(); why == nil || why.Why != eventlog.WhyCopied {
			t.Skipf("a file system that does not tell a copy: %v", why)
		}
	}
	copied(dirs[0], dirs[1])
	appendSaying(t, one, "one 3", "one 4", "one 5")
	eventlogtest.Exchange(t, one, l)
	second := l.CursorAt(8)
	copied(dirs[1], dirs[2])
	appendSaying(t, two, "two 0", "two 1", "two 2")
	eventlogtest.Exchange(t, two, l)
	third := l.CursorAt(11)
	for _, c := range []struct {
		name  eventlog.Cursor
		bound uint64
	}{{first, 5}, {second, 8}, {third, 11}} {
		for offset := range uint64(12) {
			at := c.name
			at.Offset = offset
			var err error
			for _, err = range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival, After: at}) {
				break
			}
			if refused := errors.Is(err, eventlog.ErrForeignCursor); refused != (offset > c.bound) {
				t.Errorf("token at %d of what holds up to %d: %v", offset, c.bound, err)
			}
		}
	}
	if first.Incarnation == second.Incarnation || second.Incarnation == third.Incarnation {
		t.Errorf("%x, %x, %x", first.Incarnation, second.Incarnation, third.Incarnation)
	}
}
