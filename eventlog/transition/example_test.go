package transition_test

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
	"github.com/quipulog/quipu/eventlog/transition"
)

// Two nodes move one proposal while they cannot see each other; then they exchange what they have.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "quipu-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	genesis := crdt.Genesis{Random: [32]byte{1}}
	open := func(name string, now time.Time) *eventlog.Log {
		l, err := eventlog.Create(filepath.Join(dir, name), eventlog.Birth{Genesis: &genesis}, eventlog.Config{
			Key: eventlogtest.Key(name), Now: func() time.Time { return now },
		})
		if err != nil {
			log.Fatal(err)
		}
		return l
	}
	move := func(l *eventlog.Log, to, trigger string) {
		if _, err := transition.Append(ctx, l, transition.Move{Subject: "PEP-0572", To: to, Trigger: trigger}); err != nil {
			log.Fatal(err)
		}
	}
	ann := open("ann", time.Date(2018, 7, 12, 9, 0, 0, 0, time.UTC))
	defer ann.Close()
	bob := open("bob", time.Date(2018, 7, 12, 9, 0, 1, 0, time.UTC))
	defer bob.Close()

	move(ann, "draft", "")
	send(ctx, ann, bob)
	move(ann, "accepted", "vote")
	move(bob, "withdrawn", "")
	send(ctx, ann, bob)
	send(ctx, bob, ann)

	for _, l := range []*eventlog.Log{ann, bob} {
		replay, err := transition.ReplayLog(ctx, l)
		if err != nil {
			log.Fatal(err)
		}
		for _, step := range replay.Subject("PEP-0572").History {
			fmt.Printf("%q → %q, concurrent with %d others, follows: %t\n",
				step.From, step.To, max(0, len(step.Concurrent)-1), step.Follows())
		}
		fmt.Println("is", replay.Subject("PEP-0572").Stage)
	}
	// Output:
	// "" → "draft", concurrent with 0 others, follows: true
	// "draft" → "accepted", concurrent with 1 others, follows: true
	// "draft" → "withdrawn", concurrent with 1 others, follows: false
	// is withdrawn
	// "" → "draft", concurrent with 0 others, follows: true
	// "draft" → "accepted", concurrent with 1 others, follows: true
	// "draft" → "withdrawn", concurrent with 1 others, follows: false
	// is withdrawn
}

// send brings to another node what it lacks, as gossip does.
func send(ctx context.Context, from, to *eventlog.Log) {
	wants, err := to.Wants(ctx, from.Frontier(), 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, want := range wants {
		segments, err := from.Plan(ctx, want)
		if err != nil {
			log.Fatal(err)
		}
		for _, segment := range segments {
			run, err := from.Read(ctx, &segment, crdt.MaxBatch)
			if err != nil {
				log.Fatal(err)
			}
			if _, err := to.Apply(ctx, []crdt.Run{run}); err != nil {
				log.Fatal(err)
			}
		}
	}
}
