package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/bridge"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
	"github.com/quipulog/quipu/eventlog/transition"
)

// exampleLog returns a log and what closes and removes it.
func exampleLog() (l *eventlog.Log, remove func()) {
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	l, err = eventlog.Create(dir, eventlog.Birth{Genesis: new(crdt.Genesis)}, eventlog.Config{Key: eventlogtest.Key("till")})
	if err != nil {
		log.Fatal(err)
	}
	return l, func() {
		_ = l.Close()
		_ = os.RemoveAll(dir)
	}
}

// A till that must never wait sells faster than the disk takes it; the log says what is missing.
func Example() {
	ctx := context.Background()
	l, remove := exampleLog()
	defer remove()

	type sale struct{ receipt, cents int }
	sales, err := bridge.New(ctx, l, bridge.Config[sale]{
		Name: "till",
		Encode: func(s sale) (crdt.Event, error) {
			return crdt.Event{Kind: "sold", Subject: fmt.Sprint("r-", s.receipt), Payload: fmt.Appendf(nil, `{"cents":%d}`, s.cents)}, nil
		},
		Overflow:  bridge.Drop,
		MaxQueued: 2,
	})
	if err != nil {
		log.Fatal(err)
	}
	for receipt := 1; receipt <= 4; receipt++ {
		if err := sales.Publish(ctx, sale{receipt, 250}); err != nil {
			fmt.Println("till:", err)
		}
	}

	var running sync.WaitGroup
	running.Go(func() {
		if err := sales.Run(ctx); err != nil {
			log.Print(err)
		}
	})
	if err := sales.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	place, err := sales.Record(ctx, sale{5, 250})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("r-5 is durable, seq", place.Seq)
	if err := sales.Close(ctx); err != nil {
		log.Fatal(err)
	}
	running.Wait()

	for e, err := range l.Entries(ctx, eventlog.Query{}) {
		if err != nil {
			log.Fatal(err)
		}
		if e.Kind != gap.Kind {
			fmt.Println(e.Kind, e.Subject)
			continue
		}
		g, err := gap.Parse(e)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(g.String(), g.Kinds)
	}
	// Output:
	// till: queue is full: the event with number 3 is dropped, a gap will name it
	// till: queue is full: the event with number 4 is dropped, a gap will name it
	// r-5 is durable, seq 3
	// sold r-1
	// sold r-2
	// till lost 2, 3 to 4: queue full [{sold 2}]
	// sold r-5
}

// A program broadcasts what its orders go through; a subscriber records every move.
func ExampleNewTransitions() {
	ctx := context.Background()
	l, remove := exampleLog()
	defer remove()
	moves, err := bridge.NewTransitions(ctx, l, bridge.Config[transition.Move]{Name: "orders"})
	if err != nil {
		log.Fatal(err)
	}
	broadcast := make(chan transition.Move, 3)
	broadcast <- transition.Move{Subject: "order-17", To: "paid"}
	broadcast <- transition.Move{Subject: "order-17", To: "packed", Trigger: "robot"}
	broadcast <- transition.Move{Subject: "order-17", To: "shipped", Trigger: "courier"}
	close(broadcast)
	err = errors.Join(moves.Subscribe(ctx, broadcast), moves.Close(ctx))
	if err != nil {
		log.Fatal(err)
	}
	for t, err := range transition.Read(ctx, l, eventlog.Query{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %q to %q\n", t.Subject, t.From, t.To)
	}
	// Output:
	// order-17: "" to "paid"
	// order-17: "paid" to "packed"
	// order-17: "packed" to "shipped"
}
