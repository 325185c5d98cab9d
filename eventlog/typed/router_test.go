package typed_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/typed"
)

func newRouter[X any](t *testing.T, cfg typed.RouterConfig[X], handlers ...typed.Handler[X]) *typed.Router[X] {
	t.Helper()
	r, err := typed.NewRouter(cfg, handlers...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mixed is a batch with an entry of each sort that a router tells apart.
func mixed() []eventlog.Entry {
	return []eventlog.Entry{
		entry(crdt.Event{Kind: "order.paid", Module: "shop/7", Payload: []byte(`{"order":"o-1"}`)}),
		entry(crdt.Event{Kind: "unheard.of"}),
		entry(crdt.Event{Kind: "order.shipped", Module: "shop", Payload: []byte(`{"order":"o-1"}`)}),
		entry(crdt.Event{Kind: "order.paid", Module: "bank", Payload: []byte(`{"order":"o-1"}`)}),
		entry(crdt.Event{Kind: "order.shipped", Module: "shop", Payload: []byte(`null`)}),
	}
}

func TestARouterHandsEachEntryToTheFunctionForItsType(t *testing.T) {
	var got []string
	note := func(ctx context.Context, format string, args ...any) error {
		if ctx != t.Context() {
			t.Error("another context")
		}
		got = append(got, fmt.Sprintf(format, args...))
		return nil
	}
	all := define(t, paidDeclaration())
	handlers := []typed.Handler[context.Context]{
		typed.Handle(all, func(ctx context.Context, e typed.Entry[paid]) error {
			return note(ctx, "paid %s in %q", e.Value.Order, e.Instance)
		}),
		typed.Handle(shippedType, func(ctx context.Context, e typed.Entry[shipped]) error {
			return note(ctx, "shipped %s", e.Value.Order)
		}),
	}
	r := newRouter(t, typed.RouterConfig[context.Context]{
		Unknown: func(ctx context.Context, e eventlog.Entry) error {
			return note(ctx, "unknown %s of %q", e.Kind, e.Module)
		},
		Unreadable: func(ctx context.Context, e eventlog.Entry, err error) error {
			_, bad := errors.AsType[*typed.DecodeError](err)
			return note(ctx, "unreadable %s: %t", e.Payload, bad)
		},
	}, handlers...)
	if err := r.Route(t.Context(), mixed()); err != nil {
		t.Fatal(err)
	}
	want := []string{`paid o-1 in "7"`, `unknown unheard.of of ""`, "shipped o-1", `unknown order.paid of "bank"`, "unreadable null: true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"order.paid", "order.shipped"}, r.Kinds()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(typed.Skipped{}, r.Skipped()); diff != "" {
		t.Error(diff)
	}
	if _, err := typed.NewRouter(typed.RouterConfig[context.Context]{}, handlers[0], handlers[0]); err == nil {
		t.Error("two functions for one type are taken")
	}
}

func TestWithoutFallbacksUnknownEntriesAreCountedAndUnreadableOnesStop(t *testing.T) {
	handled := 0
	r := newRouter(t, typed.RouterConfig[context.Context]{}, typed.Handle(shippedType,
		func(context.Context, typed.Entry[shipped]) error { handled++; return nil }))
	err := r.Route(t.Context(), append(mixed(), mixed()...))
	if bad, ok := errors.AsType[*typed.DecodeError](err); !ok || bad.Kind != "order.shipped" {
		t.Error(err)
	}
	want := typed.Skipped{Entries: 3, Kinds: map[string]uint64{"order.paid": 2, "unheard.of": 1}}
	if diff := cmp.Diff(want, r.Skipped()); diff != "" || handled != 1 {
		t.Error(handled, diff)
	}
}

func TestKindsThatAreSkippedAreBounded(t *testing.T) {
	r := newRouter[context.Context](t, typed.RouterConfig[context.Context]{})
	for i := range 300 {
		batch := []eventlog.Entry{entry(crdt.Event{Kind: fmt.Sprint("kind ", i)}), entry(crdt.Event{Kind: "kind 0"})}
		if err := r.Route(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	s := r.Skipped()
	if err := r.Route(t.Context(), []eventlog.Entry{entry(crdt.Event{Kind: "kind 0"})}); err != nil {
		t.Fatal(err)
	}
	if s.Entries != 600 || len(s.Kinds) != 100 || s.Kinds["kind 0"] != 301 {
		t.Errorf("%d entries, %d kinds, %d of the first", s.Entries, len(s.Kinds), s.Kinds["kind 0"])
	}
}

func TestTheErrorOfAFunctionNamesTheEntryAndStops(t *testing.T) {
	stop := errors.New("stop")
	calls := 0
	r := newRouter(t, typed.RouterConfig[context.Context]{}, typed.Handle(shippedType,
		func(context.Context, typed.Entry[shipped]) error { calls++; return stop }))
	err := r.Route(t.Context(), mixed())
	if !errors.Is(err, stop) || !strings.Contains(err.Error(), mixed()[2].Place().String()) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// A router of *eventlog.Tx is the function of a follower: what it does to keys, what it appends and
// the cursor stand or fall together.
func TestARouterIsTheFunctionOfAFollower(t *testing.T) {
	l := eventlogtest.Open(t)
	typ := define(t, paidDeclaration())
	for _, order := range []string{"o-1", "o-2", "bad", "o-3"} {
		if _, err := typ.Append(t.Context(), l, paid{Order: order}); err != nil {
			t.Fatal(err)
		}
	}
	refuses := true
	refused := errors.New("refused")
	r := newRouter(t, typed.RouterConfig[*eventlog.Tx]{}, typed.Handle(typ, func(tx *eventlog.Tx, e typed.Entry[paid]) error {
		if e.Value.Order == "bad" && refuses {
			return refused
		}
		if _, err := shippedType.AppendTx(tx, shipped{e.Value.Order}); err != nil {
			return err
		}
		return tx.Bucket("ledger").Put([]byte(e.Value.Order), []byte("shipped"))
	}))
	if err := follow(t.Context(), l, "ledger", r.Route); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	if n := len(entries(t, l)); n != 4 {
		t.Fatalf("%d entries after a batch that failed", n)
	}
	refuses = false
	if err := follow(t.Context(), l, "ledger", r.Route); err != nil {
		t.Fatal(err)
	}
	var got []string
	for e, err := range shippedType.Read(t.Context(), l, eventlog.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Value.Order)
	}
	if diff := cmp.Diff([]string{"o-1", "o-2", "bad", "o-3"}, got); diff != "" {
		t.Error(diff)
	}
}

// follow hands what has arrived since the cursor to a follower's function, as one batch.
func follow(ctx context.Context, l *eventlog.Log, name string, handler func(tx *eventlog.Tx, batch []eventlog.Entry) error) error {
	return l.Update(ctx, func(tx *eventlog.Tx) error {
		from, _ := tx.Cursor(name)
		var batch []eventlog.Entry
		for e, err := range tx.Arrivals(from) {
			if err != nil {
				return err
			}
			batch = append(batch, e)
		}
		if err := handler(tx, batch); err != nil {
			return err
		}
		return tx.SetCursor(name, tx.Next())
	})
}
