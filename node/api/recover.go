package api

import (
	"context"

	"github.com/quipulog/quipu/crdt"
)

// RecoverRequest says how a node takes up its own feed again.
type RecoverRequest struct {
	// Plan has nothing done: the answer says what would be.
	Plan bool `json:"plan,omitempty"`
	// Alone has the node go on though no other can be asked where its feed ends.
	Alone bool `json:"alone,omitempty"`
}

// Recovered is what a recovery did, or would do.
type Recovered struct {
	// Author is the node's own. From is where its feed ended in the folder that was too old, nil where
	// nothing of it was there; End is where it is taken up.
	Author crdt.Author `json:"author"`
	From   *Head       `json:"from,omitempty"`
	End    Head        `json:"end"`
	// Asked are the nodes that hold the feed up to End and no more. Missing are the members that could not
	// be asked: if one of them holds more, the feed will fork.
	Asked   []Named `json:"asked,omitempty"`
	Missing []Named `json:"missing,omitempty"`
	// Place is where the entry stands that says so; nil of a plan.
	Place *crdt.Place `json:"place,omitempty"`
}

// Named is an author, and what it calls itself where that is known.
type Named struct {
	Author crdt.Author `json:"author"`
	Name   string      `json:"name,omitempty"`
}

// Recover has a node whose folder is older than its feed take the feed up at the end that the members hold,
// so that it can append again. It returns [ErrNotFound] where there is nothing to recover from.
func (c *Client) Recover(ctx context.Context, r RecoverRequest) (Recovered, error) {
	return post[Recovered](ctx, c, "recover", "/v1/recover", r)
}
