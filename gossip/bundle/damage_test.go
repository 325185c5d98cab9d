package bundle_test

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/gossip/wire"
)

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
		checkLacks(t, to, r, b[:n])
		if c := inspect(t, b[:n], nil); c.OK() || c.Entries != uint64(got) {
			t.Fatalf("cut to %d bytes: %d entries were applied, contents: %+v", n, got, c)
		}
	}
	if most != len(all) {
		t.Errorf("%d of %d entries came of all bytes but one", most, len(all))
	}
}

// checkLacks holds the lacks of a report against the frontier that a bundle promises.
func checkLacks(t *testing.T, to *memLog, r bundle.Report, b []byte) {
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
	for _, g := range r.Lacks {
		got = append(got, g.Author)
		if g.Held != to.Feed(g.Author).Next() || g.Reason == "" || g.String() == "" {
			t.Errorf("lack %+v, the feed is held up to %d", g, to.Feed(g.Author).Next())
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("lacks of %d bytes (-want +got):\n%s", len(b), diff)
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
		if r.Whole || r.Ops == 0 || r.Ops >= s.Ops || r.Skipped == 0 || len(r.Lacks) != 1 {
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
	if r := apply(t, newMemLog(), append(b, 0)); r.OK() || len(r.Lacks) > 0 || !strings.Contains(r.Damage, "bytes follow the end") {
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
	want := []bundle.Lack{{Author: author(1), Upto: 15, Reason: "a bad sector"}}
	if diff := cmp.Diff(want, s.Left); diff != "" || s.Authors != 3 {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	r := apply(t, newMemLog(), b)
	want[0].Reason = "not in the bundle"
	if diff := cmp.Diff(want, r.Lacks); diff != "" || !r.Whole || r.OK() {
		t.Errorf("lacks (-want +got):\n%s", diff)
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
