package recorder_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/recorder"
)

// A full buffer takes the memory that BufferBytes says, of events that are nearly nothing but headers too.
func TestBufferCountsWhatItRetains(t *testing.T) {
	var headers []crdt.EventHeader
	for i := range 1000 {
		headers = append(headers, crdt.EventHeader{Name: fmt.Sprintf("%03d", i)})
	}
	for name, e := range map[string]crdt.Event{"smallest": {Kind: "k"}, "headers": {Kind: "k", Headers: headers}} {
		t.Run(name, func(t *testing.T) {
			const most = 4 << 20
			r := newRecorder(t, eventlogtest.Open(t), recorder.Config{Buffer: 1 << 20, BufferBytes: most, Overflow: recorder.Refuse})
			before := eventlogtest.HeapAlive()
			var err error
			for err == nil {
				err = r.Record(e)
			}
			if !errors.Is(err, recorder.ErrFull) {
				t.Fatal(err)
			}
			if grown := eventlogtest.HeapAlive() - before; grown > 2*most {
				t.Errorf("%d bytes are alive where BufferBytes is %d", grown, most)
			}
			runtime.KeepAlive(r)
		})
	}
}
