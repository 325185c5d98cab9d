package eventlog

import (
	"errors"
	"fmt"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// renamed is a log whose arrivals begin anew.
type renamed struct {
	*Log
	t   *testing.T
	dir string
	cfg Config
}

func newRenamed(t *testing.T) *renamed {
	r := &renamed{t: t, dir: t.TempDir(), cfg: Config{Key: testKey("renamed")}}
	var err error
	if r.Log, err = Create(r.dir, Birth{Log: crdt.LogID{1}}, r.cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func (r *renamed) append(n int) {
	r.t.Helper()
	for range n {
		e := crdt.Event{Kind: "k", Payload: []byte("1"), Retention: crdt.Trimmable}
		if _, err := r.Append(r.t.Context(), e); err != nil {
			r.t.Fatal(err)
		}
	}
}

// begin lets the arrivals begin anew from an offset on.
func (r *renamed) begin(offset uint64) {
	r.t.Helper()
	err := r.store.exclusively(r.t.Context(), func(tx *writeTx) error { return tx.beginIncarnation(offset) })
	if err != nil {
		r.t.Fatal(err)
	}
}

// wantSame reopens and compacts the log, and wants all its names to be as they were.
func (r *renamed) wantSame() {
	r.t.Helper()
	before := r.store.names()
	_, err := r.Compact(r.t.Context())
	if err = errors.Join(err, r.Close()); err != nil {
		r.t.Fatal(err)
	}
	if r.Log, err = Open(r.dir, r.cfg); err != nil {
		r.t.Fatal(err)
	}
	if after := r.store.names(); string(after.Encode()) != string(before.Encode()) {
		r.t.Errorf("names %x after a restart, %x before", after.Encode(), before.Encode())
	}
}

// wantRead wants a reading behind c to give the entries from an offset up to the end.
func (r *renamed) wantRead(c Cursor, from uint64) {
	r.t.Helper()
	for e, err := range r.Entries(r.t.Context(), Query{Order: Arrival, After: c}) {
		if err != nil || e.Offset != from {
			r.t.Fatalf("behind %s: offset %d, %v; want offset %d", c, e.Offset, err, from)
		}
		from++
	}
	if next := r.Stats().Next; from != next {
		r.t.Errorf("behind %s: all before offset %d of %d", c, from, next)
	}
}

// wantRefused wants a reading behind c to be refused, with the place where nothing is missed.
func (r *renamed) wantRefused(c, safe Cursor) {
	r.t.Helper()
	for _, err := range r.Entries(r.t.Context(), Query{Order: Arrival, After: c}) {
		wrong, ok := errors.AsType[*CursorError](err)
		if !ok || !errors.Is(err, ErrForeignCursor) || wrong.Safe != safe {
			r.t.Errorf("behind %s: %v; want it refused, safe at %s", c, err, safe)
		}
		return
	}
	r.t.Errorf("behind %s: nothing at all", c)
}

// TestEachNameOfTheArrivalsHoldsUpToItsBound is about cursors that were given out under three names.
//
//	first   0 ──────────── 10          told up to 10; then the log may be older than that: it holds up to 5
//	second        5 ─────────── 12     the same again, up to 8
//	third              8 ────────── 14
func TestEachNameOfTheArrivalsHoldsUpToItsBound(t *testing.T) {
	r := newRenamed(t)
	r.append(10)
	first := r.CursorAt(0)
	r.begin(5)
	r.append(2)
	second := r.CursorAt(0)
	r.wantSame()
	r.begin(8)
	r.append(2)
	r.wantSame()
	third := r.CursorAt(0)
	at := func(c Cursor, offset uint64) Cursor { c.Offset = offset; return c }
	for _, want := range []struct {
		name  Cursor
		bound uint64
	}{{first, 5}, {second, 8}, {third, 14}} {
		for offset := range want.bound + 1 {
			r.wantRead(at(want.name, offset), offset)
		}
	}
	for offset := range uint64(14) {
		r.wantRefused(at(first, offset+6), at(first, 5))
		r.wantRefused(at(second, offset+9), at(second, 8))
		r.wantRefused(at(third, offset+15), Cursor{})
	}
	r.wantRefused(Cursor{Node: first.Node, Incarnation: [16]byte{1}}, Cursor{})
	name := func(c Cursor) string { return fmt.Sprintf("%x", c.Incarnation) }
	for _, want := range []struct {
		name         string
		offset, upto uint64
	}{
		{name(first), 4, 4}, {name(first), 5, 5}, {name(first), 10, 5}, {name(second), 12, 8}, {r.Incarnation(), 14, 14},
		{r.Incarnation(), 15, 0}, {"", 1, 0}, {name(Cursor{}), 1, 0},
	} {
		if upto := r.Common(want.name, want.offset); upto != want.upto {
			t.Errorf("of what %s counts below %d here is all below %d, want %d", want.name, want.offset, upto, want.upto)
		}
	}
}

// TestAPageOfAnEarlierNameHoldsWithItsSnapshot: a page token counts where both the end of its snapshot and the last
// sweep before it are from before the arrivals began anew.
func TestAPageOfAnEarlierNameHoldsWithItsSnapshot(t *testing.T) {
	r := newRenamed(t)
	page := func(token string) (next, reason string) {
		_, next, err := r.Page(t.Context(), Query{Order: Arrival, Limit: 1, Page: token})
		wrong, ok := errors.AsType[*PageError](err)
		if err != nil && !ok {
			t.Fatal(err)
		}
		if ok {
			reason = wrong.Reason
		}
		return next, reason
	}
	r.append(4)
	four, _ := page("")
	r.append(2)
	six, _ := page("")
	r.begin(6)
	if _, wrong := page(six); wrong != "" {
		t.Errorf("a page of all that is here: refused for its %s", wrong)
	}
	r.begin(5)
	r.append(3)
	r.wantSame()
	if _, wrong := page(six); wrong != "incarnation" {
		t.Errorf("a page of what is not here: %q", wrong)
	}
	for want := 2; four != ""; want++ {
		next, wrong := page(four)
		if wrong != "" || (next == "") != (want == 4) {
			t.Fatalf("page %d: refused for its %q, next %q", want, wrong, next)
		}
		four = next
	}
	// Which sweeps of that name are here, nobody knows: one may have the number of another.
	_, err := r.Trim(t.Context(), TrimOptions{Policy: &TrimPolicy{MinCount: 1}})
	if err != nil {
		t.Fatal(err)
	}
	swept, _ := page("")
	r.begin(r.Stats().Next - 1)
	r.append(1)
	if _, wrong := page(swept); wrong != "incarnation" {
		t.Errorf("a page of another sweep: %q", wrong)
	}
}

// TestTheIndexStaysWhenTheArrivalsBeginAnew: what arrived before is here at the same offsets.
func TestTheIndexStaysWhenTheArrivalsBeginAnew(t *testing.T) {
	r := newRenamed(t)
	r.append(8)
	if err := r.CatchUpIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.begin(4)
	r.wantSame()
	reached := func() (at uint64) {
		layers, err := r.index.postings.Layers()
		if err != nil {
			t.Fatal(err)
		}
		return layers.Reached()
	}
	if at := reached(); at != 8 {
		t.Errorf("indexed up to %d of 8", at)
	}
	if problems, err := r.Verify(t.Context()); err != nil || len(problems.Problems) > 0 {
		t.Errorf("%v, %v", problems.Problems, err)
	}
}
