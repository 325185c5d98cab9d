package transient

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip/wire"
)

// What waits for a link counts what it keeps alive, not what of that is in use: filled with the smallest
// events, and with those that have many headers, it takes no more memory than twice its bound.
func TestLaneCountsWhatItRetains(t *testing.T) {
	for _, test := range []struct {
		name string
		fill func(t *testing.T) any
	}{
		{"many headers", fillLane},
		{"none", fillLaneWithSmall},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := eventlogtest.HeapAlive()
			full := test.fill(t)
			if grown := eventlogtest.HeapAlive() - before; grown > 2*maxBytes+1<<20 {
				t.Errorf("it keeps %d bytes alive where its bound is %d", grown, maxBytes)
			}
			runtime.KeepAlive(full)
		})
	}
}

func fillLane(t *testing.T) any {
	var headers []crdt.EventHeader
	for i := range 1000 {
		headers = append(headers, crdt.EventHeader{Name: fmt.Sprintf("%03d", i)})
	}
	return laneOf(t, crdt.Event{Kind: "k", Headers: headers})
}

func fillLaneWithSmall(t *testing.T) any { return laneOf(t, crdt.Event{Kind: "k"}) }

// laneOf returns what waits for a link that was sent the same event again and again.
func laneOf(t *testing.T, e crdt.Event) any {
	t.Helper()
	e.Time, e.Retention = time.Unix(1000, 0), crdt.Transient
	b, err := crdt.SignBroadcast(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), crdt.Broadcast{Event: e, Clock: crdt.ClockAt(e.Time)})
	if err != nil {
		t.Fatal(err)
	}
	l := new(Hub).Lane(Peer{})
	for range 4 * maxWaiting {
		own, err := crdt.ParseBroadcast(bytes.Clone(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		l.put(wire.Transient{Event: own})
	}
	return l
}
