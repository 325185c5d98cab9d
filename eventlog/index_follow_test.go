package eventlog

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/postings"
)

// appendEach appends n events one by one, whose subjects are told apart by a number.
func appendEach(t *testing.T, l *Log, n int, e crdt.Event) {
	t.Helper()
	events := make([]crdt.Event, n)
	for i := range events {
		events[i] = e
		events[i].Kind, events[i].Subject = "kind", fmt.Sprint("subject ", i)
	}
	if _, err := l.AppendBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

func TestIndexFollowsTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Unsynced(newCords(t, 900, 1, 0).open())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Index(ctx) }()
		for _, step := range []struct {
			appended int
			reached  uint64
		}{
			{indexLeast - 1, 0}, // is scanned
			{1, indexLeast},
			{1, indexLeast},
			{3 * postings.MaxBatch, indexLeast + 1 + 3*postings.MaxBatch},
		} {
			appendEach(t, l, step.appended, crdt.Event{})
			synctest.Wait()
			s, err := l.IndexStatus()
			if err != nil || s.Reached > s.Next || s.Reached+indexLeast <= s.Next || step.appended < postings.MaxBatch && s.Reached != step.reached {
				t.Errorf("%d entries more: %+v, %v, want all indexed below %d", step.appended, s, err, step.reached)
			}
		}
		// What goes on beside it does not disturb it.
		if err := l.RebuildIndex(t.Context()); err != nil {
			t.Error(err)
		}
		wantWhole(t, l, "beside Index")
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Index ended with %v", err)
		}
	})
}

func TestIndexEndsWithTheLog(t *testing.T) {
	l, err := Create(t.TempDir(), Birth{Genesis: new(crdt.Genesis)}, Config{Key: testKey("closed")})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- l.Index(t.Context()) }()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("Index ended with %v", err)
	}
	if err := l.CatchUpIndex(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("CatchUpIndex: %v", err)
	}
}

func TestIndexIsRefusedInsideAnUpdate(t *testing.T) {
	l := newCords(t, 901, 1, 0).open()
	if err := l.Update(t.Context(), func(*Tx) error {
		for _, index := range []func(context.Context) error{l.Index, l.CatchUpIndex, l.RebuildIndex} {
			if err := index(t.Context()); !errors.Is(err, ErrInTx) {
				t.Error(err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// While the log grows and its index is made anew again and again, a query shows all that was durable when
// it began, and each entry once.
func TestQueriesBesideIndexing(t *testing.T) {
	const subjects = 50
	l := Unsynced(newCords(t, 906, 1, 0).open())
	var beside sync.WaitGroup
	stop := make(chan struct{})
	again := func(step func() error) {
		beside.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := step(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	again(func() error { return l.RebuildIndex(t.Context()) })
	again(func() error { return l.CatchUpIndex(t.Context()) })
	for order := range Arrival + 1 {
		again(func() error {
			held := l.Stats().Next / subjects
			n := uint64(0)
			for e, err := range l.Entries(t.Context(), Query{Subjects: []string{"subject 17"}, Order: order}) {
				if err != nil {
					return err
				}
				if e.Seq != n*subjects+17 {
					return fmt.Errorf("%s: entry %d of the subject is %s", order, n, e.Place())
				}
				n++
			}
			if n < held {
				return fmt.Errorf("%s: %d entries of the subject, where %d were there", order, n, held)
			}
			return nil
		})
	}
	for range 12 {
		appendEach(t, l, subjects, crdt.Event{})
	}
	close(stop)
	beside.Wait()
	wantAll(t, l)
}

// wantAll indexes all and fails the test unless the log verifies.
func wantAll(t *testing.T, l *Log) {
	t.Helper()
	if err := l.CatchUpIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantWhole(t, l, "at the end")
}

// TestHistoryOfOneSubjectDoesNotReadTheWholeLog is named after a failure of system A: whoever wanted to
// see one subject got a copy of the whole log, without a filter, in memory.
func TestHistoryOfOneSubjectDoesNotReadTheWholeLog(t *testing.T) {
	l := Unsynced(newCords(t, 902, 1, 0).open())
	for range 3 {
		appendEach(t, l, 5_000, crdt.Event{ContentType: "application/octet-stream", Payload: make([]byte, 300)})
	}
	if err := l.CatchUpIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, order := range []Order{ByAuthor, Causal, Arrival} {
		q := Query{Subjects: []string{"subject 4321"}, Kinds: []string{"kind"}, Order: order}
		if n := len(collect(t, l.Entries(t.Context(), q))); n != 3 {
			t.Fatalf("%s: %d entries, not 3", order, n)
		}
		r, err := l.store.newReading(q)
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		for more := true; more; {
			r.chunk.reset()
			if err := l.store.view(func(tx *readTx) (err error) {
				more, err = r.walk.fill(tx, &r.chunk)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			read += r.chunk.bytes
		}
		if read == 0 || read > 3*(opTarget+8*opOverhead) {
			t.Errorf("%s: %d bytes were read for three entries, each in an op of at most %d", order, read, opTarget)
		}
	}
}

// TestLimitOfAHistoryCountsItsEntries is named after a failure of system B: the limit of a read was a
// distance in ids, so that a filtered read came back with fewer, or with none.
func TestLimitOfAHistoryCountsItsEntries(t *testing.T) {
	l := Unsynced(newCords(t, 903, 1, 0).open())
	for range 5 {
		appendEach(t, l, 500, crdt.Event{})
	}
	if err := l.CatchUpIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, order := range []Order{ByAuthor, Causal, Arrival} {
		q := Query{Subjects: []string{"subject 321"}, Order: order, Limit: 2, Reverse: true}
		if got := collect(t, l.Entries(t.Context(), q)); len(got) != 2 || got[0].Seq != 2321 || got[1].Seq != 1821 {
			t.Errorf("%s: %v", order, got)
		}
	}
}

// An op whose body is gone, and one that is gone altogether, are what a trim and a prune leave: the index
// that still names them is whole.
func TestPostingsOfWhatIsGoneLeadNowhere(t *testing.T) {
	l := Unsynced(newCords(t, 904, 1, 0).open())
	for range 3 {
		appendEach(t, l, 500, crdt.Event{Retention: crdt.Trimmable})
	}
	if err := l.CatchUpIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	policy := TrimPolicy{MinAge: -1, MinCount: 1000}
	if _, err := l.Trim(t.Context(), TrimOptions{Policy: &policy}); err != nil {
		t.Fatal(err)
	}
	q := Query{Subjects: []string{"subject 0"}}
	wantFirst := func(n int, seq uint64) {
		t.Helper()
		for q.Order = range Arrival + 1 {
			if got := collect(t, l.Entries(t.Context(), q)); len(got) != n || got[0].Seq != seq {
				t.Errorf("%s: %v", q.Order, got)
			}
		}
	}
	wantFirst(2, 500)
	_, page, err := l.Page(t.Context(), Query{Subjects: q.Subjects, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Prune(t.Context(), PruneRequest{Below: 1000}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Trim(t.Context(), TrimOptions{Policy: &TrimPolicy{KeepBodies: true}}); err != nil {
		t.Fatal(err)
	}
	wantFirst(1, 1000)
	_, _, err = l.Page(t.Context(), Query{Subjects: q.Subjects, Page: page})
	if _, trimmed := errors.AsType[*TrimmedError](err); !trimmed {
		t.Errorf("a page that the prune has overtaken: %v", err)
	}
	report, err := l.Verify(t.Context())
	if err != nil || !report.OK() || report.Stale == 0 {
		t.Errorf("verify: %+v, %v", report, err)
	}
	if err := l.RebuildIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantWhole(t, l, "without the op that is gone")
}

// text is what the index is told of.
type text struct {
	class  byte
	text   string
	offset uint64
}

// Verify finds a layer that lacks a posting, or has one too many, whose blocks are whole.
func TestVerifyFindsWhatTheIndexLacks(t *testing.T) {
	l := Unsynced(newCords(t, 905, 1, 0).open())
	appendEach(t, l, 500, crdt.Event{})
	ctx := t.Context()
	var whole []text
	to, err := l.index.eachText(ctx, 0, l.Stats().Next, math.MaxUint64, func(class byte, s string, offset uint64) {
		whole = append(whole, text{class, s, offset})
	})
	if err != nil {
		t.Fatal(err)
	}
	lacks := whole[1:] // each entry has a subject of its own
	more := append([]text{{classSubject, "what nobody has said", 0}}, whole...)
	for what, texts := range map[string][]text{"lacks one": lacks, "has one more": more, "is whole": whole} {
		b := l.index.postings.NewBatch()
		for _, s := range texts {
			b.Add(s.class, s.text, s.offset)
		}
		if err := l.index.postings.Extend(ctx, nil, to, 0, b); err != nil {
			t.Fatal(err)
		}
		report, err := l.Verify(ctx)
		if err != nil || report.OK() != (what == "is whole") {
			t.Errorf("the index %s: %s, %v, %v", what, &report, report.Problems, err)
		}
	}
}
