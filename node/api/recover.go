package api

import (
	"github.com/quipulog/quipu/crdt"
)

// RecoverRequest is an operator's word on how a node goes on that may not know the end of its own feed.
type RecoverRequest struct {
	// Plan has nothing done: the answer says what is known.
	Plan bool `json:"plan,omitempty"`
	// Without are members that are not waited for, Addrs such addresses to join. Each has to be missing.
	Without []crdt.Author `json:"without,omitempty"`
	Addrs   []string      `json:"addrs,omitempty"`
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
	// Addrs are the addresses to join at which nobody had answered.
	Addrs []string `json:"addrs,omitempty"`
	// Alone says that nobody was asked.
	Alone bool `json:"alone,omitempty"`
	// Place is where the entry stands that says all this.
	Place *crdt.Place `json:"place,omitempty"`
}
