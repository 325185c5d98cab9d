package eventlog_test

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// noon is when the ops of these tests are written.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stranger writes ops by hand.
type stranger struct {
	t   testing.TB
	key ed25519.PrivateKey
	log crdt.LogID
	now time.Time
}

func newStranger(t testing.TB, seed string) *stranger {
	return &stranger{t: t, key: eventlogtest.Key(seed), log: eventlogtest.Genesis(t).Log(), now: noon}
}

func (s *stranger) author() crdt.Author { return crdt.AuthorOf(s.key) }

// op returns an op after prev, the zero Op for none, with an entry for each text.
func (s *stranger) op(prev crdt.Op, texts ...string) crdt.Op {
	s.t.Helper()
	h := crdt.Header{Log: s.log, Clock: crdt.NextClock(s.now, prev.Clock, 0), Floor: prev.Floor}
	if prev.Count > 0 {
		h.First, h.Prev = prev.Next(), prev.ID
	}
	return s.seal(h, texts...)
}

func (s *stranger) seal(h crdt.Header, texts ...string) crdt.Op {
	s.t.Helper()
	var events []crdt.Event
	for _, text := range texts {
		events = append(events, note(text))
	}
	op, err := crdt.NewOp(s.key, h, s.now, events...)
	if err != nil {
		s.t.Fatal(err)
	}
	return op
}

// chain returns n ops of one entry each after prev.
func (s *stranger) chain(prev crdt.Op, n int, text string) []crdt.Op {
	s.t.Helper()
	var ops []crdt.Op
	for i := range n {
		prev = s.op(prev, fmt.Sprint(text, i))
		ops = append(ops, prev)
	}
	return ops
}

// breakSignature returns op with a signature that does not verify.
func breakSignature(t testing.TB, op crdt.Op) crdt.Op {
	t.Helper()
	b := slices.Clone(op.Bytes())
	b[len(op.Signed.Bytes())-1] ^= 1
	broken, err := crdt.ParseOp(b)
	if err != nil {
		t.Fatal(err)
	}
	return broken
}

// readAll returns a's feed as one run.
func readAll(t testing.TB, l *eventlog.Log, a crdt.Author) crdt.Run {
	t.Helper()
	segments, err := l.Plan(t.Context(), crdt.Want{Author: a})
	if err != nil || len(segments) != 1 {
		t.Fatalf("plan: %v, %v", segments, err)
	}
	run, err := l.Read(t.Context(), &segments[0], 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return run
}
