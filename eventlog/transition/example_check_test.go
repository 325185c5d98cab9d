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
	fmt.Printf("%d of %d are sound, %d by another name of a state\n", report.Sound, report.Transitions, report.Aliased)
	// Output:
	// order-1 at seq 3: after-end: "shipped" is terminal, and it moves on to "cancelled"; expected no move
	// order-2 at seq 5: illegal: no move leads from "placed" to "shipped"; expected "paid", "cancelled"
	// 6 of 8 are sound, 2 by another name of a state
}

// Two tills sell the last ticket. Each looks first, and moves in the same transaction: one of them gets it.
func ExampleAppendTx() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: &crdt.Genesis{Random: [32]byte{1}}}, eventlog.Config{Key: eventlogtest.Key("box office")})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	tickets := machine.Machine{
		States:  []machine.State{{Name: "free"}, {Name: "sold"}, {Name: "used"}},
		Moves:   []machine.Move{{From: "free", To: "sold"}, {From: "sold", To: "free"}, {From: "sold", To: "used"}},
		Initial: []string{"free"}, Terminal: []string{"used"},
	}
	move := func(to string) error {
		return l.Update(ctx, func(tx *eventlog.Tx) error {
			_, err := transition.AppendTx(tx, &tickets, transition.Move{Subject: "seat 14", To: to})
			return err
		})
	}
	fmt.Println(move("free"))
	fmt.Println(move("sold"))
	fmt.Println(move("sold"))

	err = l.View(ctx, func(tx *eventlog.ReadTx) error {
		stage, err := transition.Stage(tx, "seat 14")
		fmt.Println("seat 14 is", stage)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// <nil>
	// <nil>
	// "seat 14" stays in "sold": no move leads from "sold" to "sold"; allowed from there: "free", "used"
	// seat 14 is sold
}
