package cords_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/cords"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// A program that draws a log reads its cords: here three entries, of which one stands alone, in columns of which at most two may
// have an entry.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "cords")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	log, err := eventlog.Create(dir, eventlog.Birth{Genesis: &crdt.Genesis{Random: [32]byte{1}}}, eventlog.Config{Key: eventlogtest.Key("shop")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer log.Close()
	opened := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for _, e := range []crdt.Event{
		{Kind: "opened", Time: opened}, {Kind: "sold", Time: opened.Add(8 * time.Hour)}, {Kind: "sold", Time: opened.Add(8*time.Hour + time.Second)},
	} {
		if _, err := log.Append(ctx, e); err != nil {
			fmt.Println(err)
			return
		}
	}

	kept := cords.Of(log) // a program that goes on has kept.Keep(ctx) run beside it
	pic, err := kept.Read(ctx, cords.Window{Width: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, cell := range pic.Cords[0].Cells {
		fmt.Printf("%s and %d ms on: %d entries from %d to %d", time.UnixMilli(cell.Start).UTC().Format(time.TimeOnly), cell.Span, cell.N, cell.Lo, cell.Hi)
		for _, k := range cell.Kinds {
			fmt.Printf(", %d %s", k.N, pic.Kinds[k.Kind])
		}
		fmt.Println()
	}
	// Output:
	// 09:00:00 and 1 ms on: 1 entries from 0 to 0, 1 opened
	// 16:59:59 and 2048 ms on: 2 entries from 1 to 2, 2 sold
}
