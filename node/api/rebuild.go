package api

import (
	"context"
	"time"

	"github.com/quipulog/quipu/crdt"
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
	// Wait waits for what To has and the node does not hold yet. Only a running daemon fetches that.
	Wait bool `json:"wait,omitempty"`
}

// Rebuilt is what came of a rebuild.
type Rebuilt struct {
	Name string `json:"name"`
	// Entries is how many entries the range has, Gone how many of those are not here any more.
	Entries uint64 `json:"entries"`
	Gone    uint64 `json:"gone,omitempty"`
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
	Name     string    `json:"name"`
	Order    string    `json:"order"`
	Frontier crdt.Hash `json:"frontier"` // the hash of the one that its range ends at
	Done     uint64    `json:"done"`     // entries
	Total    uint64    `json:"total"`
	Gone     uint64    `json:"gone,omitempty"`
	// Unusable says that its program does not use the state meanwhile.
	Unusable bool      `json:"unusable,omitempty"`
	Began    time.Time `json:"began"`
	Saved    time.Time `json:"saved"`
	// Finished is left out while it is under way.
	Finished time.Time `json:"finished,omitzero"`
	// Error says why nothing else is known of it.
	Error string `json:"error,omitempty"`
}

// Rebuild has the node make something anew, or go on with that, and returns what came of it. Told hears meanwhile how
// far it is; nil for nobody. When ctx ends the rebuild stops at a checkpoint.
func (c *Client) Rebuild(ctx context.Context, r RebuildRequest, told func(Progress)) (Rebuilt, error) {
	return watch[Rebuilt](ctx, c, "rebuild "+r.Name, "/v1/rebuild", r, told)
}

// Rebuilds returns how far each rebuild is that is under way or has finished, in order of name.
func (c *Client) Rebuilds(ctx context.Context) ([]Rebuild, error) {
	return get[[]Rebuild](ctx, c, "rebuilds", "/v1/rebuilds")
}
