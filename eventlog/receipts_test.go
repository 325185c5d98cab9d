package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// among opens a log among nodes that a test makes up.
func among(t testing.TB) (*eventlog.Log, *eventlogtest.Nodes) {
	t.Helper()
	nodes := new(eventlogtest.Nodes)
	cfg := config("us")
	cfg.Receipts = nodes
	return eventlogtest.Create(t, t.TempDir(), cfg), nodes
}

// appended appends an entry and returns its place and the head that ends with it.
func appended(t testing.TB, l *eventlog.Log, text string) (crdt.Place, crdt.Head) {
	t.Helper()
	p := mustAppend(t, l, text)
	return p, end(l)
}

// member is where a member that is linked stands, having heads.
func member(b byte, heads ...crdt.Head) elsewhere.Standing {
	return elsewhere.Standing{Author: crdt.Author{b}, Member: true, Linked: true, Heard: noon, Heads: heads}
}

// holdings returns what the receipts of the entry at p say, by the first byte of the author.
func holdings(t *testing.T, l *eventlog.Log, p crdt.Place) map[byte]string {
	t.Helper()
	receipts, err := l.Elsewhere().Receipts(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[byte]string)
	for _, r := range receipts {
		said[r.Author[0]] = r.Holding.String()
	}
	return said
}

// What another node said proves that it holds an entry, that it does not, or nothing.
func TestWhatReceiptsSay(t *testing.T) {
	l, nodes := among(t)
	_, first := appended(t, l, "a")
	p, middle := appended(t, l, "b")
	_, last := appended(t, l, "c")
	claimed := crdt.Head{Next: 1000, ID: crdt.OpID{7}}
	gone, left := member(9, last), member(10, last)
	gone.Linked, left.Linked, left.Member = false, false, false
	for _, s := range []elsewhere.Standing{
		member(1, last), member(2, middle), member(3, first), member(4), member(5, claimed), member(6, claimed, middle),
		gone, left, {Author: crdt.Author{11}, Member: true},
	} {
		nodes.Say(l.Author(), s)
	}
	told, below, shut, away := member(20, first), member(21), member(22, first), member(23, first)
	told.Told, below.Below, shut.Shut, shut.Told, away.Told, away.Linked = 2, 2, true, 9, 9, false
	for _, s := range []elsewhere.Standing{told, below, shut, away} {
		nodes.Say(l.Author(), s)
	}
	want := map[byte]string{
		1: "holds", 2: "holds", 3: "unheard", 4: "unheard", 5: "unheard", 6: "holds", 9: "holds", 10: "unheard", 11: "unheard",
		20: "lacks", 21: "holds", 22: "shut", 23: "unheard",
	}
	if diff := cmp.Diff(want, holdings(t, l, p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Heights say of all entries of a feed at once what receipts say of each.
func TestHeightsAgreeWithReceipts(t *testing.T) {
	l, nodes := among(t)
	var places []crdt.Place
	var heads []crdt.Head
	for i := range 9 {
		p, head := appended(t, l, fmt.Sprint(i))
		places, heads = append(places, p), append(heads, head)
	}
	claimed := crdt.Head{Next: 1000, ID: crdt.OpID{7}}
	gone := member(9, heads[8])
	gone.Linked, gone.Member = false, false
	standings := []elsewhere.Standing{
		member(1, heads[8]), member(2, heads[4]), member(3), member(4, claimed, heads[1]), gone, {Author: crdt.Author{11}, Member: true},
	}
	for below := range uint64(10) {
		s := member(byte(20+below), heads[0])
		s.Below = below
		standings = append(standings, s)
	}
	for _, s := range standings {
		nodes.Say(l.Author(), s)
	}
	heights, err := l.Elsewhere().Heights(t.Context(), l.Author())
	if err != nil || len(heights) != len(standings)-1 { // but for the guest that is gone
		t.Fatalf("heights %d, %v", heights, err)
	}
	for _, p := range places {
		have, hold := 0, 0
		for _, next := range heights {
			if next > p.Seq {
				have++
			}
		}
		for _, said := range holdings(t, l, p) {
			if said == "holds" {
				hold++
			}
		}
		if have != hold {
			t.Errorf("%s: %d heights are above, and %d nodes hold it", p, have, hold)
		}
	}
}

// On a feed with a fork a head proves its own branch and what both have in common, by the ids of ops.
//
//	a ─┬─ b ─ c       ours
//	   └─ x ─ y       a copy's
func TestReceiptsByBranch(t *testing.T) {
	l, nodes := among(t)
	root, _ := appended(t, l, "a")
	a, err := l.Lookup(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	ours, _ := appended(t, l, "b")
	_, c := appended(t, l, "c")
	copied := newStranger(t, "us")
	x := copied.seal(crdt.Header{Log: copied.log, First: 1, Prev: a.Op, Clock: a.Clock + 1}, "x")
	y := copied.op(x, "y")
	apply(t, l, x, y)
	nodes.Say(l.Author(), member(1, c))
	nodes.Say(l.Author(), member(2, y.Head()))
	nodes.Say(l.Author(), member(3, c, y.Head()))
	theirs := crdt.Place{Author: l.Author(), Seq: 1, Branch: x.ID.Branch()}
	b := l.Feed(l.Author()).Branches[0]
	if b.Head != c {
		t.Fatalf("our branch ends with %v, want %v", b.Head, c)
	}
	for _, tt := range []struct {
		at   crdt.Place
		want map[byte]string
	}{
		{root, map[byte]string{1: "holds", 2: "holds", 3: "holds"}},
		{theirs, map[byte]string{1: "unheard", 2: "holds", 3: "holds"}},
	} {
		if diff := cmp.Diff(tt.want, holdings(t, l, tt.at)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.at, diff)
		}
	}
	var ambiguous *eventlog.AmbiguousError
	if _, err := l.Elsewhere().Receipts(t.Context(), ours); !errors.As(err, &ambiguous) {
		t.Fatalf("seq 1 without a branch: %v", err)
	}
	for _, place := range ambiguous.Places {
		if place.Branch != theirs.Branch {
			ours = place
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	var not *eventlog.NotReplicatedError
	if _, err := l.WaitReplicated(ctx, ours, eventlog.Replication{Names: []crdt.Author{{2}}}); !errors.As(err, &not) {
		t.Errorf("waiting for the node that has the other branch: %v", err)
	}
	if _, err := l.WaitReplicated(t.Context(), ours, eventlog.Replication{Names: []crdt.Author{{1}, {3}}}); err != nil {
		t.Error(err)
	}
}

// Whoever waits is released when what is wanted is so, and not before.
func TestWaitReplicated(t *testing.T) {
	type say struct {
		node byte
		held bool
	}
	for _, tt := range []struct {
		name string
		want eventlog.Replication
		not  []say // after which it is not so
		then say   // after which it is
	}{
		{"one", eventlog.Replication{Nodes: 1}, []say{{1, false}}, say{2, true}},
		{"two", eventlog.Replication{Nodes: 2}, []say{{1, false}, {2, true}}, say{1, true}},
		{"all", eventlog.Replication{All: true}, []say{{1, false}, {2, true}}, say{1, true}},
		{"all of none", eventlog.Replication{All: true}, nil, say{1, true}},
		{"names", eventlog.Replication{Names: []crdt.Author{{1}, {3}}}, []say{{1, true}, {2, true}}, say{3, true}},
		{"lowered", eventlog.Replication{Nodes: 2}, []say{{1, true}, {1, false}, {2, true}}, say{1, true}},
		{"more than there are", eventlog.Replication{Nodes: 3}, []say{{1, true}, {2, true}}, say{3, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, nodes := among(t)
				_, before := appended(t, l, "a")
				p, head := appended(t, l, "b")
				do := func(s say) {
					at := before
					if s.held {
						at = head
					}
					nodes.Say(l.Author(), member(s.node, at))
				}
				over := make(chan error, 1)
				go func() {
					_, err := l.WaitReplicated(t.Context(), p, tt.want)
					over <- err
				}()
				for _, s := range tt.not {
					do(s)
					synctest.Wait()
					select {
					case err := <-over:
						t.Fatalf("over after %v: %v", s, err)
					default:
					}
				}
				do(tt.then)
				if err := <-over; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Whoever has waited in vain is told who has it by then, who has not, and who was not heard.
func TestNotReplicatedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, nodes := among(t)
		_, before := appended(t, l, "a")
		p, head := appended(t, l, "b")
		lacks := member(2, before)
		lacks.Told = 2
		nodes.Say(l.Author(), lacks)
		time.AfterFunc(time.Second, func() { nodes.Say(l.Author(), member(1, head)) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		_, err := l.WaitReplicated(ctx, p, eventlog.Replication{Nodes: 2, Names: []crdt.Author{{9}}})
		var not *eventlog.NotReplicatedError
		if !errors.As(err, &not) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
		want := &eventlog.NotReplicatedError{Place: p, Err: context.DeadlineExceeded,
			Has: []eventlog.Receipt{{Author: crdt.Author{1}, Member: true, Holding: elsewhere.Holds, Heard: noon}},
			HasNot: []eventlog.Receipt{
				{Author: crdt.Author{2}, Member: true, Holding: elsewhere.Lacks, Heard: noon}, {Author: crdt.Author{9}},
			},
		}
		if diff := cmp.Diff(*want, *not, cmpopts.EquateErrors()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		text := fmt.Sprintf("%s is durable here and not replicated as wanted: held by 01000000; not held by 02000000; "+
			"not heard of from 09000000: %v", p, context.DeadlineExceeded)
		if err.Error() != text {
			t.Errorf("got  %s\nwant %s", err, text)
		}
		if nodes.Hurried.Load() != 1 {
			t.Errorf("in a hurry %d times, want once", nodes.Hurried.Load())
		}
	})
}

// What cannot be waited for is refused at once.
func TestWaitReplicatedRefuses(t *testing.T) {
	l, _ := among(t)
	p, _ := appended(t, l, "a")
	s := newStranger(t, "other")
	apply(t, l, s.op(crdt.Op{}, "x"))
	one := eventlog.Replication{Nodes: 1}
	for _, tt := range []struct {
		name string
		at   crdt.Place
		for_ eventlog.Replication
		want error
	}{
		{"no such entry", crdt.Place{Author: p.Author, Seq: 1}, one, eventlog.ErrNotFound},
		{"another's", crdt.Place{Author: s.author()}, one, elsewhere.ErrNotOurs},
		{"nothing", p, eventlog.Replication{}, elsewhere.ErrNothingWanted},
	} {
		if _, err := l.WaitReplicated(t.Context(), tt.at, tt.for_); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.at.String()) {
			t.Errorf("%s: %v, want %v and the place", tt.name, err, tt.want)
		}
	}
	if _, err := l.WaitReplicated(t.Context(), p, eventlog.Replication{Nodes: -1}); err == nil {
		t.Error("waited for -1 nodes")
	}
}

// A log that is closed lets nobody wait.
func TestClosingEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := among(t)
		p, _ := appended(t, l, "a")
		over := make(chan error)
		for range 3 {
			go func() {
				_, err := l.WaitReplicated(t.Context(), p, eventlog.Replication{Nodes: 1})
				over <- err
			}()
		}
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := <-over; !errors.Is(err, eventlog.ErrClosed) {
				t.Errorf("%v, want %v", err, eventlog.ErrClosed)
			}
		}
	})
}

// Of ten thousand that wait, a change wakes those that have what they wait for: each looks twice, before it waits and
// after, and each change is looked at once for all of them.
func TestManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each, changes, nobody = 100, 100, 100
		l, nodes := among(t)
		var places []crdt.Place
		var heads []crdt.Head
		for i := range changes {
			p, head := appended(t, l, fmt.Sprint(i))
			places, heads = append(places, p), append(heads, head)
		}
		var waiting sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		for range each {
			for _, p := range places {
				waiting.Go(func() {
					if _, err := l.WaitReplicated(t.Context(), p, eventlog.Replication{Nodes: 1}); err != nil {
						t.Error(err)
					}
				})
			}
		}
		for range nobody { // they give up
			waiting.Go(func() {
				if _, err := l.WaitReplicated(ctx, places[0], eventlog.Replication{Nodes: 9}); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		cancel()
		for _, head := range heads {
			nodes.Say(l.Author(), member(1, head))
			synctest.Wait()
		}
		waiting.Wait()
		// A look of whoever takes the lead over, which is most often one that was woken, comes on top.
		most := int64(each*changes*2 + nobody + 3*changes + nobody)
		if asked := nodes.Asked.Load(); asked > most {
			t.Errorf("looked %d times, want at most %d", asked, most)
		}
	})
}

// What of our feed is nowhere else is known once somebody has spoken.
func TestUnreplicated(t *testing.T) {
	cfg, nodes, now := config("us"), new(eventlogtest.Nodes), noon
	cfg.Receipts, cfg.Now = nodes, func() time.Time { return now }
	l := eventlogtest.Create(t, t.TempDir(), cfg)
	var heads []crdt.Head
	for i := range 5 {
		now = noon.Add(time.Duration(i) * time.Hour)
		_, head := appended(t, l, fmt.Sprint(i))
		heads = append(heads, head)
	}
	nodes.Say(l.Author(), elsewhere.Standing{Author: crdt.Author{1}, Member: true})
	if got, want := l.Unreplicated(), (elsewhere.Alone{Entries: 5, Since: noon}); !sameAlone(got, want) {
		t.Errorf("before anybody has spoken: %+v, want %+v", got, want)
	}
	nodes.Say(l.Author(), member(1, heads[1]))
	if got, want := l.Unreplicated(), (elsewhere.Alone{Entries: 3, Since: noon.Add(2 * time.Hour), Known: true}); !sameAlone(got, want) {
		t.Errorf("when one has two: %+v, want %+v", got, want)
	}
	nodes.Say(l.Author(), member(2, heads[4]))
	if got, want := l.Unreplicated(), (elsewhere.Alone{Known: true}); got != want {
		t.Errorf("when one has all: %+v, want %+v", got, want)
	}
	nodes.Say(l.Author(), member(2, crdt.Head{Next: 5, ID: crdt.OpID{1}}))
	if got, want := l.Unreplicated(), (elsewhere.Alone{Entries: 3, Since: noon.Add(2 * time.Hour), Known: true}); !sameAlone(got, want) {
		t.Errorf("when that one only claims it: %+v, want %+v", got, want)
	}
}

func sameAlone(a, b elsewhere.Alone) bool {
	return a.Entries == b.Entries && a.Known == b.Known && a.Since.Equal(b.Since)
}
