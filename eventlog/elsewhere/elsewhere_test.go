package elsewhere

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
)

func TestHoldingText(t *testing.T) {
	for h := Unheard; h <= Shut; h++ {
		text, err := h.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Holding
		if err := back.UnmarshalText(text); err != nil || back != h {
			t.Errorf("%s: %d, %v, want %d", text, back, err, h)
		}
	}
	if err := new(Holding).UnmarshalText([]byte("has")); err == nil {
		t.Error("has is a holding")
	}
}

// The height that a feed has reached is the greatest at which what is wanted is met.
func TestLawReached(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var heights []height
		for i := range rapid.IntRange(0, 5).Draw(t, "nodes") {
			heights = append(heights, height{
				author: crdt.Author{byte(i)}, member: rapid.Bool().Draw(t, "member"), next: rapid.Uint64Range(0, 4).Draw(t, "next"),
			})
		}
		want := Replication{Nodes: rapid.IntRange(0, 6).Draw(t, "want"), All: rapid.Bool().Draw(t, "all")}
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 6), 0, 2).Draw(t, "names") {
			want.Names = append(want.Names, crdt.Author{byte(n)})
		}
		if want.check() != nil {
			return
		}
		reached := want.reached(heights)
		for at := uint64(1); at <= 5; at++ {
			var receipts []Receipt
			for _, h := range heights {
				r := Receipt{Author: h.author, Member: h.member, Holding: Lacks}
				if h.next >= at {
					r.Holding = Holds
				}
				receipts = append(receipts, r)
			}
			if met := naivelyMet(want, receipts); met != (reached >= at) || met != want.Met(receipts) {
				t.Fatalf("%+v at %d of %+v: met %v, reached %d", want, at, heights, met, reached)
			}
		}
	})
}

// naivelyMet says in other words what a Replication wants.
func naivelyMet(want Replication, receipts []Receipt) bool {
	nodes, members, all := 0, 0, true
	named := map[crdt.Author]bool{}
	for _, r := range receipts {
		holds := r.Holding == Holds
		if named[r.Author] = holds; holds {
			nodes++
		}
		if r.Member {
			members++
			all = all && holds
		}
	}
	for _, a := range want.Names {
		if !named[a] {
			return false
		}
	}
	return nodes >= want.Nodes && (!want.All || all && members > 0)
}

// A body is bound to be there where the op is of no class that is trimmed, is young, or is near the end of its feed.
func TestKeepsBody(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	for _, tt := range []struct {
		name  string
		keeps *Keeps
		op    crdt.Retention
		age   time.Duration
		above uint64
		want  bool
	}{
		{"persistent", &Keeps{}, crdt.Persistent, 99 * day, 99, true},
		{"persistent, of one that does not say", nil, crdt.Persistent, 99 * day, 99, true},
		{"trimmable, of one that does not say", nil, crdt.Trimmable, 0, 0, false},
		{"all bodies", &Keeps{Bodies: true}, crdt.Trimmable, 99 * day, 99, true},
		{"young", &Keeps{Age: 14 * day}, crdt.Trimmable, 13 * day, 99, true},
		{"old", &Keeps{Age: 14 * day}, crdt.Trimmable, 14 * day, 99, false},
		{"old by a clock that is ahead", &Keeps{Age: 14 * day}, crdt.Trimmable, 14*day - time.Minute, 99, false},
		{"near the end", &Keeps{Entries: 100}, crdt.Trimmable, 99 * day, 99, true},
		{"not near the end", &Keeps{Entries: 100}, crdt.Trimmable, 99 * day, 100, false},
		{"written ahead of its time", &Keeps{Age: 14 * day}, crdt.Trimmable, -day, 99, false},
		{"keeps without end", &Keeps{Entries: 1<<64 - 1}, crdt.Trimmable, 99 * day, 99, true},
	} {
		op := crdt.Header{First: 10, Count: 1, Retention: tt.op, Clock: crdt.ClockAt(now.Add(-tt.age))}
		if got := tt.keeps.body(op, op.Next()+tt.above, now); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
