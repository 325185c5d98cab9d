package recorder_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
	"github.com/quipulog/quipu/eventlog/recorder"
)

// A shop records its sales without waiting for the disk. Its buffer is small, so that some of them go
// through the spill, and it is not interested in visits.
func Example() {
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

	at := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	r, err := recorder.New(l, recorder.Config{
		Name: "shop", Kinds: []string{"sold", "returned"}, Buffer: 2,
		Overflow: recorder.Spill, Dir: filepath.Join(dir, "recorder"),
		Now: func() time.Time { at = at.Add(time.Second); return at },
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range []crdt.Event{
		{Kind: "sold", Subject: "bread"},
		{Kind: "visit", Subject: "a dog"},
		{Kind: "sold", Subject: "milk"},
		{Kind: "returned", Subject: "bread"},
		{Kind: "sold", Payload: []byte("{")},
	} {
		if err := r.Record(e); err != nil {
			fmt.Println(err)
		}
	}
	s := r.Stats()
	fmt.Printf("%d recorded, %d filtered, %d invalid; %d in memory, %d spilled\n", s.Recorded, s.Filtered, s.Invalid, s.AtRisk, s.Spilled)

	// A service would have started go r.Run(ctx); Close writes what is left either way.
	if err := r.Close(ctx); err != nil {
		log.Fatal(err)
	}
	for e, err := range l.Entries(ctx, eventlog.Query{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Time.Format(time.TimeOnly), e.Kind, e.Subject)
	}
	// Output:
	// record event: invalid event: payload: not valid JSON: unexpected end of JSON input; name another content type to append bytes as they are
	// 3 recorded, 1 filtered, 1 invalid; 2 in memory, 1 spilled
	// 12:00:01 sold bread
	// 12:00:02 sold milk
	// 12:00:03 returned bread
}

// The shop's process ends without Close. The next one finds what was spilled, and the log names the
// rest.
func Example_crash() {
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
	cfg := recorder.Config{Name: "shop", Buffer: 2, Overflow: recorder.Spill, Dir: filepath.Join(dir, "recorder")}
	crashed, err := recorder.New(l, cfg)
	if err != nil {
		log.Fatal(err)
	}
	for _, what := range []string{"bread", "milk", "salt"} {
		if err := crashed.Record(crdt.Event{Kind: "sold", Subject: what}); err != nil {
			log.Fatal(err)
		}
	}

	r, err := recorder.New(l, cfg)
	if err != nil {
		log.Fatal(err)
	}
	if err := r.Close(ctx); err != nil {
		log.Fatal(err)
	}
	for e, err := range l.Entries(ctx, eventlog.Query{}) {
		if err != nil {
			log.Fatal(err)
		}
		switch e.Kind {
		case gap.Kind:
			lost, err := gap.Parse(e)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(lost.String())
		default:
			fmt.Println(e.Kind, e.Subject)
		}
	}
	// Output:
	// shop lost 2, 1 to 2: the recorder ended without Close
	// sold salt
}
