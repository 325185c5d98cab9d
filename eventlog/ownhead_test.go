package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// newSpoiled makes a log of entries that are ops of their own, one of a peer's among them, which a peer has got, and
// spoils some of the last ones.
func newSpoiled(t *testing.T, entries int, spoiled ...string) (l, peer *eventlog.Log) {
	t.Helper()
	dir := t.TempDir()
	l, peer = eventlogtest.Create(t, dir, config("author")), eventlogtest.Create(t, t.TempDir(), config("peer"))
	for i := range entries {
		mustAppend(t, l, fmt.Sprint("entry ", i))
		if i == entries/2 {
			mustAppend(t, peer, "of the peer")
			apply(t, l, readAll(t, peer, peer.Author()).Ops...)
		}
	}
	apply(t, peer, readAll(t, l, l.Author()).Ops...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, text := range spoiled {
		spoil(t, dir, text)
	}
	l = eventlogtest.Reopen(t, dir, config("author"))
	state := l.Recovering()
	if state == nil || state.Why != eventlog.WhyHead || state.Own.Next != uint64(entries) || !isDamaged(state) || !errors.Is(state, eventlog.ErrRecovering) {
		t.Fatalf("recovering: %v", state)
	}
	return l, peer
}

// arrivals returns what an arrival reading shows: the offset and the payload of each entry.
func arrivals(t *testing.T, l *eventlog.Log) (all []string) {
	t.Helper()
	for e, err := range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%d %s", e.Offset, e.Payload))
	}
	return all
}

// TestTheEndOfOurFeedIsFetchedAgain: what cannot be read of the end of our own feed comes back from a peer to the
// offsets that it had. Nobody who follows arrivals is told it twice.
func TestTheEndOfOurFeedIsFetchedAgain(t *testing.T) {
	for name, spoiled := range map[string][]string{
		"the last": {"entry 5"}, "the last two": {"entry 4", "entry 5"}, "all": {"entry 0", "entry 1", "entry 2", "entry 3", "entry 4", "entry 5"},
	} {
		t.Run(name, func(t *testing.T) {
			l, peer := newSpoiled(t, 6, spoiled...)
			asked := func(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
				wants, err := l.Wants(ctx, peer.Frontier(), 0)
				if err != nil || len(wants) != 1 || wants[0].Author != l.Author() {
					t.Errorf("wants %v, %v", wants, err)
				}
				segments, err := peer.Plan(ctx, wants[0])
				if err != nil || len(segments) != 1 || segments[0].After != end(l) {
					t.Errorf("what the peer would send: %v, %v; want all behind %v", segments, err, end(l))
				}
				o := apply(t, l, readAll(t, peer, l.Author()).Ops...)
				if o.Err != nil || o.Forked || o.Ops != len(spoiled) {
					t.Errorf("what came back: %+v", o)
				}
				return eventlog.Recovery{End: end(l), Asked: []crdt.Author{peer.Author()}}, nil
			}
			l = withPeers(t, l, &peers{anybody: true, ownEnd: asked})
			if err := l.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := arrivals(t, l)
			if len(got) != 8 || !slices.IsSorted(got) || got[4] != `4 "of the peer"` || got[6] != `6 "entry 5"` {
				t.Errorf("arrivals: %q", got)
			}
			if p := mustAppend(t, l, "goes on"); p.Seq != 7 || l.Recovering() != nil || l.Health().Mute != nil {
				t.Errorf("goes on at %d, %v", p.Seq, l.Health().Mute)
			}
		})
	}
}

// TestWhatCannotBeReadIsAskedFor: whoever is asked for the end of our feed is not told that we hold the op that cannot be
// read, however many entries the ops before it have, and so sends it.
func TestWhatCannotBeReadIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	l, peer := eventlogtest.Create(t, dir, config("author")), eventlogtest.Create(t, t.TempDir(), config("peer"))
	if _, err := l.AppendBatch(t.Context(), []crdt.Event{note("0"), note("1"), note("2")}); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, "spoiled")
	apply(t, peer, readAll(t, l, l.Author()).Ops...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	spoil(t, dir, "spoiled")
	asked := func(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
		wants, err := l.Wants(ctx, peer.Frontier(), 0)
		if err != nil || len(wants) != 1 {
			t.Fatalf("wants %v, %v", wants, err)
		}
		segments, err := peer.Plan(ctx, wants[0])
		if err != nil || len(segments) != 1 || segments[0].After != end(l) || segments[0].To != peer.Feed(l.Author()).Heads()[0] {
			t.Errorf("a peer would send %+v, %v", segments, err)
		}
		apply(t, l, readAll(t, peer, l.Author()).Ops...)
		return eventlog.Recovery{End: end(l), Asked: []crdt.Author{peer.Author()}}, nil
	}
	l = withPeers(t, eventlogtest.Reopen(t, dir, config("author")), &peers{anybody: true, ownEnd: asked})
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestTheEndOfOurFeedIsGivenUp where nobody has it, on somebody's word and on record: until then nothing is appended, also
// where nobody was ever told of the log.
func TestTheEndOfOurFeedIsGivenUp(t *testing.T) {
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, config("author"))
	for i := range 3 {
		mustAppend(t, l, fmt.Sprint("entry ", i))
	}
	was, before, behind := end(l), l.CursorAt(2), l.CursorAt(3)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	spoil(t, dir, "entry 2")
	l = eventlogtest.Reopen(t, dir, config("author"))
	for range 2 {
		if _, err := l.Append(t.Context(), note("x")); !isDamaged(err) || !errors.Is(err, eventlog.ErrRecovering) {
			t.Fatalf("append: %v", err)
		}
		if err := l.Settle(t.Context()); !errors.Is(err, eventlog.ErrRecovering) {
			t.Fatalf("settle with nobody to ask: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = eventlogtest.Reopen(t, dir, config("author"))
	}
	done, err := l.Recover(t.Context(), eventlog.Recovery{End: end(l), Alone: true})
	if err != nil || done.Place.Seq != 2 || done.From != was {
		t.Fatalf("recover: %+v, %v", done, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = eventlogtest.Reopen(t, dir, config("author"))
	mustAppend(t, l, "goes on")
	// Should entry 2 come back after all it gets another offset: whoever was told of it is not told twice unasked.
	for e, err := range l.Tail(t.Context(), eventlog.Query{After: behind}) {
		wrong, ok := errors.AsType[*eventlog.CursorError](err)
		if !ok || !errors.Is(err, eventlog.ErrForeignCursor) || wrong.Safe != before {
			t.Errorf("tail behind what was given up: %s, %v", e.Payload, err)
		}
		break
	}
	for e, err := range l.Tail(t.Context(), eventlog.Query{After: before}) {
		if gone, ok := errors.AsType[*eventlog.TrimmedError](err); !ok || gone.Offset != 3 {
			t.Errorf("tail before what was given up: %s, %v", e.Payload, err)
		}
		break
	}
	got := arrivals(t, l)
	if len(got) != 4 || got[1] != `1 "entry 1"` || got[3] != `4 "goes on"` {
		t.Errorf("arrivals: %q", got)
	}
}

// TestWhatCannotBeReadIsHeldByWhoeverSaysSo: a peer that holds all of our feed that can be read was seen to hold the same
// as is held here. That is no receipt for what stands behind it.
func TestWhatCannotBeReadIsHeldByWhoeverSaysSo(t *testing.T) {
	l, _ := newSpoiled(t, 6, "entry 5")
	must(t, l.Close())
	nodes, cfg := new(eventlogtest.Nodes), config("author")
	cfg.Receipts = nodes
	l, err := eventlog.Open(filepath.Dir(l.Path()), cfg) // and it is not whole at the end
	must(t, err)
	defer l.Close()
	same := member(1, end(l))
	same.Below, same.Told = l.Next(), l.Next()
	nodes.Say(l.Author(), same)
	for seq, want := range map[uint64]string{4: "holds", 5: "lacks"} {
		if got := holdings(t, l, crdt.Place{Author: l.Author(), Seq: seq})[1]; got != want {
			t.Errorf("entry %d: a peer that ends before 5 %s it", seq, got)
		}
	}
}

// TestDamageBelowTheEndOfOurFeedIsNoFork: an op that cannot be read stands below one that can, and that before another
// that cannot. Whoever sends all of the feed makes no second writer of us, and brings back what is behind the end.
func TestDamageBelowTheEndOfOurFeedIsNoFork(t *testing.T) {
	l, peer := newSpoiled(t, 6, "entry 3", "entry 5")
	all := readAll(t, peer, l.Author()).Ops
	asked := func(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
		if o := apply(t, l, all...); o.Err != nil || o.Forked || o.Ops != 1 || o.Duplicates != 5 {
			t.Errorf("the whole feed: %+v", o)
		}
		return eventlog.Recovery{End: end(l), Asked: []crdt.Author{peer.Author()}}, nil
	}
	dir, cfg := filepath.Dir(l.Path()), config("author")
	must(t, l.Close())
	cfg.Peers = &peers{anybody: true, ownEnd: asked}
	l, err := eventlog.Open(dir, cfg) // and it is not whole at the end
	must(t, err)
	defer l.Close()
	must(t, l.Settle(t.Context()))
	if p := mustAppend(t, l, "goes on"); p.Seq != 7 || l.Health().Mute != nil {
		t.Errorf("goes on at %d, %v", p.Seq, l.Health().Mute)
	}
}

// TestAForkOfOursIsStoredWhileOurEndCannotBeRead: what contradicts what can be read was never held: it is new, and what
// cannot be read comes back beside it.
func TestAForkOfOursIsStoredWhileOurEndCannotBeRead(t *testing.T) {
	l, peer := newSpoiled(t, 6, "entry 5")
	ops := readAll(t, peer, l.Author()).Ops
	h := crdt.Header{Log: ops[2].Log, First: ops[2].Next(), Prev: ops[2].ID, Clock: ops[2].Clock + 1}
	second, err := crdt.NewOp(config("author").Key, h, ops[2].Clock.Time(), note("second writer"))
	if err != nil {
		t.Fatal(err)
	}
	before := l.Stats()
	if o := apply(t, l, second); o.Err != nil || !o.Forked {
		t.Fatalf("a fork: %+v", o)
	}
	if s := l.Stats(); s.Entries != before.Entries+1 || s.Next != before.Next+1 || s.Pruned != before.Pruned {
		t.Errorf("a fork of one entry: %+v, before %+v", s, before)
	}
	if o := apply(t, l, ops...); o.Err != nil || o.Forked {
		t.Errorf("what came back: %+v", o)
	}
	if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
		t.Errorf("verify: %v, %v", report.Problems, err)
	}
	if got := arrivals(t, l); len(got) != 8 {
		t.Errorf("arrivals: %q", got)
	}
}
