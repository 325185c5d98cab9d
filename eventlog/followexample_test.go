package eventlog_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// A follower keeps the stock of a shop. Its numbers, the alarms that it appends and its place in the
// log are one commit, so a sale counts once, whatever ends the process in between.
func ExampleLog_Follow() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
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
	for _, what := range []struct{ kind, subject string }{
		{"bought", "pen"}, {"bought", "pen"}, {"sold", "pen"}, {"opened", "shop"}, {"bought", "cup"}, {"sold", "pen"},
	} {
		if _, err := l.Append(ctx, crdt.Event{Kind: what.kind, Subject: what.subject}); err != nil {
			log.Fatal(err)
		}
	}

	stock := func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		shelf := tx.Bucket("stock")
		for _, e := range batch {
			n, _ := strconv.Atoi(string(shelf.Get([]byte(e.Subject))))
			if n++; e.Kind == "sold" {
				n -= 2
			}
			if err := shelf.Put([]byte(e.Subject), []byte(strconv.Itoa(n))); err != nil {
				return err
			}
			if n > 0 {
				continue
			}
			if _, err := tx.Append(crdt.Event{Kind: "sold out", Subject: e.Subject}); err != nil {
				return err
			}
		}
		for item, n := range shelf.Ascend(nil) {
			fmt.Printf("%s: %s\n", item, n)
		}
		cancel() // an example has an end
		return nil
	}
	err = l.Follow(ctx, "stock", eventlog.FollowConfig{Kinds: []string{"bought", "sold"}}, stock)
	fmt.Println(errors.Is(err, context.Canceled))

	status, err := l.Follower(context.Background(), "stock")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d handled, next is offset %d\n", status.Handled, status.Cursor)
	for e, err := range l.Entries(context.Background(), eventlog.Query{Kinds: []string{"sold out"}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %s, says follower %s\n", e.Subject, e.Kind, e.Header(eventlog.HeaderBy))
	}
	// Output:
	// cup: 1
	// pen: 0
	// true
	// 5 handled, next is offset 6
	// pen sold out, says follower stock
}
