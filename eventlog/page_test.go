package eventlog

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/pagetoken"
)

func TestPageTokensAreRefusedByName(t *testing.T) {
	c := newCords(t, 420, 2, 4)
	l := c.open()
	c.grow(l, 20)
	q := Query{Order: Causal, Limit: 5}
	_, next, err := l.Page(t.Context(), q)
	if err != nil || next == "" {
		t.Fatalf("first page: %v", err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(next)
	if err != nil {
		t.Fatal(err)
	}
	// change flips a bit of the token's byte at i: where its fields lie is shown in package pagetoken.
	change := func(i int) string {
		changed := append([]byte(nil), raw...)
		changed[i] ^= 1
		return base64.RawURLEncoding.EncodeToString(changed)
	}
	for _, test := range []struct {
		token  string
		change func(q *Query)
		reason string
	}{
		{token: "no token at all", reason: "token"},
		{token: next[:20], reason: "token"},
		{token: next + "AA", reason: "token"},
		{token: change(0), reason: "version"},
		{token: change(1), reason: "node"},
		{token: change(9), reason: "incarnation"},
		{token: change(25), reason: "query"},
		{token: change(41), reason: "bound"},
		{token: next, change: func(q *Query) { q.Order = Arrival }, reason: "query"},
		{token: next, change: func(q *Query) { q.Reverse = true }, reason: "query"},
		{token: next, change: func(q *Query) { q.Kinds = []string{"kind-1"} }, reason: "query"},
		{token: next, change: func(q *Query) { q.Modules = []string{"kind-1"} }, reason: "query"},
		{token: next, change: func(q *Query) { q.Subjects = []string{"kind-1"} }, reason: "query"},
		{token: next, change: func(q *Query) { q.Authors = []crdt.Author{l.Author()} }, reason: "query"},
		{token: next, change: func(q *Query) { q.Since = time.Unix(0, 0) }, reason: "query"},
		{token: next, change: func(q *Query) { q.Until = time.Unix(0, 0) }, reason: "query"},
	} {
		q := q
		if q.Page = test.token; test.change != nil {
			test.change(&q)
		}
		_, _, err := l.Page(t.Context(), q)
		refused, ok := errors.AsType[*PageError](err)
		if !ok || refused.Reason != test.reason {
			t.Errorf("token %.10s…, query %+v: %v, want the reason %q", test.token, q, err, test.reason)
		}
	}
	q.Page, q.Limit = next, 3 // the limit may change
	if _, _, err := l.Page(t.Context(), q); err != nil {
		t.Error(err)
	}
}

func TestPageTokenOfAnotherNode(t *testing.T) {
	c := newCords(t, 421, 2, 0)
	l := c.open()
	c.grow(l, 5)
	other, err := Create(t.TempDir(), Birth{Genesis: &c.genesis}, Config{Key: testKey("somebody else")})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, next, err := l.Page(t.Context(), Query{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = other.Page(t.Context(), Query{Limit: 1, Page: next})
	if refused, ok := errors.AsType[*PageError](err); !ok || refused.Reason != "node" {
		t.Errorf("another node says %v", err)
	}
}

func TestPageOfAnEmptyLogIsTheLast(t *testing.T) {
	l := newCords(t, 422, 1, 0).open()
	if entries, next, err := l.Page(t.Context(), Query{}); len(entries) != 0 || next != "" || err != nil {
		t.Errorf("%d entries, next %q, %v", len(entries), next, err)
	}
}

// FuzzPageToken shows that a stranger's token is read or refused, and never does harm.
func FuzzPageToken(f *testing.F) {
	c := newCords(f, 423, 2, 4)
	l := c.open()
	c.grow(l, 20)
	for _, order := range []Order{ByAuthor, Causal, Arrival} {
		_, next, err := l.Page(f.Context(), Query{Order: order, Limit: 5})
		if err != nil {
			f.Fatal(err)
		}
		raw, _ := base64.RawURLEncoding.DecodeString(next)
		f.Add(raw, uint8(order), false)
		f.Add(raw, uint8(order), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, order uint8, reverse bool) {
		q := Query{Order: Order(order % 3), Reverse: reverse, Page: base64.RawURLEncoding.EncodeToString(raw)}
		if len(raw) == binary.Size(pagetoken.Token{}) {
			hash := q.Hash() // else nearly all would be refused for their query
			copy(raw[25:], hash[:])
			q.Page = base64.RawURLEncoding.EncodeToString(raw)
		}
		n := 0
		for _, err := range l.Entries(t.Context(), q) {
			if _, refused := errors.AsType[*PageError](err); err != nil && !refused {
				t.Fatal(err)
			}
			n++
		}
		if n > len(c.applied) {
			t.Fatalf("%d entries of %d", n, len(c.applied))
		}
	})
}
