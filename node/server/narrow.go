package server

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
)

// entries yields the entries that a query takes and that the call may read.
func (s *server) entries(ctx context.Context, q eventlog.Query) iter.Seq2[eventlog.Entry, error] {
	return narrowed(ctx, q, s.log.Entries, func(e *eventlog.Entry) *crdt.Event { return &e.Event })
}

// tail is entries for those that come.
func (s *server) tail(ctx context.Context, q eventlog.Query) iter.Seq2[eventlog.Entry, error] {
	return narrowed(ctx, q, s.log.Tail, func(e *eventlog.Entry) *crdt.Event { return &e.Event })
}

// narrowed yields what read does for a query, without what the call may not read. What is gone has no kind any more, and
// is told as it is to any query.
func narrowed[V any](ctx context.Context, q eventlog.Query, read func(context.Context, eventlog.Query) iter.Seq2[V, error], of func(*V) *crdt.Event) iter.Seq2[V, error] {
	g := grantOf(ctx)
	if g == nil || !g.Narrow() {
		return read(ctx, q)
	}
	limit := q.Limit
	q.Limit = 0
	if len(q.Kinds) == 0 {
		q.Kinds = g.Kinds // which the index may help with
	}
	all := read(ctx, q) // now: a listener hears what comes from the call on
	return func(yield func(V, error) bool) {
		for v, err := range all {
			if e := of(&v); err == nil && e.Kind != "" && !g.Takes(e.Kind, e.Subject) {
				continue
			}
			limit--
			if !yield(v, err) || err != nil || limit == 0 {
				return
			}
		}
	}
}

// signed returns an event that the call may append, with the name of its token as [api.ClientHeader].
func signed(g *access.Grant, e crdt.Event) (crdt.Event, error) {
	if g == nil {
		return e, nil
	}
	if g.Narrow() && !g.Takes(e.Kind, e.Subject) {
		return e, &api.Error{Code: api.Forbidden, Message: fmt.Sprintf("token %s is for some kinds or subjects alone, and not for kind %.80q with subject %.80q", g.Name, e.Kind, e.Subject)}
	}
	headers, err := signedHeaders(g, e.Headers)
	e.Headers = headers
	return e, err
}

// signedHeaders returns headers with the name of the call's token among them. A client that has written one itself is
// refused, unless it may do everything.
func signedHeaders(g *access.Grant, headers []crdt.EventHeader) ([]crdt.EventHeader, error) {
	if g == nil {
		return headers, nil
	}
	own := func(h crdt.EventHeader) bool {
		return strings.EqualFold(h.Name, api.ClientHeader) || strings.EqualFold(h.Name, api.IDHeader)
	}
	if i := slices.IndexFunc(headers, own); i >= 0 && !g.Allows(api.ScopeAdmin) {
		return nil, &api.Error{Code: api.Forbidden, Message: fmt.Sprintf("header %s is the node's to write: a token needs the scope %s to send it", strings.ToLower(headers[i].Name), api.ScopeAdmin)}
	}
	return withHeader(headers, api.ClientHeader, g.Name), nil
}

// withHeader returns headers with one more, unless it is there.
func withHeader(headers []crdt.EventHeader, name, value string) []crdt.EventHeader {
	at, there := slices.BinarySearchFunc(headers, name, func(h crdt.EventHeader, name string) int { return strings.Compare(h.Name, name) })
	if there {
		return headers
	}
	return slices.Insert(headers, at, crdt.EventHeader{Name: name, Value: value})
}
