package api

import "context"

// Unmatched is a value of a query that no entry has which this node holds: nothing can match it, until such
// an entry is written.
type Unmatched struct {
	// What is "author", "kind", "module" or "subject".
	What  string `json:"what"`
	Value string `json:"value"`
	// Nearest is a value that resembles it and that one of the newest entries has; empty for none.
	Nearest string `json:"nearest,omitempty"`
}

// Unmatched returns the authors, kinds, modules and subjects of the query that no entry has. Where telling
// would take too long, a value is left out.
func (c *Client) Unmatched(ctx context.Context, q Query) ([]Unmatched, error) {
	only := Query{Authors: q.Authors, Kinds: q.Kinds, Modules: q.Modules, Subjects: q.Subjects}
	return get[[]Unmatched](ctx, c, "look for values", "/v1/unmatched?"+only.Values().Encode())
}
