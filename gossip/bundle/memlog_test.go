package bundle_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
)

// genesis is that of the logs in these tests.
var genesis = crdt.Genesis{Random: [32]byte{1}}

// made is when the bundles of these tests are made.
var made = time.UnixMilli(1_700_000_000_123).UTC()

// memLog is a log in memory, made of crdt.Set and nothing else.
type memLog struct {
	set     *crdt.Set
	genesis *crdt.Genesis
	broken  crdt.Author // whose feed cannot be read
	applied int         // runs
	largest int         // bytes of one Apply
}

func newMemLog() *memLog {
	g := genesis
	return &memLog{set: crdt.NewSet(genesis.Log()), genesis: &g}
}

var (
	_ bundle.Source = (*memLog)(nil)
	_ bundle.Target = (*memLog)(nil)
)

func (l *memLog) ID() crdt.LogID      { return l.set.Log() }
func (l *memLog) Author() crdt.Author { return author(0) }

func (l *memLog) Genesis() (crdt.Genesis, bool) {
	if l.genesis == nil {
		return crdt.Genesis{}, false
	}
	return *l.genesis, true
}

func (l *memLog) SetGenesis(g crdt.Genesis) error {
	l.genesis = &g
	return nil
}

func (l *memLog) Frontier() crdt.Frontier { return l.set.Frontier() }

func (l *memLog) Feed(a crdt.Author) crdt.Feed {
	f, _ := l.set.Feed(a) // a set has no errors
	return f
}

func (l *memLog) Wants(_ context.Context, theirs crdt.Frontier, limit int) ([]crdt.Want, error) {
	return crdt.Wants(l.set, theirs, limit)
}

func (l *memLog) Plan(_ context.Context, w crdt.Want) ([]crdt.Segment, error) {
	return crdt.Plan(l.set, w)
}

func (l *memLog) Read(_ context.Context, seg *crdt.Segment, maxBytes int) (crdt.Run, error) {
	if seg.Author == l.broken {
		return crdt.Run{}, fmt.Errorf("a bad sector")
	}
	return l.set.Read(seg, maxBytes), nil
}

func (l *memLog) Apply(ctx context.Context, runs []crdt.Run) ([]crdt.Outcome, error) {
	outcomes := make([]crdt.Outcome, len(runs))
	size := 0
	for i, r := range runs {
		outcomes[i], _ = l.set.Apply(r)
		size += r.Size()
	}
	l.applied += len(runs)
	l.largest = max(l.largest, size)
	return outcomes, ctx.Err()
}

// key returns the private key of author n.
func key(n int) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(n + 1)}, ed25519.SeedSize))
}

func author(n int) crdt.Author { return crdt.AuthorOf(key(n)) }

// chain is an author's ops.
type chain []crdt.Op

// grow returns the chain with n ops more, of three entries each; tag makes the ops differ from those of
// another chain that parts here.
func (c chain) grow(t testing.TB, who, n int, tag string) chain {
	t.Helper()
	grown := append(chain{}, c...)
	for range n {
		h := crdt.Header{Log: genesis.Log(), Clock: 1}
		if len(grown) > 0 {
			last := grown[len(grown)-1]
			h.Log, h.First, h.Prev, h.Clock, h.Floor = last.Log, last.Next(), last.ID, last.Clock+1, last.Floor
		}
		grown = append(grown, newOp(t, who, h, tag))
	}
	return grown
}

// newOp returns an op of three entries.
func newOp(t testing.TB, who int, h crdt.Header, tag string) crdt.Op {
	t.Helper()
	var events []crdt.Event
	for i := range 3 {
		events = append(events, crdt.Event{Kind: "test", Payload: fmt.Appendf(nil, `{"tag":%q,"n":%d}`, tag, h.First+uint64(i))})
	}
	op, err := crdt.NewOp(key(who), h, time.Unix(1, 0), events...)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// give applies ops that must all be taken.
func (l *memLog) give(t testing.TB, run crdt.Run) {
	t.Helper()
	out, _ := l.set.Apply(run)
	if out.Err != nil || out.Decision == crdt.Pending {
		t.Fatalf("apply: %+v", out)
	}
}

// full returns a log of three honest authors and one that has forked twice.
func full(t testing.TB) *memLog {
	t.Helper()
	l := newMemLog()
	for who := range 3 {
		l.give(t, crdt.Run{Ops: chain{}.grow(t, who, 4+who, "a")})
	}
	trunk := chain{}.grow(t, 3, 5, "trunk")
	l.give(t, crdt.Run{Ops: trunk})
	l.give(t, crdt.Run{Ops: trunk[:2].grow(t, 3, 3, "left")[2:]})
	l.give(t, crdt.Run{Ops: trunk[:4].grow(t, 3, 1, "right")[4:]})
	return l
}

// entries returns the text of the whole log.
func (l *memLog) entries(t testing.TB) []string {
	t.Helper()
	var all []string
	for e, err := range l.set.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s/%d %s %v", e.Author.Short(), e.Seq, e.Payload, e.Disputed))
	}
	return all
}
