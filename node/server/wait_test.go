package server_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

// eachWaiting is each with a daemon that has heard of one other member. It holds what the log held at the last call of
// say, and what arrives before an offset.
func eachWaiting(t *testing.T, below uint64, test func(t *testing.T, log *eventlog.Log, c *client.Client, say func())) {
	peer := crdt.AuthorOf(eventlogtest.Key("peer"))
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			nodes := new(eventlogtest.Nodes)
			log := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("self"), Receipts: nodes})
			say := func() {
				nodes.Say(log.Author(), elsewhere.Standing{
					Author: peer, Member: true, Linked: true, Heard: time.Now(), Heads: log.Feed(log.Author()).Heads(), Told: log.Stats().Next, Below: below,
				})
			}
			say()
			test(t, log, connect(t, server.New(server.Config{Log: log, Daemon: daemon{}})), say)
		})
	}
}

// told is the places that a call tells, and what it ends with.
type told struct {
	seqs []uint64
	err  error
}

// appending makes a call that appends what is written to lines, and sends what came of it when it ends. Each place
// is counted on placed.
func appending(t *testing.T, c *client.Client, lines io.Reader, placed chan<- uint64) <-chan told {
	ended := make(chan told, 1)
	go func() {
		var all told
		for p, err := range c.Append(t.Context(), lines) {
			if all.err = err; err == nil {
				all.seqs = append(all.seqs, p.Seq)
				placed <- p.Seq
			}
		}
		ended <- all
	}()
	return ended
}

// write writes n lines, each once the one before is durable, so that each is an op of its own.
func write(t *testing.T, log *eventlog.Log, into io.Writer, n int) {
	t.Helper()
	for range n {
		before := log.Stats().Entries
		changed := log.Changed()
		if _, err := fmt.Fprintln(into, `{"kind":"k"}`); err != nil {
			t.Fatal(err)
		}
		for log.Stats().Entries == before {
			<-changed
			changed = log.Changed()
		}
	}
}

// TestAcksWaitTogether: places that wait for another node keep nobody from appending, and all come when that node
// says that it has the last.
func TestAcksWaitTogether(t *testing.T) {
	eachWaiting(t, 0, func(t *testing.T, log *eventlog.Log, c *client.Client, say func()) {
		lines, into := io.Pipe()
		placed := make(chan uint64, 100)
		ended := appending(t, c.Waiting(api.Wait{Nodes: 1, Each: true, Timeout: time.Hour}), lines, placed)
		write(t, log, into, 20)
		if len(placed) > 0 {
			t.Errorf("%d places were told, and no other node holds anything", len(placed))
		}
		say()
		for i := range uint64(20) {
			if seq := <-placed; seq != i {
				t.Errorf("place %d, want %d", seq, i)
			}
		}
		write(t, log, into, 1)
		into.Close()
		if len(placed) > 0 {
			t.Error("the place behind what the other holds was told")
		}
		say()
		if got := <-ended; len(got.seqs) != 21 || got.err != nil {
			t.Errorf("%d places, %v", len(got.seqs), got.err)
		}
	})
}

// TestAcksThatAreLate: the places are told of which the other node holds the entries, and then who has not the next;
// what is appended stays.
func TestAcksThatAreLate(t *testing.T) {
	eachWaiting(t, 2, func(t *testing.T, log *eventlog.Log, c *client.Client, _ func()) {
		lines, into := io.Pipe()
		defer into.Close()
		placed := make(chan uint64, 100)
		ended := appending(t, c.Waiting(api.Wait{All: true, Each: true, Timeout: 50 * time.Millisecond}), lines, placed)
		write(t, log, into, 3)
		got := <-ended // though the input goes on
		if len(got.seqs) != 2 || log.Stats().Entries != 3 {
			t.Errorf("places %d are told of %d entries, want 2 of 3", got.seqs, log.Stats().Entries)
		}
		checkLate(t, got.err, crdt.Place{Author: log.Author(), Seq: 2})
	})
}

// TestWaitAtTheEnd: without acks each place is told at once, and the wait is for the last.
func TestWaitAtTheEnd(t *testing.T) {
	eachWaiting(t, 0, func(t *testing.T, log *eventlog.Log, c *client.Client, say func()) {
		for _, late := range []bool{false, true} {
			lines, into := io.Pipe()
			placed := make(chan uint64, 100)
			wait := api.Wait{Nodes: 1, Timeout: time.Hour}
			if late {
				wait.Timeout = time.Millisecond
			}
			ended := appending(t, c.Waiting(wait), lines, placed)
			first := log.Stats().Entries
			write(t, log, into, 5)
			for i := range uint64(5) {
				if seq := <-placed; seq != first+i {
					t.Errorf("place %d, want %d", seq, first+i)
				}
			}
			into.Close()
			if !late {
				say()
			}
			got := <-ended
			if late {
				checkLate(t, got.err, crdt.Place{Author: log.Author(), Seq: first + 4})
			} else if got.err != nil {
				t.Error(got.err)
			}
		}
	})
}

// checkLate wants an error to say that one member does not have the entry at p.
func checkLate(t *testing.T, err error, p crdt.Place) {
	t.Helper()
	refusal, ok := errors.AsType[*api.Error](err)
	if !ok || !errors.Is(err, api.ErrNotReplicated) || refusal.Where == nil {
		t.Fatalf("the call ended with %v", err)
	}
	if w := refusal.Where; w.Place != p || len(w.Nodes) != 2 || !w.Nodes[0].Self || w.Nodes[1].Holding == elsewhere.Holds {
		t.Errorf("who has it: %+v", w)
	}
	if want := "not replicated in time: " + p.String() + " is durable here and stays: held by no other node; not "; !strings.HasPrefix(refusal.Message, want) {
		t.Errorf("it says %q, want %q", refusal.Message, want)
	}
}

// TestNobodyWaitsWithoutADaemon: nothing is appended.
func TestNobodyWaitsWithoutADaemon(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		got := <-appending(t, c.Waiting(api.Wait{Nodes: 1}), strings.NewReader("{\"kind\":\"k\"}\n"), nil)
		if refusal, ok := errors.AsType[*api.Error](got.err); !ok || refusal.Code != api.NotRunning || log.Stats().Entries > 0 {
			t.Errorf("%v, and %d entries", got.err, log.Stats().Entries)
		}
	})
}
