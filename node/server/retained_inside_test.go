package server

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// What one client may have waiting takes the memory that it is bounded by, of lines that are nearly nothing
// but headers too.
func TestWaitingCountsWhatItRetains(t *testing.T) {
	var line strings.Builder
	line.WriteString(`{"kind":"k","headers":{"000":""`)
	for i := range 1000 {
		fmt.Fprintf(&line, `,"%03d":""`, i+1)
	}
	line.WriteString(`}}` + "\n")
	lines := bytes.Repeat([]byte(line.String()), 1000)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		queue := newWaiting[numbered[crdt.Event]]()
		in := input[crdt.Event]{parse: func(line []byte, _ int) (crdt.Event, error) { return parseEvent(nil, line, "") }, memory: eventMemory}
		before := eventlogtest.HeapAlive()
		go func() { _ = in.read(ctx, bytes.NewReader(lines), queue) }()
		synctest.Wait() // until there is no room
		if grown := eventlogtest.HeapAlive() - before; grown > 2*maxWaitingBytes || len(queue.items) == 0 {
			t.Errorf("%d bytes are alive in %d items where the bound is %d", grown, len(queue.items), maxWaitingBytes)
		}
		cancel()
	})
}
