package api

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Health is what a node says of itself to those who watch over it.
type Health struct {
	// Status is [Live], or the [Demand] that the node meets.
	Status string `json:"status"`
}

// Live is the status of a node that a restart would not help.
const Live = "live"

// Demand is how much is asked of a node.
type Demand string

// The demands. Each includes the one before.
const (
	// DemandReady: the node may append, its disk is not full, and it has caught up with the members since its start
	// unless that takes longer than 30 s. What is out of its reach is not asked for.
	DemandReady Demand = "ready"
	// DemandCaughtUp: it has what the members have that it is linked to, and is linked to one unless it is alone.
	DemandCaughtUp Demand = "caught-up"
	// DemandWell: nothing at all is wrong.
	DemandWell Demand = "well"
)

// Demands are the demands that there are, in their order.
var Demands = []Demand{DemandReady, DemandCaughtUp, DemandWell}

// ReadyParameters are those of the question whether a node is ready.
var ReadyParameters = []Parameter{{Name: string(DemandCaughtUp), Type: "boolean", About: "Asks, too, whether it has what the members have that it is linked to."}}

// ParseDemand reads [ReadyParameters].
func ParseDemand(v url.Values) (Demand, error) {
	name := string(DemandCaughtUp)
	if !v.Has(name) {
		return DemandReady, nil
	}
	strict, err := strconv.ParseBool(v.Get(name))
	switch {
	case err != nil:
		return "", fmt.Errorf("parameter %s: %q: expected true or false", name, v.Get(name))
	case strict:
		return DemandCaughtUp, nil
	}
	return DemandReady, nil
}

// Failing returns those of the conditions for which a node does not meet a demand.
func Failing(all []Condition, d Demand) (failing []Condition) {
	for _, c := range all {
		if slices.Index(Demands, c.Fails) <= slices.Index(Demands, d) {
			failing = append(failing, c)
		}
	}
	return failing
}

// What stands in [Status.Unready] beside what conditions are called.
const (
	UnreadyStopping = "stopping" // the node takes no more calls
	UnreadyBehind   = "behind"   // members have more than the node
	UnreadyUnlinked = "unlinked" // no member is linked, so nobody knows whether something is lacking
	DeadEnded       = "ended"    // a part of the node that goes on as long as it does has ended
)

// String says what the condition is, since when it holds, and why.
func (c Condition) String() string {
	text := c.Condition
	if !c.Since.IsZero() {
		text += " since " + c.Since.Format(time.RFC3339)
	}
	return strings.TrimSuffix(text+": "+c.Why, ": ")
}
