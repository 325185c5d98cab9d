package api

import (
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/age"
)

// What a node rebuilds by itself; and RebuildFollower before the name of a follower, whose program folds the log.
const (
	RebuildTransitions = "transitions"
	RebuildIndex       = "index"
	RebuildFollower    = "follower:"
)

// RebuildRequest asks to make something anew from history.
type RebuildRequest struct {
	// Name is [RebuildTransitions], [RebuildIndex], or [RebuildFollower] and a name.
	Name string `json:"name"`
	// To is where the range of entries ends, at a frontier or a time by the clocks; without it that is all that is held,
	// or the end of the range that is under way. It goes with transitions alone, as does all that follows.
	To Moment `json:"to,omitzero"`
	// Order is "author" or "causal"; "" is "author", or that of the rebuild under way.
	Order string `json:"order,omitempty"`
	// Anew begins anew where a rebuild is under way.
	Anew bool `json:"anew,omitempty"`
	// Wait is how long to wait in all for what the range has and the node does not hold yet, or cannot read. Only a
	// running daemon fetches that.
	Wait age.Age `json:"wait,omitempty"`
}

// Rebuilt is what came of a rebuild.
type Rebuilt struct {
	Name string `json:"name"` // what was rebuilt
	// Entries is how many entries the range has, Gone how many of those are not here any more, Resumed how many were done
	// with by earlier calls, which have ended on the way.
	Entries uint64 `json:"entries"`
	Gone    uint64 `json:"gone,omitempty"`
	Resumed uint64 `json:"resumed,omitempty"`
	// Order is that of the entries, Frontier the hash of the frontier that the range ends at, Clock a bound of it,
	// Subjects how many there are, State the hash of what is kept of them, in hex: the same on every node for the same
	// range. They are of transitions alone.
	Order    string     `json:"order,omitempty"`
	Frontier *crdt.Hash `json:"frontier,omitempty"`
	Clock    crdt.Clock `json:"clock,omitzero"`
	Subjects int        `json:"subjects,omitempty"`
	State    string     `json:"state,omitempty"`
	// Index is how far the index is.
	Index *Index `json:"index,omitempty"`
	// Follower is where a follower stands whose program folds the log from there.
	Follower *Follower `json:"follower,omitempty"`
}

// Rebuild is how far a rebuild is, as of its last checkpoint, or what it came to: one of a program, or the node's own.
type Rebuild struct {
	Name     string    `json:"name"`           // what is rebuilt
	Order    string    `json:"order"`          // "author" or "causal"
	Frontier crdt.Hash `json:"frontier"`       // the hash of the one that its range ends at
	Done     uint64    `json:"done"`           // how many entries of the range are done with
	Total    uint64    `json:"total"`          // how many it has
	Gone     uint64    `json:"gone,omitempty"` // how many of those done with are not here any more
	// Unusable says that its program does not use the state meanwhile.
	Unusable bool      `json:"unusable,omitempty"`
	Began    time.Time `json:"began"` // when it began
	Saved    time.Time `json:"saved"` // when its last checkpoint was made
	// Finished is left out while it is under way.
	Finished time.Time `json:"finished,omitzero"`
	// Error says why nothing else is known of it.
	Error string `json:"error,omitempty"`
}
