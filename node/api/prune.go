package api

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/age"
)

// PruneRequest says what of the node's own feed every node may forget. One of Below, Before and Keep is
// given.
type PruneRequest struct {
	// Below is the seq of the first entry that stays.
	Below uint64 `json:"below,omitempty"`
	// Before takes what was written before that time, by the clock of the node.
	Before age.Time `json:"before,omitzero"`
	// Keep is how many of the last entries stay.
	Keep uint64 `json:"keep,omitempty"`
	// Reason is for whoever reads the entry that says so: up to 1 KiB.
	Reason string `json:"reason,omitempty"`
	// Plan has nothing done: the answer says what would be.
	Plan bool `json:"plan,omitempty"`
}

// Pruned is what a prune did, or would do.
type Pruned struct {
	// Floor is the seq below which all may be forgotten, at or below what was asked for: an op is
	// forgotten as a whole. Entries is how many were below it without leave before.
	Floor   uint64 `json:"floor"`
	Entries uint64 `json:"entries"`
	// Place is where the entry stands that says so; nil of a plan.
	Place *crdt.Place `json:"place,omitempty"`
	// Moved is how many subjects have their last transition below Floor: then nothing says any more where
	// they are, or an earlier transition of another author does. Subjects are the first of them by name, up
	// to [MaxPruneSubjects]. Only of a plan.
	Moved    uint64   `json:"moved,omitempty"`
	Subjects []string `json:"subjects,omitempty"`
}

// MaxPruneSubjects is how many subjects the plan of a prune names.
const MaxPruneSubjects = 10

// Compaction says what a compaction did to the log's file: its size in bytes.
type Compaction struct {
	Before int64 `json:"before"` // before it
	After  int64 `json:"after"`  // after it
}
