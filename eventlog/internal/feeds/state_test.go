package feeds

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// at returns the clock of a second of the test.
func at(second int) crdt.Clock { return crdt.NextClock(time.Unix(int64(second), 0), 0, 0) }

// drawFeed draws a record of a's feed: of little or much, on one branch or two, shut or not.
func drawFeed(t *rapid.T, a crdt.Author) *record.Feed {
	small := func(name string) uint64 { return rapid.Uint64Range(0, 50).Draw(t, name) }
	f := &record.Feed{
		Feed: crdt.Feed{Author: a}, Clock: at(rapid.IntRange(0, 1000).Draw(t, "clock")),
		Ops: small("ops"), Entries: small("entries"), Trimmed: small("trimmed"), Pruned: small("pruned"), Bytes: small("bytes"),
		PruneSweep: small("sweep"), Shut: rapid.SampledFrom([]string{"", "", "no"}).Draw(t, "shut"),
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "branches") {
		head := crdt.Head{Next: 1 + small("next"), ID: crdt.OpID{a[0], byte(i), byte(small("id"))}}
		f.Feed.Branches = append(f.Feed.Branches, crdt.Branch{
			Start: crdt.Key{ID: head.ID}, Rooted: true, Head: head, Clock: at(rapid.IntRange(0, 1000).Draw(t, "head clock")),
		})
	}
	f.Heads = f.Feed.Heads()
	return f
}

// TestSumsAreThoseOfTheFeeds: after any changes the sums, the digest and the clock are what a count of all feeds gives.
func TestSumsAreThoseOfTheFeeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		var sweep uint64
		var clock crdt.Clock // the greatest that was ever held and near
		second := 0
		for range rapid.IntRange(0, 12).Draw(t, "changes") {
			a := crdt.Author{rapid.Byte().Draw(t, "author") % 4}
			f := drawFeed(t, a)
			s.Set(a, f)
			sweep, clock = max(sweep, f.PruneSweep), max(clock, f.Clock)
			second += rapid.IntRange(0, 200).Draw(t, "later")
			now := time.Unix(int64(second), 0)
			for _, f := range s.Feeds {
				if last := f.Ahead(); !last.Ahead(now) {
					clock = max(clock, last)
				}
			}
			if got := s.ClockAt(now); got != clock {
				t.Fatalf("the clock at %d s is %s, want %s", second, got, clock)
			}
		}
		want := State{PruneSweep: sweep}
		for _, f := range s.Feeds {
			want.Ops, want.Entries, want.Room = want.Ops+f.Ops, want.Entries+f.Entries, want.Room+f.Bytes+f.Ops*OpRoom
			want.Trimmed, want.Pruned = want.Trimmed+f.Trimmed, want.Pruned+f.Pruned
			if f.Shut != "" {
				want.Shut++
			}
		}
		got := State{
			Ops: s.Ops, Entries: s.Entries, Room: s.Room, Trimmed: s.Trimmed, Pruned: s.Pruned, PruneSweep: s.PruneSweep, Shut: s.Shut,
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(State{}), cmp.Comparer(func(a, b crdt.Digest) bool { return a.Root() == b.Root() })); diff != "" {
			t.Fatalf("(-counted anew +kept):\n%s", diff)
		}
		if root := crdt.DigestOf(s.Frontier()).Root(); s.Digest.Root() != root {
			t.Fatalf("digest %s, want %s", s.Digest.Root(), root)
		}
		for a, f := range s.Feeds {
			if others := s.RoomOfOthers(a); others != s.Room-Room(f) {
				t.Fatalf("others than %s take %d bytes of %d", a.Short(), others, s.Room)
			}
		}
	})
}

// TestArrived: what is read from a file had arrived an hour at most after the last time on record.
func TestArrived(t *testing.T) {
	began := time.Unix(10_000, 0)
	for _, c := range []struct{ began, now, want time.Time }{
		{time.Time{}, began, began},
		{began, began.Add(time.Minute), began.Add(time.Minute)},
		{began, began.Add(3 * time.Hour), began.Add(time.Hour)},
	} {
		s := New()
		s.Began = c.began
		if s.ArrivedBy(c.now); !s.Arrived.Equal(c.want) {
			t.Errorf("began %v, opened at %v: all had arrived by %v, want %v", c.began, c.now, s.Arrived, c.want)
		}
	}
	s := New()
	s.Arrives(began.Add(time.Second), time.Time{})
	s.Arrives(began, time.Time{}) // a clock that was put back
	if !s.Arrived.Equal(began.Add(time.Second)) || !s.Began.IsZero() {
		t.Errorf("arrived by %v, began %v", s.Arrived, s.Began)
	}
	if s.Arrives(began, began); !s.Arrived.Equal(began) || !s.Began.Equal(began) {
		t.Errorf("a stretch that begins: arrived by %v, began %v", s.Arrived, s.Began)
	}
}
