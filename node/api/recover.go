package api

import (
	"context"

	"github.com/quipulog/quipu/crdt"
)

// RecoverRequest is an operator's word on how a node goes on that may not know the end of its own feed.
type RecoverRequest struct {
	// Plan has nothing done: the answer says what is known.
	Plan bool `json:"plan,omitempty"`
	// Without are members that are not waited for, Places such places to join. Each has to be missing.
	Without []crdt.Author `json:"without,omitempty"`
	Places  []string      `json:"places,omitempty"`
	// Alone has nobody waited for who is not linked.
	Alone bool `json:"alone,omitempty"`
}

// Recovered is how a node took up its own feed again, as its record of that says; or of a plan, what is known.
type Recovered struct {
	Author crdt.Author `json:"author"`
	// Recovering is of a plan alone, and all that follows of what was done.
	Recovering *Recovery `json:"recovering,omitempty"`
	// Why is that of [Recovery]. From is where the feed ended in the folder that was too old, nil where nothing of
	// it was there; End is where it was taken up.
	Why  string `json:"why,omitempty"`
	From *Head  `json:"from,omitempty"`
	End  *Head  `json:"end,omitempty"`
	// Asked are the nodes that hold the feed up to End and no more. Missing are the members that were not asked,
	// Without those that it was decided to go on without: if one of them holds more, the feed forks.
	Asked   []Named `json:"asked,omitempty"`
	Missing []Named `json:"missing,omitempty"`
	Without []Named `json:"without,omitempty"`
	// Places are the places to join at which nobody had answered.
	Places []string `json:"places,omitempty"`
	// Alone says that nobody was asked.
	Alone bool `json:"alone,omitempty"`
	// Place is where the entry stands that says all this.
	Place *crdt.Place `json:"place,omitempty"`
}

// Recover has a node that may not know the end of its own feed go on as the operator says, and returns when its feed
// is taken up. It returns [ErrNotFound] where there is nothing to recover from, and where somebody is named who is not
// missing; it is refused with [Recovering] where others are missing still: the word stays.
func (c *Client) Recover(ctx context.Context, r RecoverRequest) (Recovered, error) {
	return post[Recovered](ctx, c, "recover", "/v1/recover", r)
}
