package bridge_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/bridge"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// A full queue takes the memory that MaxQueuedBytes says: of the smallest events, of those that are nearly
// nothing but headers, and of payloads that are cut from larger ones.
func TestQueueCountsWhatItRetains(t *testing.T) {
	for name, encode := range map[string]func(int) (crdt.Event, error){
		"smallest": func(int) (crdt.Event, error) { return crdt.Event{Kind: "k"}, nil },
		"headers": func(int) (crdt.Event, error) {
			var headers []crdt.EventHeader
			for i := range 1000 {
				headers = append(headers, crdt.EventHeader{Name: fmt.Sprintf("%03d", i)})
			}
			return crdt.Event{Kind: "k", Headers: headers}, nil
		},
		"room behind the payload": func(int) (crdt.Event, error) {
			return crdt.Event{Kind: "k", Payload: append(make([]byte, 0, 8<<10), "1"...)}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			const most = 4 << 20
			log := eventlogtest.Open(t)
			b, err := bridge.New(t.Context(), log, bridge.Config[int]{
				Encode: encode, Overflow: bridge.Refuse, MaxQueued: 1 << 20, MaxQueuedBytes: most, MaxBatchBytes: most,
			})
			if err != nil {
				t.Fatal(err)
			}
			before := eventlogtest.HeapAlive()
			for err == nil {
				err = b.Publish(t.Context(), 0)
			}
			if _, full := errors.AsType[*bridge.BehindError](err); !full {
				t.Fatal(err)
			}
			if grown := eventlogtest.HeapAlive() - before; grown > 2*most {
				t.Errorf("%d bytes are alive where MaxQueuedBytes is %d", grown, most)
			}
			runtime.KeepAlive(b)
		})
	}
}
