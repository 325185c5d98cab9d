package gap_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
)

// A till that had to drop its second and third sale says so, where they would stand.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: new(crdt.Genesis)}, eventlog.Config{Key: eventlogtest.Key("till")})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	lost := gap.Gap{Source: "till", Reason: "queue full"}
	lost.Add(2, "sold", time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
	lost.Add(3, "returned", time.Date(2026, 1, 2, 12, 0, 5, 0, time.UTC))
	err = l.Update(ctx, func(tx *eventlog.Tx) error {
		if _, err := tx.Append(crdt.Event{Kind: "sold", Subject: "1"}); err != nil {
			return err
		}
		if _, err := gap.AppendTx(tx, lost); err != nil {
			return err
		}
		_, err := tx.Append(crdt.Event{Kind: "sold", Subject: "4"})
		return err
	})
	if err != nil {
		log.Fatal(err)
	}

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
	// sold 1
	// till lost 2, 2 to 3: queue full [{returned 1} {sold 1}]
	// sold 4
}
