package eventlog_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// A transient event is told to whoever listens at that moment. It is stored nowhere, and whoever comes
// later does not hear of it.
func ExampleLog_Broadcast() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: new(crdt.Genesis)}, eventlog.Config{Key: eventlogtest.Key("shop")})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	// It listens from here on, and keeps the latest two.
	progress := l.Listen(ctx, eventlog.Query{Kinds: []string{"progress"}, Limit: 2}, eventlog.ListenConfig{MaxEvents: 2})
	for _, percent := range []string{"10", "50", "90"} {
		reach, err := l.Broadcast(ctx, crdt.Event{Kind: "progress", Subject: "import", Payload: []byte(percent), Retention: crdt.Transient}, eventlog.Here)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s%% told to %d\n", percent, reach.Listeners)
	}
	for h, err := range progress {
		if err != nil {
			log.Fatal(err)
		}
		if h.Missed > 0 {
			fmt.Printf("too slow for %d\n", h.Missed)
		}
		fmt.Printf("%s is at %s%%\n", h.Subject, h.Payload)
	}
	fmt.Println("entries in the log:", l.Stats().Entries)
	// Output:
	// 10% told to 1
	// 50% told to 1
	// 90% told to 1
	// too slow for 1
	// import is at 50%
	// import is at 90%
	// entries in the log: 0
}
