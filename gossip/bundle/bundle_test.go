package bundle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/gossip/wire"
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
	want := []bundle.Gap{{Author: author(0), Held: 0, Upto: 12, Reason: "what comes before it is not here"}}
	if diff := cmp.Diff(want, r.Gaps); diff != "" || !r.Early || r.OK() || !r.Whole {
		t.Errorf("the second bundle first: %+v (gaps -want +got):\n%s", r, diff)
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

// Wherever a bundle is cut off, what came whole is kept and the rest is named.
func TestCutOffAnywhere(t *testing.T) {
	from := full(t)
	b, _ := create(t, from, nil)
	all := from.entries(t)
	most := 0
	for n := range places(b) {
		to := newMemLog()
		r, err := bundle.Apply(t.Context(), to, bytes.NewReader(b[:n]))
		if err != nil {
			if !errors.Is(err, bundle.ErrNotBundle) && !errors.Is(err, bundle.ErrHead) {
				t.Fatalf("cut to %d bytes: %v", n, err)
			}
			continue
		}
		if r.Whole || r.OK() || !strings.Contains(r.Damage, "cut off") {
			t.Fatalf("cut to %d bytes: %+v", n, r)
		}
		got := len(to.entries(t))
		if got < most || got > len(all) {
			t.Fatalf("cut to %d bytes: %d entries, with fewer bytes %d", n, got, most)
		}
		most = got
		checkGaps(t, to, r, b[:n])
		if c := inspect(t, b[:n], nil); c.OK() || c.Entries != uint64(got) {
			t.Fatalf("cut to %d bytes: %d entries were applied, contents: %+v", n, got, c)
		}
	}
	if most != len(all) {
		t.Errorf("%d of %d entries came of all bytes but one", most, len(all))
	}
}

// checkGaps holds the gaps of a report against the frontier that a bundle promises.
func checkGaps(t *testing.T, to *memLog, r bundle.Report, b []byte) {
	t.Helper()
	h, err := bundle.ReadHead(bytes.NewReader(b))
	if err != nil {
		return // the frontier itself is cut off
	}
	var want []crdt.Author
	for a, heads := range h.Upto.All() {
		held := to.Frontier()[a]
		if slices.ContainsFunc(heads, func(h crdt.Head) bool { return !slices.Contains(held, h) }) {
			want = append(want, a)
		}
	}
	var got []crdt.Author
	for _, g := range r.Gaps {
		got = append(got, g.Author)
		if g.Held != to.Feed(g.Author).Next() || g.Reason == "" || g.String() == "" {
			t.Errorf("gap %+v, the feed is held up to %d", g, to.Feed(g.Author).Next())
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("gaps of %d bytes (-want +got):\n%s", len(b), diff)
	}
}

// Whatever byte is changed, the damage is seen, nothing is taken that its author has not signed, and
// what the damage has not touched is taken.
func TestTamperAnywhere(t *testing.T) {
	from := full(t)
	b, s := create(t, from, nil)
	all := from.entries(t)
	kept := 0
	tried := 0
	for at := range places(b) {
		tried++
		bad := bytes.Clone(b)
		bad[at] ^= 1 << (at % 8)
		to := newMemLog()
		r, err := bundle.Apply(t.Context(), to, bytes.NewReader(bad))
		_, inspectErr := bundle.Inspect(t.Context(), bytes.NewReader(bad), nil)
		if err != nil {
			other, _ := errors.AsType[*bundle.OtherLogError](err)
			if other == nil && !errors.Is(err, bundle.ErrNotBundle) && !errors.Is(err, bundle.ErrHead) {
				t.Fatalf("byte %d: %v", at, err)
			}
			continue
		}
		if r.OK() || r.Whole || r.Damage == "" || inspectErr != nil {
			t.Fatalf("byte %d: %+v, %v", at, r, inspectErr)
		}
		if c := inspect(t, bad, nil); c.OK() {
			t.Fatalf("byte %d: contents: %+v", at, c)
		}
		for _, e := range to.entries(t) {
			if !slices.Contains(all, e) && !slices.Contains(all, strings.Replace(e, " false", " true", 1)) {
				t.Fatalf("byte %d: %q was taken", at, e)
			}
		}
		if r.Ops == s.Ops {
			kept++
		}
	}
	if kept < tried/10 {
		t.Errorf("with the damage of %d bytes of %d every op came through", kept, tried)
	}
}

// A frame that cannot be read is passed over; the authors after it are not lost.
func TestDamageInTheMiddle(t *testing.T) {
	from := full(t)
	b, s := create(t, from, nil)
	for i, frame := range frames(b) {
		if i < 3 || frame[4] == 0x81 {
			continue // head, frontiers, end
		}
		bad := bytes.Clone(b)
		from := bytes.Index(b, frame)
		clear(bad[from+5 : from+len(frame)])
		to := newMemLog()
		r := apply(t, to, bad)
		if r.Whole || r.Ops == 0 || r.Ops >= s.Ops || r.Skipped == 0 || len(r.Gaps) != 1 {
			t.Errorf("frame %d of %d bytes is zeros: %+v", i, len(frame), r)
		}
	}
}

// places yields offsets in a bundle: the magic, the beginning and the end of each frame, and some of what
// lies between.
func places(b []byte) iter.Seq[int] {
	const edge, step = 8, 31
	return func(yield func(int) bool) {
		from := 0
		for _, frame := range append([][]byte{b[:len("quipu bundle 1\n")]}, frames(b)...) {
			for i := 0; i < len(frame); i++ {
				if i > edge && i < len(frame)-edge {
					i = min(i+step, len(frame)-edge)
				}
				if !yield(from + i) {
					return
				}
			}
			from += len(frame)
		}
	}
}

// frames cuts a bundle into its frames, the magic left out.
func frames(b []byte) [][]byte {
	var all [][]byte
	for b = b[len("quipu bundle 1\n"):]; len(b) > 0; {
		size := 5 + int(b[0])<<24 + int(b[1])<<16 + int(b[2])<<8 + int(b[3])
		all = append(all, b[:size])
		b = b[size:]
	}
	return all
}

func TestBytesAfterTheEnd(t *testing.T) {
	b, _ := create(t, full(t), nil)
	if r := apply(t, newMemLog(), append(b, 0)); r.OK() || len(r.Gaps) > 0 || !strings.Contains(r.Damage, "bytes follow the end") {
		t.Errorf("report: %+v", r)
	}
}

// Frames of other kinds do not belong in a bundle; what is around them counts.
func TestStrayMessages(t *testing.T) {
	b, s := create(t, full(t), nil)
	end := bytes.LastIndex(b, []byte{0, 0, 0, 48, 0x81})
	for _, m := range []wire.Message{
		wire.Hello{Version: 9}, wire.Shut{}, wire.Detach{}, wire.Vector{Round: 2, Upto: crdt.Author{1}},
	} {
		bad := append(wire.Append(bytes.Clone(b[:end]), m), b[end:]...)
		if r := apply(t, newMemLog(), bad); r.OK() || r.Ops != s.Ops || r.Skipped != 1 {
			t.Errorf("%s: %+v", m.Kind(), r)
		}
	}
}

// An author's feed that cannot be read is left out and named; the others are there.
func TestFeedThatCannotBeRead(t *testing.T) {
	from := full(t)
	from.broken = author(1)
	b, s := create(t, from, nil)
	want := []bundle.Gap{{Author: author(1), Upto: 15, Reason: "a bad sector"}}
	if diff := cmp.Diff(want, s.Left); diff != "" || s.Authors != 3 {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	r := apply(t, newMemLog(), b)
	want[0].Reason = "not in the bundle"
	if diff := cmp.Diff(want, r.Gaps); diff != "" || !r.Whole || r.OK() {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if c := inspect(t, b, nil); c.OK() || !c.Whole {
		t.Errorf("contents: %+v", c)
	}
}

func TestWriterFails(t *testing.T) {
	b, _ := create(t, full(t), nil)
	full := full(t)
	for _, n := range []int{0, 10, 100, len(b) - 1} {
		_, err := bundle.Create(t.Context(), full, &limited{room: n}, bundle.Options{})
		if !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("no room after %d bytes: %v", n, err)
		}
	}
}

// limited is a disk that is nearly full.
type limited struct{ room int }

func (l *limited) Write(b []byte) (int, error) {
	n := min(len(b), l.room)
	l.room -= n
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// A stream that fails is not a bundle that is cut off.
func TestReaderFails(t *testing.T) {
	b, _ := create(t, full(t), nil)
	for _, n := range []int{3, 40, 200, 900, len(b) - 3, len(b)} {
		broken := io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(io.ErrClosedPipe))
		if _, err := bundle.Apply(t.Context(), newMemLog(), broken); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("apply, after %d bytes: %v", n, err)
		}
		broken = io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(io.ErrClosedPipe))
		if _, err := bundle.Inspect(t.Context(), broken, nil); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("inspect, after %d bytes: %v", n, err)
		}
	}
}

func TestInspect(t *testing.T) {
	from := full(t)
	b, s := create(t, from, nil)
	c := inspect(t, b, nil)
	if !c.OK() || c.Entries != s.Entries || c.Ops != s.Ops || c.Since != 0 || c.Upto != 4 || c.Gain != nil || len(c.Feeds) != 4 {
		t.Errorf("contents: %+v", c)
	}
	for _, f := range c.Feeds {
		want := bundle.Feed{Author: f.Author, Next: f.Entries, Ops: f.Ops, Entries: 3 * f.Ops}
		if f.Author == author(3) {
			want.Next, want.Loose = 15, true
		}
		if f != want {
			t.Errorf("feed %+v, want %+v", f, want)
		}
	}

	c0 := chain{}.grow(t, 0, 4, "a")
	held := crdt.Frontier{author(0): {c0[1].Head()}, author(1): from.Frontier()[author(1)]}
	c = inspect(t, b, held)
	if c.Gain == nil || *c.Gain != 6+0+18+27 {
		t.Errorf("gain: %+v", c)
	}
	b, _ = create(t, from, held)
	c = inspect(t, b, crdt.Frontier{author(0): {c0[0].Head()}})
	for _, f := range c.Feeds {
		if f.Needs != (f.Author == author(0)) {
			t.Errorf("feed %+v: needs something before it: %v", f, f.Needs)
		}
	}
	if !c.OK() || *c.Gain != 6+0+18+27 {
		t.Errorf("since something: %+v", c)
	}
}

// A bundle whose head promises more than it has is seen not to keep it.
func TestInspectPromises(t *testing.T) {
	short, long := newMemLog(), newMemLog()
	c := chain{}.grow(t, 0, 4, "a")
	short.give(t, crdt.Run{Ops: c[:2]})
	long.give(t, crdt.Run{Ops: c})
	b, _ := create(t, &promising{short, long.Frontier()}, nil)
	in := inspect(t, b, nil)
	if in.OK() || !in.Whole || in.Feeds[0].Problem != "missing from seq 6 on, up to seq 12" {
		t.Errorf("contents: %+v", in)
	}
	r := apply(t, newMemLog(), b)
	want := []bundle.Gap{{Author: author(0), Held: 6, Upto: 12, Reason: "not in the bundle"}}
	if diff := cmp.Diff(want, r.Gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// promising is a log that says to hold more than it does.
type promising struct {
	*memLog
	frontier crdt.Frontier
}

func (l *promising) Frontier() crdt.Frontier { return l.frontier }

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

// Whatever several bundles hold, in whatever order they come, and cut off or not: after enough of them a
// log holds what the source holds, and never anything else.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		from, to := newMemLog(), &forgetful{newMemLog()}
		var bundles [][]byte
		chains := make([]chain, 3)
		var seen []crdt.Frontier
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			who := rapid.IntRange(0, 2).Draw(rt, "who")
			base := chains[who][:rapid.IntRange(0, len(chains[who])).Draw(rt, "from")]
			if rapid.Bool().Draw(rt, "honest") {
				base = chains[who]
			}
			chains[who] = base.grow(t, who, rapid.IntRange(1, 3).Draw(rt, "ops"), fmt.Sprint(len(bundles)))
			from.give(t, crdt.Run{Ops: chains[who]})
			var since crdt.Frontier
			if n := rapid.IntRange(0, len(seen)).Draw(rt, "since"); n < len(seen) {
				since = seen[n]
			}
			seen = append(seen, from.Frontier())
			b, _ := create(t, from, since)
			bundles = append(bundles, b)
		}
		for range bundles {
			for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4, 5}[:len(bundles)]).Draw(rt, "order") {
				b := bundles[i]
				if rapid.Bool().Draw(rt, "cut") {
					b = b[:rapid.IntRange(100, len(b)).Draw(rt, "at")]
				}
				if _, err := bundle.Apply(t.Context(), to, bytes.NewReader(b)); err != nil && !errors.Is(err, bundle.ErrHead) {
					rt.Fatal(err)
				}
			}
		}
		for range bundles {
			for _, b := range bundles {
				apply(t, to, b)
			}
		}
		if !to.Frontier().Equal(from.Frontier()) {
			rt.Fatalf("frontiers differ:\n%v\n%v", from.Frontier(), to.Frontier())
		}
		for _, b := range bundles {
			if r := apply(t, to, b); !r.OK() || r.Ops > 0 {
				rt.Fatalf("at the end: %+v", r)
			}
		}
	})
}

// FuzzApply: whatever bytes follow a head, they are no panic, and nothing is taken that verifies nowhere.
func FuzzApply(f *testing.F) {
	b, _ := create(f, full(f), nil)
	head := len("quipu bundle 1\n") + len(frames(b)[0])
	f.Add(b)
	f.Add(b[:head])
	for _, frame := range frames(b)[1:] {
		f.Add(append(bytes.Clone(b[:head]), frame...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		to := newMemLog()
		r, err := bundle.Apply(t.Context(), to, bytes.NewReader(b))
		c, inspectErr := bundle.Inspect(t.Context(), bytes.NewReader(b), nil)
		if (err == nil) != (inspectErr == nil) {
			if _, other := errors.AsType[*bundle.OtherLogError](err); !other {
				t.Fatalf("apply: %v, inspect: %v", err, inspectErr)
			}
		}
		if err == nil && (r.Whole != c.Whole || r.Ops > c.Ops) {
			t.Fatalf("apply: %+v, inspect: %+v", r, c)
		}
	})
}
