package rebuild_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/rebuild"
)

// chain is a projection that forgets nothing: a hash over all entries in their order. Its result is in the bucket
// "result" under its name.
type chain struct {
	name  string
	state [40]byte // how many, and the hash

	loads, news, stores, finishes int
	applied                       []crdt.Place
	// apply and store, unless they are nil, are asked before.
	apply, store func(n uint64) error
	knows        uint64 // the versions that Load reads
}

func (c *chain) count() uint64 { return binary.BigEndian.Uint64(c.state[:]) }

func (c *chain) New(context.Context, rebuild.Range) error {
	c.news++
	c.state, c.applied = [40]byte{}, nil
	return nil
}

func (c *chain) Load(state *eventlog.ReadBucket, version uint64, _ rebuild.Range) error {
	if version != c.knows {
		return rebuild.ErrVersion
	}
	c.loads++
	c.applied = nil
	if copy(c.state[:], state.Get([]byte("chain"))) != len(c.state) {
		return errors.New("no state")
	}
	return nil
}

func (c *chain) Apply(e *crdt.Entry) error {
	if c.apply != nil {
		if err := c.apply(c.count()); err != nil {
			return err
		}
	}
	c.applied = append(c.applied, crdt.Place{Author: e.Author, Seq: e.Seq, Branch: e.Op.Branch()})
	c.state = link(c.state, e)
	return nil
}

// link returns the state behind e.
func link(state [40]byte, e *crdt.Entry) (next [40]byte) {
	sum := sha256.Sum256(e.AppendJSON(state[8:40:40], nil))
	binary.BigEndian.PutUint64(next[:], binary.BigEndian.Uint64(state[:])+1)
	copy(next[8:], sum[:])
	return next
}

func (c *chain) Store(_ *eventlog.Tx, state *eventlog.Bucket) error {
	c.stores++
	if c.store != nil {
		if err := c.store(c.count()); err != nil {
			return err
		}
	}
	return state.Put([]byte("chain"), c.state[:])
}

func (c *chain) Finish(tx *eventlog.Tx, _ *eventlog.Bucket) error {
	c.finishes++
	return tx.Bucket("result").Put([]byte(c.name), c.state[:])
}

// resultOf returns the result of a chain, nil where there is none.
func resultOf(t testing.TB, log *eventlog.Log, name string) (state []byte) {
	t.Helper()
	err := log.View(t.Context(), func(tx *eventlog.ReadTx) error {
		state = tx.Bucket("result").Get([]byte(name))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// fold returns what a chain makes of the whole log.
func fold(t testing.TB, log *eventlog.Log, order eventlog.Order) []byte {
	t.Helper()
	var state [40]byte
	for e, err := range log.Entries(t.Context(), eventlog.Query{Order: order}) {
		if err != nil {
			t.Fatal(err)
		}
		state = link(state, &e.Entry)
	}
	return state[:]
}

func run(t testing.TB, log *eventlog.Log, c *chain, cfg rebuild.Config) rebuild.Result {
	t.Helper()
	result, err := rebuild.Run(t.Context(), log, c.name, cfg, c)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func wantResult(t testing.TB, log *eventlog.Log, name string, want []byte) {
	t.Helper()
	if got := resultOf(t, log, name); !bytes.Equal(got, want) {
		t.Errorf("%s: result %x, want %x", name, got, want)
	}
}

// noHolds checks that nothing holds back trims, and nothing of a state is left.
func noHolds(t testing.TB, log *eventlog.Log) {
	t.Helper()
	all, err := log.Followers(t.Context())
	if err != nil || len(all) > 0 {
		t.Errorf("followers %+v, %v: expected none", all, err)
	}
}

// fill appends n entries to the log.
func fill(t testing.TB, log *eventlog.Log, n int) {
	t.Helper()
	events := make([]crdt.Event, n)
	for i := range events {
		events[i] = crdt.Event{Kind: fmt.Sprintf("kind-%d", i%7), Subject: fmt.Sprintf("subject-%d", i%31), Payload: fmt.Appendf(nil, "%d", i)}
	}
	if _, err := log.AppendBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

// weave makes the ops of some feeds that fork, for logs of one genesis.
type weave struct {
	genesis crdt.Genesis
	rng     *rand.Rand
	authors []string
	ops     map[string][]crdt.Op
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// op makes an op, one in four beside another.
func (w *weave) op(t testing.TB, key func(string) []byte) crdt.Op {
	t.Helper()
	author := w.authors[w.rng.IntN(len(w.authors))]
	ops := w.ops[author]
	h := crdt.Header{Log: w.genesis.Log(), Clock: crdt.ClockAt(epoch) + 1 + crdt.Clock(w.rng.IntN(4))}
	at := len(ops) - 1
	if w.rng.IntN(4) == 0 {
		at = w.rng.IntN(len(ops)+1) - 1
	}
	if at >= 0 {
		h.First, h.Prev, h.Clock = ops[at].Next(), ops[at].ID, ops[at].Clock+1+crdt.Clock(w.rng.IntN(3))
	}
	events := make([]crdt.Event, 1+w.rng.IntN(4))
	for i := range events {
		events[i] = crdt.Event{Kind: "k", Time: epoch, Payload: fmt.Appendf(nil, "%d", w.rng.Uint32())}
	}
	op, err := crdt.NewOp(key(author), h, epoch, events...)
	if err != nil {
		t.Fatal(err)
	}
	w.ops[author] = append(ops, op)
	return op
}

// take stores ops in a log, each after the one it names but otherwise shuffled.
func take(t testing.TB, log *eventlog.Log, rng *rand.Rand, ops []crdt.Op) {
	t.Helper()
	ops = append([]crdt.Op(nil), ops...)
	for len(ops) > 0 {
		at := -1
		for _, i := range rng.Perm(len(ops)) {
			feed := log.Feed(ops[i].Author)
			named := ops[i].First == 0
			for _, b := range feed.Branches {
				named = named || b.Head.Next >= ops[i].First
			}
			waits := false
			for _, o := range ops {
				waits = waits || o.ID == ops[i].Prev
			}
			if named && !waits {
				at = i
				break
			}
		}
		outcomes, err := log.Apply(t.Context(), []crdt.Run{{Ops: []crdt.Op{ops[at]}}})
		if err != nil || outcomes[0].Err != nil || outcomes[0].Ops != 1 {
			t.Fatalf("apply: %+v, %v", outcomes, err)
		}
		ops = append(ops[:at], ops[at+1:]...)
	}
}
