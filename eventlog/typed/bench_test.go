package typed_test

import (
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/typed"
)

func BenchmarkEvent(b *testing.B) {
	typ := define(b, paidDeclaration())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := typ.Event(paid{Order: "o-17", Cents: 1250, Currency: "EUR"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	typ := define(b, upgradedDeclaration())
	for _, c := range []struct {
		name string
		e    crdt.Event
	}{
		{"newest", crdt.Event{Headers: version("3"), Payload: []byte(`{"order":"o-17","cents":1250,"currency":"EUR"}`)}},
		{"two upgrades", crdt.Event{Subject: "o-17", Payload: []byte(`{"amount":12}`)}},
	} {
		c.e.Kind, c.e.Module = "order.paid", "shop/7"
		b.Run(c.name, func(b *testing.B) {
			e := entry(c.e)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := typ.Decode(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	set, err := typed.NewSet(typ, shippedType)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("of a set", func(b *testing.B) {
		e := entry(crdt.Event{Kind: "order.shipped", Module: "shop", Payload: []byte(`{"order":"o-17"}`)})
		b.ReportAllocs()
		for b.Loop() {
			if _, err := set.Decode(e); err != nil {
				b.Fatal(err)
			}
		}
	})
}
