package typed_test

import (
	"errors"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/typed"
)

// paid is what the tests append. Versions 1 and 2 are what it was before: an amount as a number of the
// currency's units, then in cents; the order stood in the subject alone.
type paid struct {
	Order    string    `json:"order"`
	Cents    int64     `json:"cents"`
	Currency string    `json:"currency"`
	At       time.Time `json:"at,omitzero"`
}

type paidV1 struct {
	Amount int64 `json:"amount"`
}

type paidV2 struct {
	Cents int64 `json:"cents"`
}

func paidDeclaration() typed.Declaration[paid] {
	return typed.Declaration[paid]{
		Kind: "order.paid", Module: "shop",
		Subject: func(p paid) string { return p.Order },
		Time:    func(p paid) time.Time { return p.At },
		Check: func(p paid) error {
			if p.Order == "" {
				return errors.New("order is empty")
			}
			return nil
		},
	}
}

type shipped struct {
	Order string `json:"order"`
}

var shippedType = typed.MustDefine(typed.Declaration[shipped]{Kind: "order.shipped", Module: "shop", Retention: crdt.Trimmable})

func define[T any](t testing.TB, d typed.Declaration[T]) *typed.Type[T] {
	t.Helper()
	typ, err := typed.Define(d)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func in[T any](t testing.TB, typ *typed.Type[T], instance string) *typed.Type[T] {
	t.Helper()
	one, err := typ.In(instance)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// appendRaw appends events as anybody may.
func appendRaw(t *testing.T, l *eventlog.Log, events ...crdt.Event) {
	t.Helper()
	if _, err := l.AppendBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

// entries returns all entries of the log in author order.
func entries(t *testing.T, l *eventlog.Log) []eventlog.Entry {
	t.Helper()
	all, next, err := l.Page(t.Context(), eventlog.Query{})
	if err != nil || next != "" {
		t.Fatal(err, next)
	}
	return all
}

// entry returns an entry that somebody else may have appended.
func entry(e crdt.Event) eventlog.Entry {
	key := eventlogtest.Key("somebody")
	author := crdt.Author(key[32:])
	return eventlog.Entry{Entry: crdt.Entry{Event: e, Author: author, Seq: 7}}
}

func version(v string) []crdt.EventHeader {
	return []crdt.EventHeader{{Name: typed.VersionHeader, Value: v}}
}
