package eventlog_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// describe returns forks as text: after which seq, and what each branch holds, its own one with a star,
// one that parts again with a +.
func describe(f eventlog.ForkedFeed) []string {
	var all []string
	for _, fork := range f.Forks {
		text := fmt.Sprintf("at %d:", fork.Prev.Next)
		if fork.Below {
			text = "below:"
		}
		var branches []string
		for _, b := range fork.Branches {
			mark := ""
			if b.Own {
				mark += "*"
			}
			if b.Parts {
				mark += "+"
			}
			branches = append(branches, fmt.Sprintf(" %d-%d %d/%d%s", b.First.First, b.Last.Next(), b.Ops, b.Entries, mark))
		}
		slices.Sort(branches) // branches of one length are in order of op id
		for _, b := range branches {
			text += b
		}
		all = append(all, text)
	}
	return all
}

// TestForkedFeed looks at a feed that forks twice, and once more at its beginning.
//
//	0 ─ 1 ─┬─ 2 ─ 3,4 ─ 5
//	       └─ 2 ─┬─ 3
//	             ├─ 3
//	             └─ 3,4
func TestForkedFeed(t *testing.T) {
	l := eventlogtest.Open(t)
	s := newStranger(t, "forker")
	trunk := s.chain(crdt.Op{}, 2, "trunk")
	apply(t, l, trunk...)
	if _, err := l.ForkedFeed(t.Context(), s.author()); !errors.Is(err, eventlog.ErrNotFound) {
		t.Errorf("before the fork: %v", err)
	}
	left := s.op(trunk[1], "l2")
	left2 := s.op(left, "l3", "l4")
	right := s.op(trunk[1], "r2")
	apply(t, l, left, left2, s.op(left2, "l5"))
	apply(t, l, right)
	apply(t, l, s.op(right, "x"))
	apply(t, l, s.op(right, "y"))
	apply(t, l, s.op(right, "z3", "z4"))
	f, err := l.ForkedFeed(t.Context(), s.author())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"at 2: 2-3 1/1+ 2-6 3/4", "at 3: 3-4 1/1 3-4 1/1 3-5 1/2"}
	if diff := cmp.Diff(want, describe(f)); diff != "" {
		t.Errorf("forks (-want +got):\n%s", diff)
	}
	if f.Since != 2 || f.Entries != 9 || f.Heads != 4 || f.Own || f.Shut != "" {
		t.Errorf("forked feed: since %d, %d entries, %d heads, own %t, shut %q", f.Since, f.Entries, f.Heads, f.Own, f.Shut)
	}
	disputed := texts(t, l, eventlog.Query{Disputed: eventlog.OnlyDisputed})
	if uint64(len(disputed)) != f.Entries {
		t.Errorf("%d entries are read as disputed, the feed has %d", len(disputed), f.Entries)
	}
	for _, fork := range f.Forks {
		if err := fork.Proof.Verify(l.ID()); err != nil || !fork.Proved || fork.Proof.A[0].Prev != fork.Prev.ID {
			t.Errorf("proof of the fork at %d: %v", fork.Prev.Next, err)
		}
		for _, b := range fork.Branches {
			wantPlaces(t, l, b)
		}
	}

	apply(t, l, s.op(crdt.Op{}, "another beginning"))
	if f, err = l.ForkedFeed(t.Context(), s.author()); err != nil {
		t.Fatal(err)
	}
	want = append([]string{"at 0: 0-1 1/1 0-2 2/2+"}, want...)
	if diff := cmp.Diff(want, describe(f)); diff != "" {
		t.Errorf("forks with two beginnings (-want +got):\n%s", diff)
	}
}

// wantPlaces looks up the places that are named of a branch: as many as it has entries, at most three
// from each end.
func wantPlaces(t *testing.T, l *eventlog.Log, b eventlog.ForkBranch) {
	t.Helper()
	if n := len(b.Begin) + len(b.End); uint64(n) != min(b.Entries, 6) {
		t.Errorf("%d places are named of %d entries", n, b.Entries)
	}
	for i, p := range slices.Concat(b.Begin, b.End) {
		e, err := l.Lookup(t.Context(), p)
		if err != nil || !e.Disputed || e.Place() != p {
			t.Errorf("entry %s: %v, %v", p, e.Place(), err)
		}
		if want := b.First.First + uint64(i); i < len(b.Begin) && p.Seq != want {
			t.Errorf("the entry number %d of the branch is %d, not %d", i, p.Seq, want)
		}
	}
	if last := len(b.End) - 1; last >= 0 && b.End[last].Seq != b.Last.Next()-1 {
		t.Errorf("the last entry named is %d, the branch ends before %d", b.End[last].Seq, b.Last.Next())
	}
}

// TestForkBranchNamesAFewEntries has branches of one large op, of many small ones, and of a few.
func TestForkBranchNamesAFewEntries(t *testing.T) {
	l := eventlogtest.Open(t)
	s := newStranger(t, "forker")
	large := make([]string, 1000)
	apply(t, l, s.op(crdt.Op{}, large...))
	apply(t, l, s.chain(crdt.Op{}, 700, "small")...)
	apply(t, l, s.op(crdt.Op{}, large[:5]...))
	mixed := s.op(crdt.Op{}, "a")
	mixed2 := s.op(mixed, large[:10]...)
	apply(t, l, mixed, mixed2, s.op(mixed2, "b"))
	f, err := l.ForkedFeed(t.Context(), s.author())
	if err != nil || len(f.Forks) != 1 || len(f.Forks[0].Branches) != 4 || f.Entries != 1717 {
		t.Fatalf("%+v, %v", f, err)
	}
	for _, b := range f.Forks[0].Branches {
		wantPlaces(t, l, b)
	}
}

// TestForkedFeedBelowAFloor holds two pieces that begin at a floor: where they parted is not held.
func TestForkedFeedBelowAFloor(t *testing.T) {
	l := eventlogtest.Open(t)
	s := newStranger(t, "forker")
	trunk := s.chain(crdt.Op{}, 4, "trunk")
	one := s.seal(crdt.Header{Log: s.log, First: 4, Prev: trunk[3].ID, Clock: trunk[3].Clock + 1, Floor: 4}, "one")
	two := s.seal(crdt.Header{Log: s.log, First: 4, Prev: s.op(trunk[2], "else").ID, Clock: trunk[3].Clock + 1, Floor: 4}, "two", "two")
	for _, op := range []crdt.Op{one, two} {
		outcomes, err := l.Apply(t.Context(), []crdt.Run{{Leave: op.Signed, Ops: []crdt.Op{op}}})
		if err != nil || outcomes[0].Ops != 1 {
			t.Fatalf("%+v, %v", outcomes, err)
		}
	}
	f, err := l.ForkedFeed(t.Context(), s.author())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"below: 4-5 1/1 4-6 1/2"}, describe(f)); diff != "" {
		t.Errorf("forks (-want +got):\n%s", diff)
	}
	if f.Forks[0].Proved || f.Entries != 3 || f.Since != 4 {
		t.Errorf("proved %t, %d entries since %d", f.Forks[0].Proved, f.Entries, f.Since)
	}
}

// copies makes a log with one entry, and n logs over copies of its folder: as many writers with one key.
func copies(t *testing.T, n int, cfg eventlog.Config) []*eventlog.Log {
	t.Helper()
	image := t.TempDir()
	l := eventlogtest.Create(t, image, cfg)
	mustAppend(t, l, "before")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	eventlogtest.Disguise(t, image)
	logs := make([]*eventlog.Log, n)
	for i := range logs {
		dir := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(dir, os.DirFS(image)); err != nil {
			t.Fatal(err)
		}
		logs[i] = eventlogtest.Reopen(t, dir, cfg)
		eventlog.Unsynced(logs[i])
	}
	return logs
}

// TestForkedFeedOfOurOwn has two copies write and meet: both hold both branches, and each knows which
// is its own.
func TestForkedFeedOfOurOwn(t *testing.T) {
	logs := copies(t, 2, config("twin"))
	mustAppend(t, logs[0], "one")
	mustAppend(t, logs[1], "two")
	mustAppend(t, logs[1], "three")
	eventlogtest.Exchange(t, logs[0], logs[1])
	eventlogtest.Exchange(t, logs[1], logs[0])
	if logs[0].Root() != logs[1].Root() {
		t.Errorf("frontiers: %v and %v", logs[0].Frontier(), logs[1].Frontier())
	}
	for i, want := range []string{"at 1: 1-2 1/1* 1-3 2/2", "at 1: 1-2 1/1 1-3 2/2*"} {
		f, err := logs[i].ForkedFeed(t.Context(), logs[i].Author())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{want}, describe(f)); diff != "" {
			t.Errorf("copy %d (-want +got):\n%s", i, diff)
		}
		if !f.Own || f.OwnEnd.Next != uint64(2+i) {
			t.Errorf("copy %d: own %t, its writing ended before %d", i, f.Own, f.OwnEnd.Next)
		}
		if _, err := logs[i].Append(t.Context(), note("x")); !errors.Is(err, eventlog.ErrSecondWriter) {
			t.Errorf("append on copy %d: %v", i, err)
		}
	}
}

// TestForkedFeedsOfSeveral lists the authors who have forked, and nobody else.
func TestForkedFeedsOfSeveral(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, "ours")
	var want []crdt.Author
	for i := range 5 {
		s := newStranger(t, fmt.Sprint(i))
		first := s.op(crdt.Op{}, "first")
		apply(t, l, first, s.op(first, "left"))
		if i%2 == 0 {
			apply(t, l, s.op(first, "right"))
			want = append(want, s.author())
		}
	}
	var got []crdt.Author
	for f, err := range l.ForkedFeeds(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.Author)
	}
	slices.SortFunc(want, crdt.Author.Compare)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("authors (-want +got):\n%s", diff)
	}
}
