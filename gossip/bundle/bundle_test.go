package bundle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
)

// create returns a bundle of what l holds beyond since.
func create(t testing.TB, l bundle.Source, since crdt.Frontier) ([]byte, bundle.Summary) {
	t.Helper()
	var b bytes.Buffer
	s, err := bundle.Create(t.Context(), l, &b, bundle.Options{Since: since, Made: made})
	if err != nil {
		t.Fatal(err)
	}
	if s.Bytes != int64(b.Len()) || s.Plain < s.Bytes {
		t.Errorf("the summary says %d bytes, %d unpacked; the bundle has %d", s.Bytes, s.Plain, b.Len())
	}
	return b.Bytes(), s
}

// apply applies a bundle, which must be readable as one.
func apply(t testing.TB, l bundle.Target, b []byte) bundle.Report {
	t.Helper()
	r, err := bundle.Apply(t.Context(), l, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// inspect inspects a bundle, which must be readable as one.
func inspect(t testing.TB, b []byte, against crdt.Frontier) bundle.Contents {
	t.Helper()
	c, err := bundle.Inspect(t.Context(), bytes.NewReader(b), against)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRoundTrip(t *testing.T) {
	from, to := full(t), newMemLog()
	b, s := create(t, from, nil)
	if s.Authors != 4 || s.Ops != 4+5+6+9 || s.Entries != 3*s.Ops {
		t.Errorf("summary: %+v", s)
	}
	r, err := bundle.Apply(t.Context(), to, iotest.OneByteReader(bytes.NewReader(b)))
	if err != nil {
		t.Fatal(err)
	}
	want := bundle.Report{
		Log: genesis.Log(), Author: author(0), Made: made, Authors: 4, Ops: s.Ops, Entries: s.Entries,
		Forked: []crdt.Author{author(3)}, Reading: bundle.Reading{Whole: true, Bytes: int64(len(b))},
	}
	if diff := cmp.Diff(want, r); diff != "" || !r.OK() {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(from.entries(t), to.entries(t)); diff != "" {
		t.Errorf("entries (-from +to):\n%s", diff)
	}

	again := apply(t, to, b)
	if again.Ops != 0 || again.Entries != 0 || again.Duplicates != s.Ops || again.Authors != 0 || !again.OK() {
		t.Errorf("applied twice: %+v", again)
	}
}

// A bundle of an empty log, or of nothing new, is a bundle.
func TestNothingNew(t *testing.T) {
	from := full(t)
	for name, l := range map[string]*memLog{"empty log": newMemLog(), "nothing new": from} {
		b, s := create(t, l, from.Frontier())
		if s.Ops != 0 || s.Authors != 0 {
			t.Errorf("%s: %+v", name, s)
		}
		if r := apply(t, from, b); !r.OK() {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// The head says what was in it, and can be read alone.
func TestReadHead(t *testing.T) {
	from := full(t)
	since := crdt.Frontier{author(1): {{Next: 6, ID: crdt.OpID{1}}}, author(7): {{Next: 9, ID: crdt.OpID{2}}}}
	b, s := create(t, from, since)
	h, err := bundle.ReadHead(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	want := bundle.Head{Log: genesis.Log(), Genesis: genesis.Encode(), Author: author(0), Made: made, Since: since, Upto: from.Frontier()}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
	unknown := []crdt.Author{author(1), author(7)}
	slices.SortFunc(unknown, crdt.Author.Compare)
	if diff := cmp.Diff(unknown, s.Unknown); diff != "" {
		t.Errorf("authors of whom somebody holds what is not here (-want +got):\n%s", diff)
	}
	if s.Ops != 4+5+6+9 {
		t.Errorf("%d ops: of an author whose head is not held here, everything is sent", s.Ops)
	}
}

// A bundle since a frontier has what is beyond it and no more.
func TestSince(t *testing.T) {
	from, to := newMemLog(), newMemLog()
	first := chain{}.grow(t, 0, 3, "a")
	from.give(t, crdt.Run{Ops: first})
	to.give(t, crdt.Run{Ops: first})
	before := from.Frontier()
	from.give(t, crdt.Run{Ops: first.grow(t, 0, 2, "a")[3:]})
	from.give(t, crdt.Run{Ops: first[:1].grow(t, 0, 4, "fork")[1:]})
	from.give(t, crdt.Run{Ops: chain{}.grow(t, 1, 1, "b")})
	b, s := create(t, from, before)
	if s.Ops != 2+4+1 {
		t.Errorf("%d ops since a frontier that lacks 7", s.Ops)
	}
	if r := apply(t, to, b); !r.OK() || r.Duplicates != 0 {
		t.Errorf("report: %+v", r)
	}
	if !to.Frontier().Equal(from.Frontier()) {
		t.Error("the frontiers differ")
	}
}

// Bundles may come in any order: what cannot be placed is named, and the second time it can be.
func TestAnyOrder(t *testing.T) {
	from := newMemLog()
	c := chain{}.grow(t, 0, 2, "a")
	from.give(t, crdt.Run{Ops: c})
	one, _ := create(t, from, nil)
	middle := from.Frontier()
	from.give(t, crdt.Run{Ops: c.grow(t, 0, 2, "a")[2:]})
	two, _ := create(t, from, middle)

	to := &forgetful{newMemLog()}
	r := apply(t, to, two)
	want := []bundle.Lack{{Author: author(0), Held: 0, Upto: 12, Reason: "what comes before it is not here"}}
	if diff := cmp.Diff(want, r.Lacks); diff != "" || !r.Early || r.OK() || !r.Whole {
		t.Errorf("the second bundle first: %+v (lacks -want +got):\n%s", r, diff)
	}
	if r := apply(t, to, one); !r.OK() {
		t.Errorf("the first bundle: %+v", r)
	}
	if r := apply(t, to, two); !r.OK() || r.Ops != 2 {
		t.Errorf("the second bundle again: %+v", r)
	}
}

// forgetful keeps no ops that it cannot place, as a log on disk does.
type forgetful struct{ *memLog }

func (l *forgetful) Apply(_ context.Context, runs []crdt.Run) ([]crdt.Outcome, error) {
	outcomes := make([]crdt.Outcome, len(runs))
	for i, r := range runs {
		f := l.Feed(r.Author())
		v, err := crdt.Decide(l.set, f, r.Ops[0].Signed)
		if err == nil && v.Decision == crdt.Pending && len(r.Leave.Bytes()) == 0 {
			outcomes[i] = crdt.Outcome{Author: r.Author(), Decision: crdt.Pending}
			continue
		}
		outcomes[i], _ = l.set.Apply(r)
	}
	return outcomes, nil
}

// A feed that begins at a floor keeps its leave on the way.
func TestFloor(t *testing.T) {
	c := chain{}.grow(t, 0, 3, "a")
	h := crdt.Header{Log: genesis.Log(), First: 9, Prev: c[2].ID, Clock: 9, Floor: 6}
	c = append(c, newOp(t, 0, h, "leave")).grow(t, 0, 2, "a")
	from, to := newMemLog(), newMemLog()
	from.give(t, crdt.Run{Leave: c[3].Signed, Ops: c[2:]})
	b, _ := create(t, from, nil)
	if r := apply(t, to, b); !r.OK() || r.Ops != 4 {
		t.Errorf("report: %+v", r)
	}
	if to.Feed(author(0)).First() != 6 || !to.Frontier().Equal(from.Frontier()) {
		t.Errorf("the feed begins at %d", to.Feed(author(0)).First())
	}
	if in := inspect(t, b, nil); !in.OK() || in.Feeds[0].Loose || in.Feeds[0].From != 6 {
		t.Errorf("contents: %+v", in)
	}
}

// A log that knows only the hash of its genesis learns it from a bundle.
func TestLearnsGenesis(t *testing.T) {
	b, _ := create(t, full(t), nil)
	to := newMemLog()
	to.genesis = nil
	apply(t, to, b)
	if to.genesis == nil || to.genesis.Log() != genesis.Log() {
		t.Error("the genesis was not learned")
	}
}

func TestRefused(t *testing.T) {
	good, _ := create(t, full(t), nil)
	foreign := bytes.Clone(good)
	foreign[len("quipu bundle 1\n")+5] ^= 1 // the log's id
	longer := bytes.Clone(good)
	longer[len("quipu bundle 1\n")+5+57]++ // the length of the genesis
	stranger := &memLog{set: crdt.NewSet(crdt.LogID{7})}
	for name, c := range map[string]struct {
		to   *memLog
		b    []byte
		want error
		says string
	}{
		"empty":             {newMemLog(), nil, bundle.ErrNotBundle, "not a bundle"},
		"text":              {newMemLog(), []byte("hello, world, this is no bundle"), bundle.ErrNotBundle, "not a bundle"},
		"newer":             {newMemLog(), []byte("quipu bundle 2\n..."), bundle.ErrNotBundle, "that this program can read"},
		"magic alone":       {newMemLog(), good[:15], bundle.ErrHead, "cut off"},
		"genesis too short": {newMemLog(), longer, bundle.ErrHead, "a genesis of"},
		"genesis of two":    {newMemLog(), foreign, bundle.ErrHead, "its genesis is that of log"},
	} {
		_, err := bundle.Apply(t.Context(), c.to, bytes.NewReader(c.b))
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := bundle.Inspect(t.Context(), bytes.NewReader(c.b), nil); !errors.Is(err, c.want) {
			t.Errorf("%s: inspect: %v", name, err)
		}
		if _, err := bundle.ReadHead(bytes.NewReader(c.b)); !errors.Is(err, c.want) {
			t.Errorf("%s: read head: %v", name, err)
		}
	}
	_, err := bundle.Apply(t.Context(), stranger, bytes.NewReader(good))
	if other, ok := errors.AsType[*bundle.OtherLogError](err); !ok || other.Bundle != genesis.Log() || len(stranger.Frontier()) > 0 {
		t.Errorf("another log: %v", err)
	}
}

// Runs are applied a few megabytes at a time, however large the bundle is.
func TestAppliesInBatches(t *testing.T) {
	from, to := newMemLog(), newMemLog()
	var c chain
	h := crdt.Header{Log: genesis.Log(), Clock: 1}
	payload := bytes.Repeat([]byte("x"), 500_000)
	for range 30 {
		op, err := crdt.NewOp(key(0), h, made, crdt.Event{Kind: "big", ContentType: "text/plain", Payload: payload})
		if err != nil {
			t.Fatal(err)
		}
		c = append(c, op)
		h.First, h.Prev, h.Clock = op.Next(), op.ID, op.Clock+1
	}
	from.give(t, crdt.Run{Ops: c})
	b, s := create(t, from, nil)
	if r := apply(t, to, b); !r.OK() || r.Ops != 30 {
		t.Errorf("report: %+v", r)
	}
	if to.largest > 5<<20 {
		t.Errorf("%d bytes were applied together", to.largest)
	}
	if s.Bytes > s.Plain/20 {
		t.Errorf("%d bytes of x take %d", s.Plain, s.Bytes)
	}
}
