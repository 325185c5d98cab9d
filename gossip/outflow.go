package gossip

import (
	"time"

	"github.com/quipulog/quipu/gossip/wire"
)

const (
	// runTime is how long one run of an answer should take on its way, so that what is more urgent gets
	// in between on a slow link.
	runTime = 250 * time.Millisecond
	// leastRun bounds runs from below, in bytes.
	leastRun = 16 << 10
	// flowMemory is how many bytes the rate of a link looks back.
	flowMemory = 1 << 20
)

// outflow is how fast a link takes what is written to it.
type outflow struct {
	bytes, seconds float64
}

// wrote takes in that n bytes took so long to write.
func (f *outflow) wrote(n int, took time.Duration) {
	if f.bytes >= flowMemory {
		f.bytes, f.seconds = f.bytes/2, f.seconds/2
	}
	f.bytes, f.seconds = f.bytes+float64(n), f.seconds+took.Seconds()
}

// within reports whether the link takes n bytes within [runTime], as far as is known.
func (f *outflow) within(n int) bool {
	return n <= leastRun || f.bytes <= 0 || float64(n)/f.bytes*f.seconds <= runTime.Seconds()
}

// runBytes returns how many bytes a run of an answer may have: what the link takes in [runTime].
func (w *writer) runBytes() int {
	if w.flow.seconds <= 0 {
		return wire.MaxRunBytes
	}
	return int(min(max(w.flow.bytes/w.flow.seconds*runTime.Seconds(), leastRun), wire.MaxRunBytes))
}
