package gossip_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
)

// memLog is a log in memory, made of crdt.Set and nothing else.
type memLog struct {
	id  crdt.LogID
	key ed25519.PrivateKey

	mu      sync.Mutex
	genesis *crdt.Genesis
	set     *crdt.Set
	changed chan struct{}
	next    uint64        // offset of the next entry
	slow    time.Duration // each Apply takes so long
	fail    error         // returned by Apply
	served  map[crdt.Author]int
}

var _ gossip.Log = (*memLog)(nil)

// Damaged returns nothing: what is in memory can be read.
func (l *memLog) Damaged(context.Context) ([]crdt.Span, error) { return nil, nil }

// DamagedFurther does nothing: there is nothing else either.
func (l *memLog) DamagedFurther([]crdt.Span) uint64 { return 0 }

// testGenesis is the genesis of the logs in these tests.
var testGenesis = crdt.Genesis{Random: [32]byte{1}}

// testKey returns the n-th test key.
func testKey(n int) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(n + 1)}, ed25519.SeedSize))
}

// seedKey returns the key of a seed.
func seedKey(seed [32]byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(seed[:]) }

func newMemLog(key ed25519.PrivateKey, g crdt.Genesis) *memLog {
	set := crdt.NewSet(g.Log())
	set.MayBeStripped = func(crdt.Header, uint64) bool { return false } // as young as all ops here are
	return &memLog{id: g.Log(), key: key, genesis: &g, set: set, changed: make(chan struct{}), served: make(map[crdt.Author]int)}
}

// append writes n entries as one op.
func (l *memLog) append(t testing.TB, n int) crdt.Op { return l.appendAfter(t, l.Feed(l.Author()), n) }

// appendBig writes one entry with a payload of size bytes that do not compress.
func (l *memLog) appendBig(t testing.TB, size int) crdt.Op {
	t.Helper()
	h := crdt.Header{Log: l.id, Clock: crdt.ClockAt(time.Now())}
	if f := l.Feed(l.Author()); !f.IsZero() {
		b := f.Branches[0]
		h.First, h.Prev, h.Clock = b.Head.Next, b.Head.ID, crdt.NextClock(time.Now(), b.Clock, 0)
	}
	payload := make([]byte, size)
	rand.NewChaCha8(sha256.Sum256(h.Prev[:])).Read(payload)
	op, err := crdt.NewOp(l.key, h, time.Now(), crdt.Event{Kind: "test", Time: time.Now(), ContentType: "application/octet-stream", Payload: payload})
	if err != nil {
		t.Fatal(err)
	}
	l.put(t, crdt.Run{Ops: []crdt.Op{op}})
	return op
}

// appendAfter writes n entries as one op after the first head of f.
func (l *memLog) appendAfter(t testing.TB, f crdt.Feed, n int) crdt.Op {
	t.Helper()
	h := crdt.Header{Log: l.id, Clock: crdt.ClockAt(time.Now())}
	if !f.IsZero() {
		b := f.Branches[0]
		h.First, h.Prev, h.Clock = b.Head.Next, b.Head.ID, crdt.NextClock(time.Now(), b.Clock, 0)
	}
	events := make([]crdt.Event, n)
	for i := range events {
		events[i] = crdt.Event{Kind: "test", Time: time.Now(), Payload: fmt.Appendf(nil, `{"n":%d}`, h.First+uint64(i))}
	}
	op, err := crdt.NewOp(l.key, h, time.Now(), events...)
	if err != nil {
		t.Fatal(err)
	}
	l.put(t, crdt.Run{Ops: []crdt.Op{op}})
	return op
}

// put applies a run that must be accepted whole.
func (l *memLog) put(t testing.TB, run crdt.Run) {
	t.Helper()
	out, err := l.Apply(t.Context(), []crdt.Run{run})
	if err != nil || out[0].Err != nil {
		t.Fatalf("apply: %v, %v", err, out)
	}
}

func (l *memLog) ID() crdt.LogID      { return l.id }
func (l *memLog) Author() crdt.Author { return crdt.AuthorOf(l.key) }

func (l *memLog) Genesis() (crdt.Genesis, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.genesis == nil {
		return crdt.Genesis{}, false
	}
	return *l.genesis, true
}

func (l *memLog) SetGenesis(g crdt.Genesis) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.genesis = &g
	return nil
}

func (l *memLog) Frontier() crdt.Frontier {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.set.Frontier()
}

func (l *memLog) Root() crdt.Hash {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.set.Digest().Root()
}

func (l *memLog) Digest() crdt.Digest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.set.Digest()
}

func (l *memLog) Feed(a crdt.Author) crdt.Feed {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, _ := l.set.Feed(a)
	return f.Clone()
}

func (l *memLog) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

func (l *memLog) Shut() []crdt.Author {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.set.Shut()
}

func (l *memLog) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (l *memLog) Wants(_ context.Context, theirs crdt.Frontier, limit int) ([]crdt.Want, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return crdt.Wants(l.set, theirs, limit)
}

func (l *memLog) Plan(_ context.Context, want crdt.Want) ([]crdt.Segment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return crdt.Plan(l.set, want)
}

func (l *memLog) PlanSpan(_ context.Context, span crdt.Span) (crdt.Segment, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return crdt.PlanSpan(l.set, span)
}

func (l *memLog) Read(_ context.Context, seg *crdt.Segment, maxBytes int) (crdt.Run, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	run := l.set.Read(seg, maxBytes)
	l.served[seg.Author] += len(run.Ops)
	return run, nil
}

func (l *memLog) Apply(ctx context.Context, runs []crdt.Run) ([]crdt.Outcome, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.slow > 0 {
		l.mu.Unlock()
		time.Sleep(l.slow)
		l.mu.Lock()
	}
	if l.fail != nil {
		return nil, l.fail
	}
	outcomes := make([]crdt.Outcome, len(runs))
	added := false
	for i, r := range runs {
		var err error
		if outcomes[i], err = l.set.Apply(r); err != nil {
			return nil, err
		}
		added = added || outcomes[i].Ops > 0
		l.next += uint64(outcomes[i].Entries)
	}
	if added {
		close(l.changed)
		l.changed = make(chan struct{})
	}
	return outcomes, ctx.Err()
}

// serves returns how many ops of an author's feed were read for peers.
func (l *memLog) serves(a crdt.Author) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.served[a]
}

// entries returns the text of the whole log.
func (l *memLog) entries(t testing.TB) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for e, err := range l.set.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s/%d %s %v", e.Author.Short(), e.Seq, e.Payload, e.Disputed))
	}
	return all
}
