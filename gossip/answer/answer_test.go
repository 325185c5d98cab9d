package answer_test

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/answer"
	"github.com/quipulog/quipu/gossip/wire"
)

// feed is a log of one feed, read an op at a time.
type feed struct {
	ops []crdt.Op
	err error // of a read
}

// chain returns a feed of n entries.
func chain(t *testing.T, n int) *feed {
	t.Helper()
	f := new(feed)
	h := crdt.Header{Clock: 1}
	for range n {
		op, err := crdt.NewOp(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), h, time.Now(), crdt.Event{Kind: "k"})
		if err != nil {
			t.Fatal(err)
		}
		f.ops = append(f.ops, op)
		h.First, h.Prev = op.Next(), op.ID
	}
	return f
}

func (f *feed) Plan(context.Context, crdt.Want) ([]crdt.Segment, error) {
	return []crdt.Segment{{To: f.ops[len(f.ops)-1].Head()}}, nil
}

func (f *feed) PlanSpan(_ context.Context, s crdt.Span) (crdt.Segment, bool, error) {
	return crdt.Segment{After: crdt.Head{Next: s.From}, To: crdt.Head{Next: s.Upto}}, s.Upto <= uint64(len(f.ops)), nil
}

func (f *feed) Read(_ context.Context, seg *crdt.Segment, _ int) (run crdt.Run, err error) {
	if seg.After.Next < seg.To.Next {
		op := f.ops[seg.After.Next]
		run.Ops, seg.After = []crdt.Op{op}, op.Head()
	}
	return run, f.err
}

// author names a feed.
func author(n int) (a crdt.Author) {
	binary.BigEndian.PutUint32(a[:], uint32(n))
	return a
}

// answers returns what a queue sends until it has nothing more: the seq of each run, and each end.
func answers(t *testing.T, q *answer.Queue) (runs []uint64, ends []wire.Done, err error) {
	t.Helper()
	for {
		m, failed := q.Next(t.Context())
		err = errors.Join(err, failed)
		switch m := m.(type) {
		case nil:
			return runs, ends, err
		case wire.Ops:
			runs = append(runs, m.Run.Ops[0].First)
		case wire.Done:
			ends = append(ends, m)
		}
	}
}

// A want is answered in runs, and each answer has an end that says how far it went.
func TestQueue(t *testing.T) {
	f := chain(t, 4)
	size := uint32(crdt.Run{Ops: f.ops[:1]}.Size())
	whole := answer.Feeds([]wire.Want{{Ask: 1, Want: crdt.Want{Author: author(1)}}})
	span := func(from, upto uint64, most uint32) []answer.Want {
		return answer.Spans([]wire.SpanWant{{Ask: 2, Span: crdt.Span{Author: author(2), From: from, Upto: upto}, MaxBytes: most}})
	}
	unread := errors.New("unread")
	for _, test := range []struct {
		name  string
		wants []answer.Want
		err   error
		runs  []uint64
		end   wire.Done
	}{
		{"a feed", whole, nil, []uint64{0, 1, 2, 3}, wire.Done{Ask: 1, Author: author(1), Complete: true, Next: 4}},
		{"a span", span(1, 3, 1<<20), nil, []uint64{1, 2}, wire.Done{Ask: 2, Author: author(2), Complete: true, Next: 3}},
		{"a span in few bytes", span(0, 4, size+1), nil, []uint64{0, 1}, wire.Done{Ask: 2, Author: author(2), Next: 2}},
		{"a span that is not here", span(0, 5, 1<<20), nil, nil, wire.Done{Ask: 2, Author: author(2)}},
		{"a log that fails", whole, unread, nil, wire.Done{Ask: 1, Author: author(1)}},
	} {
		f.err = test.err
		led := crdt.Head{}
		q := &answer.Queue{Log: f, Led: func(_ crdt.Author, h crdt.Head) { led = h }, Most: func() int { return 1 << 20 }}
		q.Add(test.wants)
		runs, ends, err := answers(t, q)
		if diff := cmp.Diff(test.runs, runs); diff != "" || !errors.Is(err, test.err) {
			t.Errorf("%s: %v, runs (-want +got):\n%s", test.name, err, diff)
		}
		if diff := cmp.Diff([]wire.Done{test.end}, ends); diff != "" {
			t.Errorf("%s: ends (-want +got):\n%s", test.name, diff)
		}
		if test.name == "a feed" != (led == f.ops[3].Head()) {
			t.Errorf("%s: led to %d", test.name, led.Next)
		}
	}
}

// A run that no frame holds ends the answer, which says how far it went without it.
func TestRunThatNoFrameHolds(t *testing.T) {
	f := chain(t, 2)
	large := slices.Repeat(f.ops[1:], wire.MaxRunOps+1)
	q := &answer.Queue{Log: &runs{f, []crdt.Run{{Ops: f.ops[:1]}, {Ops: large}}}, Most: func() int { return 1 << 20 }}
	q.Add(answer.Feeds([]wire.Want{{Ask: 1}}))
	seqs, ends, err := answers(t, q)
	if want := []wire.Done{{Ask: 1, Next: 1}}; len(seqs) != 1 || !cmp.Equal(ends, want) || !errors.Is(err, answer.ErrNoFrame) {
		t.Errorf("%d runs, %v, %v; want one, %v, ErrNoFrame", len(seqs), ends, err, want)
	}
}

// runs is a log that reads the runs it was given.
type runs struct {
	*feed
	runs []crdt.Run
}

func (r *runs) Read(_ context.Context, seg *crdt.Segment, _ int) (run crdt.Run, err error) {
	run, r.runs = r.runs[0], r.runs[1:]
	seg.After = run.Ops[len(run.Ops)-1].Head()
	return run, nil
}

// A peer has no more wants open than it may; each of the others is ended at once.
func TestWantsAreBounded(t *testing.T) {
	q := &answer.Queue{Log: chain(t, 1), Led: func(crdt.Author, crdt.Head) {}, Most: func() int { return 1 << 20 }}
	var wants []wire.Want
	for ask := range uint32(answer.MaxWants + 3) {
		wants = append(wants, wire.Want{Ask: ask + 1})
	}
	refused := q.Add(answer.Feeds(wants))
	_, ends, err := answers(t, q)
	if len(refused) != 3 || len(ends) != answer.MaxWants || err != nil {
		t.Errorf("%d wants refused, %d answered, %v", len(refused), len(ends), err)
	}
	if want := (wire.Done{Ask: answer.MaxWants + 1}); refused[0] != wire.Message(want) {
		t.Errorf("the first that is refused ends with %v, want %v", refused[0], want)
	}
}

// held is a log of n feeds that have one entry each.
type held int

func (held) Feed(a crdt.Author) crdt.Feed {
	return crdt.Feed{Author: a, Branches: []crdt.Branch{{Rooted: true, Head: crdt.Head{Next: 1, ID: crdt.OpID(a)}}}}
}

func (n held) digest() (d crdt.Digest) {
	f := make(crdt.Frontier)
	for i := range int(n) {
		f[author(i+1)] = held(0).Feed(author(i + 1)).Heads()
	}
	return crdt.DigestOf(f)
}

// An offer is answered by as little as will do: nothing but the word that both are the same, all heads of few
// authors, or the top of the trie.
func TestOffer(t *testing.T) {
	kinds := func(all iter.Seq[wire.Message]) (kinds []wire.Kind) {
		for m := range all {
			kinds = append(kinds, m.Kind())
		}
		return kinds
	}
	few, many := held(100).digest(), held(101).digest()
	for _, test := range []struct {
		name string
		d    crdt.Digest
		root crdt.Hash
		want wire.Kind
	}{
		{"the same", many, many.Root(), wire.KindSame},
		{"few", few, many.Root(), wire.KindVector},
		{"nothing", crdt.Digest{}, many.Root(), wire.KindVector},
		{"many", many, few.Root(), wire.KindNodes},
	} {
		got := kinds(answer.Offer(held(0), test.d, wire.Offer{Round: 1, Root: test.root}))
		if !slices.Equal(got, []wire.Kind{test.want}) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// A probe is answered where it asks: with the nodes of paths that many authors are under, then with the heads of
// the others; the last message, and no other, says that it is the last.
func TestProbe(t *testing.T) {
	d := held(40).digest()
	probes := []crdt.Probe{{Path: crdt.Path{}}, {Path: crdt.Path{}.Child(5), Heads: true}, {Path: crdt.Path{}.Child(0), Heads: true}}
	var nodes, authors int
	var last []bool
	for m := range answer.Probe(held(0), d, wire.Probe{Round: 7, Probes: probes}) {
		switch m := m.(type) {
		case wire.Nodes:
			nodes += len(m.Nodes)
			last = append(last, m.Last)
		case wire.Vector:
			authors += len(m.Heads)
			last = append(last, m.Last)
		}
	}
	if nodes != 1 || authors != 40 || !slices.Equal(last, []bool{false, false, true}) {
		t.Errorf("%d nodes, %d authors, last are %v", nodes, authors, last)
	}
}
