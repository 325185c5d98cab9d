package transition_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// An order goes its way, save for what went wrong.
func ExampleCheckLog() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: &crdt.Genesis{Random: [32]byte{1}}}, eventlog.Config{
		Key: eventlogtest.Key("shop"), Now: func() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	orders := machine.Machine{
		States: []machine.State{{Name: "placed"}, {Name: "paid", Aliases: []string{"payed"}}, {Name: "shipped"}, {Name: "cancelled"}},
		Moves: []machine.Move{
			{From: "placed", To: "paid"}, {From: "paid", To: "shipped"}, {From: machine.Any, To: "cancelled"},
		},
		Initial:  []string{"placed"},
		Terminal: []string{"shipped", "cancelled"},
	}
	if _, err := transition.Append(ctx, l,
		transition.Move{Subject: "order-1", To: "placed"}, transition.Move{Subject: "order-1", To: "payed"},
		transition.Move{Subject: "order-1", To: "shipped"}, transition.Move{Subject: "order-1", To: "cancelled"},
		transition.Move{Subject: "order-2", To: "placed"}, transition.Move{Subject: "order-2", To: "shipped"},
		transition.Move{Subject: "order-3", To: "placed"}, transition.Move{Subject: "order-3", To: "cancelled"},
	); err != nil {
		log.Fatal(err)
	}

	report, err := transition.CheckLog(ctx, l, orders, transition.CheckConfig{})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range report.Findings {
		fmt.Printf("%s at seq %d: %s: %s; expected %s\n", f.Transition.Subject, f.Transition.Entry.Seq, f.Class, f.Why, f.Expected)
	}
	fmt.Println(report.Sound, "of", report.Transitions, "are sound")
	// Output:
	// order-1 at seq 1: misspelt: "payed" stands for "paid"; expected "paid"
	// order-1 at seq 2: misspelt: "payed" stands for "paid"; expected "paid"
	// order-1 at seq 3: after-end: "shipped" is terminal, and it moves on to "cancelled"; expected no move
	// order-2 at seq 5: illegal: no move leads from "placed" to "shipped"; expected "paid", "cancelled"
	// 4 of 8 are sound
}
