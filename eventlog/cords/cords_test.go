package cords_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/cords"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// feeds are feeds that a test makes up, some of which fork.
type feeds struct {
	t       testing.TB
	rng     *rand.Rand
	genesis crdt.Genesis
	ops     map[string][]crdt.Op
	names   []string
	kinds   int
}

func newFeeds(t testing.TB, seed uint64, authors, kinds int) *feeds {
	f := &feeds{t: t, rng: rand.New(rand.NewPCG(seed, 7)), genesis: eventlogtest.Genesis(t), ops: make(map[string][]crdt.Op), kinds: kinds}
	for i := range authors {
		f.names = append(f.names, fmt.Sprint("author ", i))
	}
	return f
}

// open creates a log for the feeds.
func (f *feeds) open() *eventlog.Log {
	return eventlogtest.Create(f.t, f.t.TempDir(), eventlog.Config{Key: eventlogtest.Key("who reads"), MaxBranches: 1000})
}

// time draws a time: near the others, together with many, long ago, or far outside.
func (f *feeds) time() time.Time {
	switch f.rng.IntN(12) {
	case 0:
		return time.Unix(0, 0)
	case 1:
		return time.Unix(0, math.MaxInt64)
	case 2:
		return time.Unix(0, math.MinInt64)
	case 3:
		return time.Unix(0, -1)
	case 4, 5:
		return noon.AddDate(-f.rng.IntN(26), 0, f.rng.IntN(300))
	case 6:
		return noon
	}
	return noon.Add(time.Duration(f.rng.Int64N(int64(10 * time.Minute))))
}

// grow makes so many ops and has the log take them.
func (f *feeds) grow(l *eventlog.Log, n int) {
	f.t.Helper()
	for range n {
		name := f.names[f.rng.IntN(len(f.names))]
		ops := f.ops[name]
		at := len(ops) - 1
		if f.rng.IntN(10) == 0 {
			at = f.rng.IntN(len(ops)+1) - 1
		}
		h := crdt.Header{Log: f.genesis.Log(), Clock: crdt.ClockAt(noon)}
		if at >= 0 {
			h.First, h.Prev, h.Clock = ops[at].Next(), ops[at].ID, ops[at].Clock+1+crdt.Clock(len(ops))
		}
		events := make([]crdt.Event, 1+f.rng.IntN(40))
		for i := range events {
			events[i] = crdt.Event{Kind: fmt.Sprintf("kind-%d", f.rng.IntN(f.kinds)), Time: f.time()}
		}
		op, err := crdt.NewOp(eventlogtest.Key(name), h, noon, events...)
		if err != nil {
			f.t.Fatal(err)
		}
		outcomes, err := l.Apply(f.t.Context(), []crdt.Run{{Ops: []crdt.Op{op}}})
		if err != nil || outcomes[0].Err != nil {
			f.t.Fatal(err, outcomes)
		}
		f.ops[name] = append(ops, op)
	}
}

// entries returns what a log holds with its body, or held.
func entries(t testing.TB, l *eventlog.Log) (all []eventlog.Entry) {
	t.Helper()
	for e, err := range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Clone())
	}
	return all
}

func read(t testing.TB, p *cords.Projection, w cords.Window) *cords.Picture {
	t.Helper()
	pic, err := p.Read(t.Context(), w)
	if err != nil {
		t.Fatalf("%+v: %v", w, err)
	}
	return pic
}

func inside(milli int64, c *cords.Cell) bool { return c.Start <= milli && milli < c.Start+c.Span }

// reporter is a test, or a draw of one.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// hold holds a picture against the entries that are to be in it.
func hold(t reporter, pic *cords.Picture, w cords.Window, all []eventlog.Entry) {
	t.Helper()
	wanted := func(e *eventlog.Entry) bool { return len(w.Kinds) == 0 || slices.Contains(w.Kinds, e.Kind) }
	columns := make(map[int64]bool)
	split := true
	// Of many kinds not all are told apart: those that may be wanted ones are Untold in the window, and nothing is said outside.
	distinct := make(map[string]bool)
	for i := range all {
		distinct[all[i].Kind] = true
	}
	strict := len(w.Kinds) == 0 || len(distinct) <= 16
	for i := range pic.Cords {
		cord := &pic.Cords[i]
		var before, after, in uint64
		n, kinds := make([]uint64, len(cord.Cells)), make([]map[int]uint64, len(cord.Cells))
		lo, hi := slices.Repeat([]uint64{math.MaxUint64}, len(n)), make([]uint64, len(n))
		for i := range all {
			e := &all[i]
			milli := e.Time.UnixMilli()
			if e.Author != cord.Author {
				continue
			}
			at := slices.IndexFunc(cord.Cells, func(c cords.Cell) bool { return inside(milli, &c) })
			if at >= 0 {
				lo[at], hi[at] = min(lo[at], e.Seq), max(hi[at], e.Seq)
			}
			switch {
			case !wanted(e):
			case at >= 0:
				n[at]++
				in++
				if k := slices.Index(pic.Kinds, e.Kind); k >= 0 {
					if kinds[at] == nil {
						kinds[at] = make(map[int]uint64)
					}
					kinds[at][k]++
				}
			case milli < pic.From:
				before++
			case milli >= pic.To:
				after++
			case strict:
				t.Errorf("%s: no cell has %s of %d", cord.Author.Short(), e.Time, e.Seq)
			}
		}
		if strict && cord.Untold != 0 {
			t.Errorf("%s: %d of few kinds are not told apart", cord.Author.Short(), cord.Untold)
		}
		if strict && (cord.Before != before || cord.After != after || cord.Entries != in) {
			t.Errorf("%s: %d entries, %d before and %d after; want %d, %d and %d", cord.Author.Short(), cord.Entries, cord.Before, cord.After, in, before, after)
		}
		for i, c := range cord.Cells {
			if c.Span > pic.Bucket {
				split = false
			} else {
				columns[c.Start&^(pic.Bucket-1)] = true
			}
			if c.Span&(c.Span-1) != 0 || c.Start&(c.Span-1) != 0 || i > 0 && c.Start < cord.Cells[i-1].Start+cord.Cells[i-1].Span {
				t.Errorf("%s: cell %d at %d of %d overlaps, or begins at no multiple of its length", cord.Author.Short(), i, c.Start, c.Span)
			}
			if len(w.Kinds) == 0 && (c.N != n[i] || c.Lo != lo[i] || c.Hi != hi[i]) {
				t.Errorf("%s: %d entries from %d to %d at %d of %d, want %d from %d to %d", cord.Author.Short(), c.N, c.Lo, c.Hi, c.Start, c.Span, n[i], lo[i], hi[i])
			}
			if strict {
				sum := uint64(0)
				for _, k := range c.Kinds {
					sum += k.N
					if k.N != kinds[i][k.Kind] && len(w.Kinds) > 0 {
						t.Errorf("%s: %d of kind %s at %d, want %d", cord.Author.Short(), k.N, pic.Kinds[k.Kind], c.Start, kinds[i][k.Kind])
					}
				}
				if sum > c.N || c.N != n[i] {
					t.Errorf("%s: %d entries of %d at %d, want %d", cord.Author.Short(), sum, c.N, c.Start, n[i])
				}
			} else if c.N > n[i] || n[i]-c.N > cord.Untold {
				t.Errorf("%s: %d entries at %d and at most %d more, want %d", cord.Author.Short(), c.N, c.Start, cord.Untold, n[i])
			}
		}
	}
	width := w.Width
	if width == 0 {
		width = 1024
	}
	if split && len(columns) > width {
		t.Errorf("%d columns, want at most %d", len(columns), width)
	}
	holdWhole(t, pic, w, all)
}

// holdWhole is hold for the log as a whole.
func holdWhole(t reporter, pic *cords.Picture, w cords.Window, all []eventlog.Entry) {
	t.Helper()
	if pic.Entries != uint64(len(all)) || pic.Next != uint64(len(all)) || pic.Behind != 0 {
		t.Errorf("%d entries are counted below %d, %d behind, want %d", pic.Entries, pic.Next, pic.Behind, len(all))
	}
	for _, c := range pic.Whole {
		n := uint64(0)
		for i := range all {
			if inside(all[i].Time.UnixMilli(), &c) {
				n++
			}
		}
		if len(w.Kinds) == 0 && n != c.N {
			t.Errorf("the whole log: %d at %d of %d, want %d", c.N, c.Start, c.Span, n)
		}
	}
}

// TestEveryCellIsExact: whatever arrives from whom at which times, forks included, and however far the projection is, each cell
// of each cord counts what has its time in it; what is in no cell is before or after.
func TestEveryCellIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFeeds(t, rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(1, 6).Draw(rt, "authors"), rapid.SampledFrom([]int{1, 4, 40}).Draw(rt, "kinds"))
		l := f.open()
		p := cords.Of(l)
		for range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			f.grow(l, rapid.IntRange(1, 60).Draw(rt, "ops"))
			if rapid.Bool().Draw(rt, "caught up") {
				if err := p.CatchUp(t.Context()); err != nil {
					rt.Fatal(err)
				}
			}
			all := entries(t, l)
			w := drawWindow(rt, f)
			hold(rt, read(t, p, w), w, all)
			again := cords.Of(l) // as after a restart
			if got, want := read(t, again, w), read(t, p, w); len(got.Cords) != len(want.Cords) || got.Entries != want.Entries {
				rt.Errorf("another one has %d cords of %d entries, want %d of %d", len(got.Cords), got.Entries, len(want.Cords), want.Entries)
			}
		}
	})
}

// drawWindow draws a window: all, a part of where most is, or a moment.
func drawWindow(rt *rapid.T, f *feeds) (w cords.Window) {
	if rapid.Bool().Draw(rt, "bounded") {
		from := noon.UnixMilli() + rapid.Int64Range(-1000, 700_000).Draw(rt, "from")
		to := from + rapid.SampledFrom([]int64{0, 1, 1000, 100_000, 40 * 365 * 24 * 3600_000}).Draw(rt, "long")
		w.From, w.To = &from, &to
	} else if rapid.Bool().Draw(rt, "all time") {
		w.From, w.To = new(int64(math.MinInt64)), new(int64(math.MaxInt64))
	}
	w.Width = rapid.SampledFrom([]int{0, 2, 10, 300, cords.MaxWidth}).Draw(rt, "width")
	w.Limit = rapid.SampledFrom([]int{0, 1, 3}).Draw(rt, "limit")
	if rapid.IntRange(0, 2).Draw(rt, "some authors") == 0 {
		w.Authors = append(w.Authors, crdt.AuthorOf(eventlogtest.Key(f.names[0])), crdt.AuthorOf(eventlogtest.Key("nobody")))
	}
	if rapid.IntRange(0, 2).Draw(rt, "some kinds") == 0 {
		w.Kinds = []string{"kind-0", "kind-3", "no such kind"}
	}
	return w
}

// TestMostActiveFirst: of many authors those are shown who have most in the window; the others are counted.
func TestMostActiveFirst(t *testing.T) {
	f := newFeeds(t, 3, 40, 3)
	l := f.open()
	f.grow(l, 400)
	p := cords.Of(l)
	for round := range 2 {
		pic := read(t, p, cords.Window{Limit: 7})
		all := entries(t, l)
		by := make(map[crdt.Author]uint64)
		for i := range all {
			if milli := all[i].Time.UnixMilli(); pic.From <= milli && milli < pic.To {
				by[all[i].Author]++
			}
		}
		most := slices.Sorted(func(yield func(uint64) bool) {
			for _, n := range by {
				if !yield(n) {
					return
				}
			}
		})
		slices.Reverse(most)
		shown := uint64(0)
		for i, c := range pic.Cords {
			shown += c.Entries + c.Before + c.After
			if by[c.Author] != most[i] {
				t.Errorf("round %d: cord %d has %d, want %d", round, i, by[c.Author], most[i])
			}
		}
		if len(pic.Cords) != 7 || pic.Others != len(f.ops)-7 || pic.OthersEntries != uint64(len(all))-shown {
			t.Errorf("%d cords, %d others with %d of %d", len(pic.Cords), pic.Others, pic.OthersEntries, len(all))
		}
		if err := p.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKeepFollows: what arrives is counted once 1,024 entries have gathered, and read until then; nobody who follows the
// log sees the follower, and it holds back no trim.
func TestKeepFollows(t *testing.T) {
	f := newFeeds(t, 5, 3, 3)
	l := f.open()
	p := cords.Of(l)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Keep(ctx) }()
	for range 4 {
		f.grow(l, 100)
		hold(t, read(t, p, cords.Window{}), cords.Window{}, entries(t, l))
	}
	over := errors.New("over")
	cancel(over)
	if err := <-done; !errors.Is(err, over) {
		t.Error(err)
	}
	if all, err := l.Followers(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("followers %+v, %v", all, err)
	}
	hold(t, read(t, p, cords.Window{}), cords.Window{}, entries(t, l))
}

// TestWindowsThatMakeNoSense are refused by name.
func TestWindowsThatMakeNoSense(t *testing.T) {
	p := cords.Of(eventlogtest.Open(t))
	for _, w := range []cords.Window{
		{From: new(int64(1)), To: new(int64(0))}, {Width: -1}, {Width: 1}, {Width: cords.MaxWidth + 1}, {Limit: -1}, {Limit: cords.MaxCords + 1},
		{Authors: make([]crdt.Author, cords.MaxCords+1)}, {Kinds: make([]string, cords.MaxKinds+1)},
	} {
		if _, err := p.Read(t.Context(), w); !errors.Is(err, cords.ErrWindow) {
			t.Errorf("%+v: %v", w, err)
		}
	}
	if pic := read(t, p, cords.Window{}); len(pic.Cords) > 0 || pic.Entries > 0 || pic.From != pic.To {
		t.Errorf("of an empty log: %+v", pic)
	}
}
