package api

import (
	"sync"
	"time"
)

// Progress says how far something is that takes long.
type Progress struct {
	Done uint64 `json:"done"` // how many are done with
	// Total is where it ends; 0 where that is not known.
	Total uint64 `json:"total"`
	// Unit is what is counted, in the plural: "entries", "ops", [Bytes].
	Unit string `json:"unit"`
	// Resumed is how much of Done was done by an earlier call, which has ended on the way.
	Resumed uint64 `json:"resumed,omitempty"`
}

// TellEvery is how often a client hears how far the answer to its call is.
const TellEvery = 250 * time.Millisecond

// Telling calls tell again and again, in one goroutine, until it returns false or end is called. End returns when tell is
// called no more.
func Telling(tell func() (goOn bool)) (end func()) {
	over := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		tick := time.NewTicker(TellEvery)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			if !tell() {
				return
			}
		}
	})
	return func() {
		close(over)
		telling.Wait()
	}
}

// Bytes is the Unit of a [Progress] that counts bytes.
const Bytes = "bytes"

// ProgressLine is a line of a stream that is no part of the answer: how far the node is with it.
type ProgressLine struct {
	Progress *Progress `json:"progress"` // how far the node is
}
