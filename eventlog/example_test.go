package eventlog_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Two nodes write without asking each other, exchange what they lack, and read one log.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	birth := eventlog.Birth{Genesis: new(crdt.Genesis)} // a real one has random bytes

	var logs []*eventlog.Log
	for _, name := range []string{"shop", "ship"} {
		seed := sha256.Sum256([]byte(name))
		l, err := eventlog.Create(dir+"/"+name, birth, eventlog.Config{Key: ed25519.NewKeyFromSeed(seed[:])})
		if err != nil {
			log.Fatal(err)
		}
		defer l.Close()
		for _, what := range []string{"opened", "closed"} {
			place, err := l.Append(ctx, crdt.Event{Kind: what, Subject: name})
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%s %s at %s/%d\n", name, what, place.Author.Short(), place.Seq)
		}
		logs = append(logs, l)
	}

	// What gossip does over the network, in one direction.
	wants, err := logs[0].Wants(ctx, logs[1].Frontier(), 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, want := range wants {
		segments, err := logs[1].Plan(ctx, want)
		if err != nil {
			log.Fatal(err)
		}
		for _, segment := range segments {
			run, err := logs[1].Read(ctx, &segment, crdt.MaxBatch)
			if err != nil {
				log.Fatal(err)
			}
			if _, err := logs[0].Apply(ctx, []crdt.Run{run}); err != nil {
				log.Fatal(err)
			}
		}
	}

	fmt.Println("the shop's log:")
	for e, err := range logs[0].Entries(ctx, eventlog.Query{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s/%d %s %s\n", e.Author.Short(), e.Seq, e.Subject, e.Kind)
	}
	// Output:
	// shop opened at b96aec67/0
	// shop closed at b96aec67/1
	// ship opened at 7adebb6e/0
	// ship closed at 7adebb6e/1
	// the shop's log:
	// 7adebb6e/0 ship opened
	// 7adebb6e/1 ship closed
	// b96aec67/0 shop opened
	// b96aec67/1 shop closed
}

// An Update appends in the same transaction as keys of the caller's own.
func ExampleLog_Update() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	seed := sha256.Sum256([]byte("till"))
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: new(crdt.Genesis)}, eventlog.Config{Key: ed25519.NewKeyFromSeed(seed[:])})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	sell := func(receipt string) error {
		return l.Update(ctx, func(tx *eventlog.Tx) error {
			sold := tx.Bucket("till")
			if old := sold.Get([]byte(receipt)); old != nil {
				return fmt.Errorf("receipt %s was sold already, at %s", receipt, old)
			}
			place, err := tx.Append(crdt.Event{Kind: "sold", Subject: receipt})
			if err != nil {
				return err
			}
			return sold.Put([]byte(receipt), fmt.Appendf(nil, "seq %d", place.Seq))
		})
	}
	fmt.Println(sell("r-1"))
	fmt.Println(sell("r-1"))
	// Output:
	// <nil>
	// receipt r-1 was sold already, at seq 0
}

// A projection is read as of one moment, in a transaction that keeps no writer waiting. The same
// function reads it inside an Update.
func ExampleLog_View() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	seed := sha256.Sum256([]byte("till"))
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: new(crdt.Genesis)}, eventlog.Config{Key: ed25519.NewKeyFromSeed(seed[:])})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	left := func(tx eventlog.Reader, item string) int {
		n, _ := strconv.Atoi(string(tx.Reading().Bucket("stock").Get([]byte(item))))
		return n
	}
	change := func(item string, by int) error {
		return l.Update(ctx, func(tx *eventlog.Tx) error {
			n := left(tx, item) + by
			if n < 0 {
				return fmt.Errorf("%s is sold out", item)
			}
			if _, err := tx.Append(crdt.Event{Kind: "stock", Subject: item, Payload: fmt.Append(nil, by)}); err != nil {
				return err
			}
			return tx.Bucket("stock").Put([]byte(item), fmt.Append(nil, n))
		})
	}
	fmt.Println(change("pen", 2), change("cup", 1), change("cup", -1), change("cup", -1))

	err = l.View(ctx, func(tx *eventlog.ReadTx) error {
		fmt.Println("pens:", left(tx, "pen"), "cups:", left(tx, "cup"))
		for item := range tx.Bucket("stock").Ascend([]byte("d")) {
			fmt.Printf("from d on: %s\n", item)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// <nil> <nil> <nil> cup is sold out
	// pens: 2 cups: 0
	// from d on: pen
}

// An event that is sent again, since nobody knows whether it was appended, is appended once.
func ExampleLog_AppendOnce() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: new(crdt.Genesis)}, eventlog.Config{Key: ed25519.NewKeyFromSeed(make([]byte, 32))})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	refund := func(order string) {
		told, err := l.AppendOnce(ctx, []crdt.Event{{
			Kind: "order.refunded", Subject: order, Headers: []crdt.EventHeader{{Name: eventlog.HeaderID, Value: "refund-17"}},
		}})
		if err != nil {
			fmt.Println(order, "is refused")
			return
		}
		fmt.Println(order, "is at seq", told[0].Seq, "known:", told[0].Known)
	}
	refund("order-17")
	refund("order-17")
	refund("order-18")
	// Output:
	// order-17 is at seq 0 known: false
	// order-17 is at seq 0 known: true
	// order-18 is refused
}
