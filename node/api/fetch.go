package api

import (
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/age"
)

// The bounds of what a consumer asks for.
const (
	// MaxFetchWait is how long a fetch waits at most.
	MaxFetchWait = 10 * time.Minute
	// DefaultLease is how long a consumer has its batch unless it says otherwise, MinLease and MaxLease are how short and
	// how long that may be.
	DefaultLease = 30 * time.Second
	MinLease     = time.Second
	MaxLease     = 12 * time.Hour
	// MaxDelay is how long a batch can be put off at once.
	MaxDelay = 24 * time.Hour
	// MaxFollowers bounds the followers that a node has when one is made over a network.
	MaxFollowers = 1000
	// MaxConsumer bounds the name of a consumer, in bytes.
	MaxConsumer = 255
)

// FetchRequest says what a consumer fetches: the next batch of a follower, of which one consumer has one at a time.
type FetchRequest struct {
	// Name is that under which the node keeps the follower's cursor. It travels in the path.
	Name string `json:"-"`
	FollowerConfig
	// ParkAfter, unless it is 0, has a batch narrowed after so many failures until one entry is left, which is parked. A
	// lease that ran out is a failure, too.
	ParkAfter int `json:"parkAfter,omitempty"`
	// Wait is how long the answer waits for an entry where there is none, at most [MaxFetchWait]; 0 is not at all.
	Wait age.Age `json:"wait,omitempty"`
	// Lease is how long the consumer has the batch, unless it extends that: [MinLease] to [MaxLease], and
	// [DefaultLease] where it is 0.
	Lease age.Age `json:"lease,omitempty"`
	// Consumer is what the consumer calls itself to others, who are told that it has the batch.
	Consumer string `json:"consumer,omitempty"`
}

// Fetched is a batch that a consumer has for a while, or none.
type Fetched struct {
	// Lease is what the calls about the batch name it by; empty where there is none.
	Lease   string  `json:"lease,omitempty"`
	Entries []Entry `json:"entries"` // the batch, in order of arrival; none without a lease
	// After is the text form of the cursor behind them.
	After string `json:"after,omitempty"`
	// Until is when the lease runs out by the node's clock; then the batch is another's.
	Until time.Time `json:"until,omitzero"`
}

// Entry is an entry as one node has it.
type Entry struct {
	crdt.Entry
	// Offset is its number in the order in which entries came to the node.
	Offset uint64
}

// MarshalJSON returns the one JSON form of an entry, with its offset.
func (e Entry) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil, &e.Offset), nil }

// UnmarshalJSON reads what MarshalJSON returns.
func (e *Entry) UnmarshalJSON(b []byte) error {
	entry, offset, err := crdt.ParseEntryJSON(b)
	if err == nil && offset != nil {
		e.Offset = *offset
	}
	e.Entry = entry
	return err
}

// AckRequest says that the batch of a lease was handled.
type AckRequest struct {
	Lease string `json:"lease"` // which batch: what the fetch has answered
}

// NackRequest says that the batch of a lease was not handled.
type NackRequest struct {
	Lease string `json:"lease"` // which batch: what the fetch has answered
	// Error is why, which whoever looks at the follower is told.
	Error string `json:"error,omitempty"`
	// Delay is how long it does not come again, at most [MaxDelay]. Unless it is set that is a pause that grows with each
	// failure, up to a minute.
	Delay age.Age `json:"delay,omitempty"`
	// Untouched gives the batch back as if it had not been given: it comes again at once, and nothing has failed. Nothing
	// else goes with it.
	Untouched bool `json:"untouched,omitempty"`
}

// ExtendRequest puts off the end of a lease.
type ExtendRequest struct {
	Lease string `json:"lease"` // which batch: what the fetch has answered
	// By is how long from now it is to last: [MinLease] to [MaxLease], and [DefaultLease] where it is 0.
	By age.Age `json:"by,omitempty"`
}

// Extended is until when a lease lasts.
type Extended struct {
	Until time.Time `json:"until"` // by the clock of the node
}

// Held is who has the batch of a follower, or waits for it.
type Held struct {
	// Holder is what the consumer calls itself, or the name of its token.
	Holder string `json:"holder"`
	// Until is when that ends, unless the holder has it longer or is done before.
	Until time.Time `json:"until"`
}
