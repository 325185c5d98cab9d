package typed_test

import (
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

func TestASetDecodesEachEntryToItsType(t *testing.T) {
	l := eventlogtest.Open(t)
	all := define(t, paidDeclaration())
	older := define(t, typed.Declaration[paidV2]{Kind: "payment", Module: "shop"})
	seven := in(t, define(t, typed.Declaration[paidV2]{Kind: "order.paid", Module: "shop"}), "7")
	set, err := typed.NewSet(all, shippedType, older, seven)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"order.paid", "order.shipped", "payment"}, set.Kinds()); diff != "" {
		t.Error(diff)
	}
	payload := []byte(`{"order":"o-1","cents":2}`)
	appendRaw(t, l,
		crdt.Event{Kind: "order.paid", Module: "shop", Payload: payload},
		crdt.Event{Kind: "order.paid", Module: "bank", Payload: payload},
		crdt.Event{Kind: "order.paid", Module: "shop/7", Payload: payload},
		crdt.Event{Kind: "order.paid", Module: "shop/8", Payload: payload},
		crdt.Event{Kind: "unheard.of", Module: "shop", Payload: payload},
		crdt.Event{Kind: "order.shipped", Module: "shop", Payload: []byte("null")},
		crdt.Event{Kind: "payment", Module: "shop", Payload: payload},
		crdt.Event{Kind: "order.shipped", Module: "shop", Payload: payload})
	want := []string{"paid shop", "paidV2 shop/7", "paid shop/8", "error at 5", "paidV2 shop", "shipped shop"}
	read := func(q eventlog.Query) (got []string) {
		t.Helper()
		for e, err := range set.Read(t.Context(), l, q) {
			if _, ok := errors.AsType[*typed.DecodeError](err); !ok && err != nil {
				t.Fatal(err)
			}
			switch e.Value.(type) {
			case paid:
				got = append(got, "paid "+e.Module)
			case paidV2:
				got = append(got, "paidV2 "+e.Module)
			case shipped:
				got = append(got, "shipped "+e.Module)
			default:
				got = append(got, fmt.Sprint("error at ", e.Seq))
			}
		}
		return got
	}
	if diff := cmp.Diff(want, read(eventlog.Query{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[:3], read(eventlog.Query{Limit: 3})); diff != "" {
		t.Error(diff)
	}
	n := 0
	for _, err := range set.Tail(t.Context(), l, eventlog.Query{Limit: len(want)}) {
		if err == nil {
			n++
		}
	}
	if n != len(want)-1 {
		t.Errorf("a tail decoded %d", n)
	}
}

func TestEntriesOfUnknownKindsAreNamedAndReadableRaw(t *testing.T) {
	set, err := typed.NewSet(define(t, paidDeclaration()), shippedType)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []eventlog.Entry{
		entry(crdt.Event{Kind: "unheard.of", Module: "shop", ContentType: "text/plain", Payload: []byte("x")}),
		entry(crdt.Event{Kind: "order.paid", Module: "bank"}),
		entry(crdt.Event{Kind: "order.paid", Module: "shop/"}),
		entry(crdt.Event{Kind: "order.paid"}),
	} {
		got, err := set.Decode(e)
		unknown, ok := errors.AsType[*typed.UnknownError](err)
		if !ok {
			t.Fatal(err)
		}
		want := &typed.UnknownError{Place: e.Place(), Kind: e.Kind, Module: e.Module}
		if diff := cmp.Diff(want, unknown); diff != "" || got.Value != nil || !strings.Contains(err.Error(), e.Place().String()) {
			t.Error(got.Value, diff)
		}
		if diff := cmp.Diff(e, got.Entry); diff != "" {
			t.Error(diff)
		}
	}
}

func TestASetHasEachKindOfAModuleOnce(t *testing.T) {
	all := define(t, paidDeclaration())
	if _, err := typed.NewSet(all, shippedType, all); err == nil {
		t.Error("one type twice is taken")
	}
	if _, err := typed.NewSet(all, in(t, all, "7"), in(t, all, "8")); err != nil {
		t.Errorf("a type and two of its instances: %v", err)
	}
	l := eventlogtest.Open(t)
	appendRaw(t, l, crdt.Event{Kind: "k"})
	none, err := typed.NewSet()
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range none.Read(t.Context(), l, eventlog.Query{}) {
		t.Errorf("a set of no types read %s, %v", e.Place(), err)
	}
}
