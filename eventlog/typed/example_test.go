package typed_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/typed"
)

// open makes a log for an example, and returns what removes it.
func open() (*eventlog.Log, func()) {
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: new(crdt.Genesis)}, eventlog.Config{Key: eventlogtest.Key("shop")})
	if err != nil {
		log.Fatal(err)
	}
	return l, func() {
		l.Close()
		os.RemoveAll(dir)
	}
}

// OrderPaid is an event of the shop.
type OrderPaid struct {
	Order string `json:"order"`
	Cents int64  `json:"cents"`
}

// Paid is how OrderPaid stands in a log.
var Paid = typed.MustDefine(typed.Declaration[OrderPaid]{
	Kind: "order.paid", Module: "shop",
	Subject: func(p OrderPaid) string { return p.Order },
})

// A type is defined once. It appends values, and reads them back.
func Example() {
	ctx := context.Background()
	l, remove := open()
	defer remove()

	place, err := Paid.Append(ctx, l, OrderPaid{Order: "o-17", Cents: 1250})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("appended as entry", place.Seq)
	berlin, err := Paid.In("berlin") // an instance of the module
	if err != nil {
		log.Fatal(err)
	}
	if _, err := berlin.Append(ctx, l, OrderPaid{Order: "o-18", Cents: 300}); err != nil {
		log.Fatal(err)
	}

	for e, err := range Paid.Read(ctx, l, eventlog.Query{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %s: %d cents, %s\n", e.Module, e.Subject, e.Value.Cents, e.Payload)
	}
	// Output:
	// appended as entry 0
	// shop o-17: 1250 cents, {"order":"o-17","cents":1250}
	// shop/berlin o-18: 300 cents, {"order":"o-18","cents":300}
}

// Names were one text once, then two. Entries of before are upgraded as they are read.
func ExampleUpgradeValue() {
	ctx := context.Background()
	l, remove := open()
	defer remove()

	type JoinedV1 struct{ Name string }
	type Joined struct{ First, Last string }

	v1 := typed.MustDefine(typed.Declaration[JoinedV1]{Kind: "member.joined"})
	if _, err := v1.Append(ctx, l, JoinedV1{Name: "Ada Lovelace"}); err != nil {
		log.Fatal(err)
	}

	v2 := typed.MustDefine(typed.Declaration[Joined]{
		Kind: "member.joined",
		Upgrades: []typed.Upgrade{typed.UpgradeValue(1, func(old JoinedV1) (Joined, error) {
			first, last, found := strings.Cut(old.Name, " ")
			if !found {
				return Joined{}, fmt.Errorf("name %q: expected two words", old.Name)
			}
			return Joined{First: first, Last: last}, nil
		})},
	})
	if _, err := v2.Append(ctx, l, Joined{First: "Grace", Last: "Hopper"}); err != nil {
		log.Fatal(err)
	}
	for e, err := range v2.Read(ctx, l, eventlog.Query{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("version %d %s: %s, %s\n", e.Version, e.Payload, e.Value.Last, e.Value.First)
	}
	for _, err := range v1.Read(ctx, l, eventlog.Query{Reverse: true, Limit: 1}) {
		_, reason, _ := strings.Cut(err.Error(), ": ")
		fmt.Println("a program of before:", reason)
	}
	// Output:
	// version 1 {"Name":"Ada Lovelace"}: Lovelace, Ada
	// version 2 {"First":"Grace","Last":"Hopper"}: Hopper, Grace
	// a program of before: payload version 2 is newer than this program knows: expected 1 to 1
}

// An event and the keys that depend on it commit together.
func ExampleType_AppendTx() {
	ctx := context.Background()
	l, remove := open()
	defer remove()

	pay := func(p OrderPaid) error {
		return l.Update(ctx, func(tx *eventlog.Tx) error {
			paid := tx.Bucket("paid")
			if paid.Get([]byte(p.Order)) != nil {
				return fmt.Errorf("order %s was paid already", p.Order)
			}
			place, err := Paid.AppendTx(tx, p)
			if err != nil {
				return err
			}
			return paid.Put([]byte(p.Order), []byte(place.String()))
		})
	}
	fmt.Println(pay(OrderPaid{Order: "o-17", Cents: 1250}))
	fmt.Println(pay(OrderPaid{Order: "o-17", Cents: 1250}))
	// Output:
	// <nil>
	// order o-17 was paid already
}

// A router hands entries to functions by their types. This one could be the function of a follower.
func ExampleRouter() {
	ctx := context.Background()
	l, remove := open()
	defer remove()

	type Refunded struct{ Order string }
	refunds := typed.MustDefine(typed.Declaration[Refunded]{Kind: "order.refunded", Module: "shop"})
	for _, err := range []error{
		errOf(Paid.Append(ctx, l, OrderPaid{Order: "o-17", Cents: 1250})),
		errOf(l.Append(ctx, crdt.Event{Kind: "door.opened"})),
		errOf(refunds.Append(ctx, l, Refunded{Order: "o-17"})),
	} {
		if err != nil {
			log.Fatal(err)
		}
	}

	router, err := typed.NewRouter(typed.RouterConfig[*eventlog.Tx]{},
		typed.Handle(Paid, func(tx *eventlog.Tx, e typed.Entry[OrderPaid]) error {
			return tx.Bucket("balance").Put([]byte(e.Value.Order), fmt.Append(nil, e.Value.Cents))
		}),
		typed.Handle(refunds, func(tx *eventlog.Tx, e typed.Entry[Refunded]) error {
			fmt.Printf("%s had %s cents\n", e.Value.Order, tx.Bucket("balance").Get([]byte(e.Value.Order)))
			return tx.Bucket("balance").Delete([]byte(e.Value.Order))
		}))
	if err != nil {
		log.Fatal(err)
	}
	batch, _, err := l.Page(ctx, eventlog.Query{Order: eventlog.Arrival})
	if err != nil {
		log.Fatal(err)
	}
	if err := l.Update(ctx, func(tx *eventlog.Tx) error { return router.Route(tx, batch) }); err != nil {
		log.Fatal(err)
	}
	fmt.Println("skipped:", router.Skipped().Kinds)
	// Output:
	// o-17 had 1250 cents
	// skipped: map[door.opened:1]
}

func errOf(_ crdt.Place, err error) error { return err }
