package client

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// Authors returns the authors that the node knows of, in order.
func (c *Client) Authors(ctx context.Context) ([]api.Author, error) {
	return get[[]api.Author](ctx, c, "authors", "/v1/authors")
}

// Forks yields the authors who have forked, without saying where.
func (c *Client) Forks(ctx context.Context) iter.Seq2[api.ForkedFeed, error] {
	return decoded[api.ForkedFeed](c.stream(ctx, "read forks", http.MethodGet, "/v1/forks", nil))
}

// Fork returns the feed of an author who has forked, with all its forks. It returns [api.ErrNotFound] when
// nothing of the author is disputed.
func (c *Client) Fork(ctx context.Context, a crdt.Author) (api.ForkedFeed, error) {
	return call[api.ForkedFeed](ctx, c, "read forks", http.MethodGet, "/v1/forks/"+a.String())
}

// Where returns which nodes hold the entry at p, as far as the daemon has heard. It returns [api.ErrNotFound] when none
// stands there, [api.ErrTrimmed] when it was pruned here, and is refused with [api.NotRunning] where no daemon runs.
func (c *Client) Where(ctx context.Context, p crdt.Place) (api.Where, error) {
	return get[api.Where](ctx, c, "where", "/v1/entries/"+url.PathEscape(p.String())+"/where")
}

// Unmatched returns the authors, kinds, modules and subjects of the query that no entry has. Where telling
// would take too long, a value is left out.
func (c *Client) Unmatched(ctx context.Context, q api.Query) ([]api.Unmatched, error) {
	only := api.Query{Authors: q.Authors, Kinds: q.Kinds, Modules: q.Modules, Subjects: q.Subjects}
	return get[[]api.Unmatched](ctx, c, "look for values", "/v1/unmatched?"+only.Values().Encode())
}

// Links returns the links that the node has to others. It is refused with [api.NotRunning] where no daemon runs.
func (c *Client) Links(ctx context.Context) ([]api.Link, error) {
	return get[[]api.Link](ctx, c, "links", "/v1/links")
}

// FrontierHash returns the hash of what the node holds: see [api.Frontier].
func (c *Client) FrontierHash(ctx context.Context) (crdt.Hash, error) {
	held, err := get[api.FrontierHash](ctx, c, "frontier", "/v1/frontier/hash")
	return held.Hash, err
}

// Stats counts what the query takes by kind, module and author. Its order does not matter, and nothing is shown of what is
// gone.
func (c *Client) Stats(ctx context.Context, q api.Query) (api.Stats, error) {
	only := api.Query{
		Authors: q.Authors, Kinds: q.Kinds, Modules: q.Modules, Subjects: q.Subjects, From: q.From, Disputed: q.Disputed, Gone: q.Gone,
		Since: q.Since, Until: q.Until, Limit: q.Limit,
	}
	return call[api.Stats](ctx, c, "count entries", http.MethodGet, "/v1/stats?"+only.Values().Encode())
}

// Cords counts the entries that the query takes by author, kind and time.
func (c *Client) Cords(ctx context.Context, q api.CordsQuery) (api.Cords, error) {
	return get[api.Cords](ctx, c, "count entries", "/v1/cords?"+q.Values().Encode())
}

// States yields the stage of each subject that the query takes, sorted by subject.
func (c *Client) States(ctx context.Context, q api.StateQuery) iter.Seq2[api.State, error] {
	return bounded[api.State](ctx, c, "read state", "/v1/state", q)
}

// Transitions yields the transitions that the query takes, in causal order.
func (c *Client) Transitions(ctx context.Context, q api.StateQuery) iter.Seq2[api.Transition, error] {
	return bounded[api.Transition](ctx, c, "read transitions", "/v1/transitions", q)
}

// bounded yields what a query takes. A frontier may be too long for a URL.
func bounded[T any](ctx context.Context, c *Client, what, path string, q api.StateQuery) iter.Seq2[T, error] {
	if q.At.Frontier == nil {
		return decoded[T](c.stream(ctx, what, http.MethodGet, path+"?"+q.Values().Encode(), nil))
	}
	body, err := json.Marshal(q)
	if err != nil {
		return func(yield func(T, error) bool) { yield(*new(T), wrap(what, err)) }
	}
	return decoded[T](c.stream(ctx, what, http.MethodPost, path+"/at", bytes.NewReader(body)))
}

// CheckTransitions has the node hold its transitions against a machine.
func (c *Client) CheckTransitions(ctx context.Context, r api.CheckRequest) (api.CheckReport, error) {
	return post[api.CheckReport](ctx, c, "check transitions", "/v1/transitions/check", r)
}
