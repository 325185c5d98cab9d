package api

import (
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// FollowerConfig says what a follower takes, and how.
type FollowerConfig struct {
	// Kinds, Modules, Subjects and Authors each take the entries that have one of the values; an empty
	// one takes all.
	Kinds    []string      `json:"kinds,omitempty"`
	Modules  []string      `json:"modules,omitempty"`
	Subjects []string      `json:"subjects,omitempty"`
	Authors  []crdt.Author `json:"authors,omitempty"`
	// FromNow gives a follower that has no cursor yet new entries only; else it begins with the first.
	FromNow bool `json:"fromNow,omitempty"`
	// MaxEntries bounds the entries of a batch, 1,024 unless it is set.
	MaxEntries int `json:"maxEntries,omitempty"`
	// SkipTrimmed goes on behind entries that are gone, and counts them, where else the call is refused or ends.
	SkipTrimmed bool `json:"skipTrimmed,omitempty"`
	// DoesNotHold lets entries be trimmed that were not handled.
	DoesNotHold bool `json:"doesNotHold,omitempty"`
}

// FollowRequest says which follower a client is, what it takes and how.
type FollowRequest struct {
	// Name is that under which the node keeps the follower's cursor. It travels in the path.
	Name string `json:"-"`
	FollowerConfig
	// Once ends the call when all is handled that was there when it began.
	Once bool `json:"once,omitempty"`
	// Parked gives the handler what the follower has parked, an entry at a time, and ends the call. What it
	// handles is parked no more. Nothing else of the request counts then but the name.
	Parked bool `json:"parked,omitempty"`
	// Retry has a batch come again, after a pause that grows, when the handler has failed; else that ends
	// the call. ParkAfter, beside it, parks the entry that fails after so many attempts.
	Retry     bool `json:"retry,omitempty"`
	ParkAfter int  `json:"parkAfter,omitempty"`
}

// Batch is what a follower is given at once.
type Batch struct {
	// Lines are the entries, one JSON form a line. They are valid until the handler returns.
	Lines []byte
	// Entries is how many they are.
	Entries int
	// After is the text form of the cursor behind them.
	After string
}

// BatchEnd is the line that ends a batch.
type BatchEnd struct {
	Batch BatchSum `json:"batch"` // what stood before it
}

// BatchSum says what stood before it, see [Batch].
type BatchSum struct {
	Entries int    `json:"entries"` // how many they are
	After   string `json:"after"`   // the cursor behind them
}

// BatchReply is a follower's answer to a batch.
type BatchReply struct {
	// After says which batch it is: what stands in the line that ended that.
	After string `json:"after"`
	// Error is why it was not handled; empty when it was.
	Error string `json:"error,omitempty"`
}

// ReadFollowRequest reads the first line that a follower sends.
func ReadFollowRequest(line []byte) (r FollowRequest, err error) {
	if err = Decode(line, &r); err != nil {
		return r, fmt.Errorf("request to follow: %w", err)
	}
	return r, nil
}

// ReadBatchReply reads a line that a follower sends after the first.
func ReadBatchReply(line []byte) (r BatchReply, err error) {
	if err = Decode(line, &r); err != nil {
		return r, fmt.Errorf("reply to a batch: %w", err)
	}
	return r, nil
}
