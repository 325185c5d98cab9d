package gossiptest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/quipulog/quipu/gossip/gossiptest"
)

// Two hosts, a stream between them, and a partition that it outlives.
func Example() {
	network := gossiptest.NewNetwork(1)
	a, b := network.Host("a"), network.Host("b")
	listener, err := b.Listen(":7946")
	if err != nil {
		log.Fatal(err)
	}
	near, err := a.Dial(context.Background(), "b:7946")
	if err != nil {
		log.Fatal(err)
	}
	far, err := listener.Accept()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(near.RemoteAddr(), "was dialled by", far.RemoteAddr())

	network.Partition([]string{"a"}, []string{"b"})
	fmt.Fprint(near, "hello") // is under way, and stays so
	network.Heal()

	text := make([]byte, 5)
	if _, err := far.Read(text); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %+v\n", text, network.Traffic("a", "b"))
	// Output:
	// 10.0.0.2:7946 was dialled by 10.0.0.1:40000
	// hello: {Packets:0 PacketBytes:0 Lost:0 StreamBytes:5 Dials:1}
}
