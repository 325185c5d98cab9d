package retention

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// ErrNothingToPrune is returned for a prune when no op lies wholly below what the request names, or
// leave to forget all such ops was given before.
var ErrNothingToPrune = errors.New("nothing to prune")

// PruneRequest says up to where our own feed may be forgotten. Exactly one of Below, Before and Keep is set.
type PruneRequest struct {
	// Below is the seq of the first entry that stays.
	Below uint64
	// Before is a time: the ops whose clock is before it may be forgotten.
	Before time.Time
	// Keep is how many of the last entries stay.
	Keep uint64
	// Reason is for readers of the entry that gives leave: up to 1 KiB.
	Reason string
}

// Pruned is what a prune did.
type Pruned struct {
	// Place is that of the entry that gives leave.
	Place crdt.Place
	// Floor is the seq below which all may be forgotten: the beginning of an op, at or below what the
	// request names. Entries is how many entries below it had no leave before.
	Floor, Entries uint64
}

// Check returns why the request makes no sense, or nil.
func (r PruneRequest) Check() error {
	given := 0
	for _, set := range []bool{r.Below > 0, !r.Before.IsZero(), r.Keep > 0} {
		if set {
			given++
		}
	}
	if given != 1 {
		return fmt.Errorf("expected one of below, before and keep, got %d", given)
	}
	if len(r.Reason) > 1<<10 {
		return fmt.Errorf("reason has %d bytes, at most 1,024 are allowed", len(r.Reason))
	}
	return nil
}

// Plan returns what a prune of a feed would do, of which the op that holds the first entry to stay begins at floor.
func (r PruneRequest) Plan(feed crdt.Feed, floor uint64) (Pruned, error) {
	from := max(feed.Floor(), feed.First())
	if floor <= from {
		return Pruned{}, fmt.Errorf("%w: no op ends between %d, where the feed begins or has leave already, and what was asked for", ErrNothingToPrune, from)
	}
	return Pruned{Floor: floor, Entries: floor - from}, nil
}

// Payload returns what the entry that gives leave says to readers.
func (p Pruned) Payload(reason string) ([]byte, error) {
	return json.Marshal(struct {
		Floor  uint64 `json:"floor"`
		Reason string `json:"reason,omitempty"`
	}{p.Floor, reason})
}
