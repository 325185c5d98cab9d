package transport_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/quipulog/quipu/gossip/gossiptest"
	"github.com/quipulog/quipu/gossip/transport"
)

// Two nodes of one cluster, on a network in memory. Each knows who the other is.
func Example() {
	net := gossiptest.NewNetwork(1)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	node := func(name string, key byte) *transport.Transport {
		seed := make([]byte, ed25519.SeedSize)
		seed[0] = key
		t, err := transport.Listen(transport.Config{
			Key:     ed25519.NewKeyFromSeed(seed),
			Secret:  []byte("thirty-two bytes that all share."),
			Listen:  ":7946",
			Network: net.Host(name), // nil on a real machine
		})
		if err != nil {
			log.Fatal(err)
		}
		go t.Run(ctx)
		return t
	}
	ada, ben := node("ada", 1), node("ben", 2)

	go func() {
		conn, err := ada.Dial(ctx, "ben:7946", transport.Sync, ben.Self())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintf(conn, "hello")
		conn.Close()
	}()
	conn, err := ben.Accept(ctx, transport.Sync)
	if err != nil {
		log.Fatal(err)
	}
	words, err := io.ReadAll(conn)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ada said %s: %t\n", words, conn.Peer() == ada.Self())

	stranger := node("stranger", 3)
	_, err = ada.Dial(ctx, stranger.Addr().String(), transport.Sync, ben.Self())
	if wrong, ok := errors.AsType[*transport.WrongPeerError](err); ok {
		fmt.Printf("ben's address is answered by %s\n", wrong.Got.Short())
	}
	// Output:
	// ada said hello: true
	// ben's address is answered by dadbd184
}
