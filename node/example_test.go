package node_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"sync"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node"
)

// A program is a member of a cluster by holding a node. Here one program holds two, so that the second
// can show what the first one wrote.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	var nodes []*node.Node
	var running sync.WaitGroup
	secret := make([]byte, 32) // what both prove to each other; whoever has it can read and write the log
	rand.Read(secret)
	birth, cfg := node.Birth{Dir: dir + "/shop"}, node.Config{Dir: dir + "/shop", Listen: "127.0.0.1:0", Secret: secret}
	for range 2 {
		_, id, err := node.Init(birth)
		if err != nil {
			log.Fatal(err)
		}
		n, err := node.New(cfg)
		if err != nil {
			log.Fatal(err)
		}
		running.Go(func() {
			if err := n.Run(ctx); err != nil {
				log.Fatal(err)
			}
		})
		nodes = append(nodes, n)
		birth, cfg = node.Birth{Dir: dir + "/ship", Log: id}, node.Config{
			Dir: dir + "/ship", Listen: "127.0.0.1:0", Secret: secret, Join: []string{n.Addr().String()},
		}
	}

	shop, ship := nodes[0].Log(), nodes[1].Log()
	if _, err := shop.Append(ctx, crdt.Event{Kind: "order.paid", Subject: "order-17"}); err != nil {
		log.Fatal(err)
	}
	for e, err := range ship.Tail(ctx, eventlog.Query{Limit: 1}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("the ship reads:", e.Kind, e.Subject, "by the shop:", e.Author == shop.Author())
	}
	fmt.Println("equal frontiers:", ship.Root() == shop.Root())
	stop()
	running.Wait()
	// Output:
	// the ship reads: order.paid order-17 by the shop: true
	// equal frontiers: true
}
