package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
)

// guard makes a handler of next that passes on to it what the tokens allow that clients show, with the [access.Grant] in
// the context, and no secret: neither the header nor the ticket. The call ends when its grant does. Next serves the
// routes of rt.
func (rt *router) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, route := rt.mux.Handler(r)
		op, declared := rt.operations[route]
		if declared && op.scope == "" {
			next.ServeHTTP(w, rt.s.unasked(r))
			return
		}
		w.Header().Set("Cache-Control", "no-store") // a ticket's URL is no key to what somebody else has read
		r, grant, err := rt.s.admit(r)
		if err == nil && declared {
			err = allow(grant, op)
		}
		if err == nil && rt.s.enter != nil {
			var leave func()
			if leave, err = rt.s.enter(r.Context(), grant); err == nil {
				defer leave()
			}
		}
		if err != nil {
			challenge(w, err, op.scope)
			rt.s.refuse(w, r, err)
			return
		}
		ctx, over := untilEnded(access.With(withCall(r, route), grant), w, grant)
		defer over()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// admit returns what the token or the ticket of a request grants, and the request without it.
func (s *server) admit(r *http.Request) (*http.Request, *access.Grant, error) {
	bare := r.Clone(r.Context())
	shown := bare.Header["Authorization"]
	bare.Header.Del("Authorization")
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return bare, nil, invalid(fmt.Errorf("read the URL's parameters: %w", err))
	}
	ticket := query[api.ParamTicket]
	if len(ticket) > 0 {
		delete(query, api.ParamTicket)
		bare.URL.RawQuery = query.Encode()
		bare.RequestURI = bare.URL.RequestURI()
	}
	switch {
	case len(shown)+len(ticket) == 0:
		return bare, nil, &api.Error{Code: api.Unauthorized, Message: `no token: expected one in the header "Authorization: Bearer TOKEN"; quipu token create makes one`}
	case len(shown)+len(ticket) > 1:
		return bare, nil, &api.Error{Code: api.Unauthorized, Message: "more than one token or ticket: expected one"}
	case len(ticket) == 1 && r.Method != http.MethodGet && r.Method != http.MethodHead:
		return bare, nil, &api.Error{Code: api.Forbidden, Message: "a ticket is for reading alone: expected a token in the header Authorization"}
	case len(ticket) == 1:
		grant, err := s.tokens.CheckTicket(ticket[0], targetOf(bare.URL))
		return bare, grant, err
	}
	scheme, secret, _ := strings.Cut(shown[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return bare, nil, &api.Error{Code: api.Unauthorized, Message: `the header Authorization has another scheme: expected "Bearer TOKEN"`}
	}
	grant, err := s.tokens.Check(strings.Trim(secret, " "))
	return bare, grant, err
}

// unasked returns a request that needs no token, without the one that it shows: with what that grants, or nothing. Whoever
// watches over a node is answered all the same once a token has expired.
func (s *server) unasked(r *http.Request) *http.Request {
	bare, grant, err := s.admit(r)
	if err != nil {
		grant = new(access.Grant)
	}
	return bare.WithContext(access.With(bare.Context(), grant))
}

// targetOf returns what a ticket is bound to: path and parameters, in the one form that they have here.
func targetOf(u *url.URL) string { return u.EscapedPath() + "?" + u.Query().Encode() }

// allow says why a grant does not reach a route, or nil.
func allow(g *access.Grant, op operation) error {
	switch {
	case !g.Allows(op.scope):
		return &api.Error{Code: api.Forbidden, Message: fmt.Sprintf("token %s has no scope %s, which this call needs", g.Name, op.scope)}
	case g.Session && op.moves:
		return &api.Error{Code: api.Forbidden, Message: "a session of the page only looks: expected a token, since this call moves a follower"}
	case g.Narrow() && !op.narrow:
		return &api.Error{Code: api.Forbidden, Message: fmt.Sprintf("token %s is for some kinds or subjects alone: it reaches entries, tail and append, and nothing else", g.Name)}
	}
	return nil
}

// challenge says in the head of a refusal what a client would have to show, by RFC 6750.
func challenge(w http.ResponseWriter, err error, scope api.Scope) {
	switch problem(err).Code {
	case api.Unauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="quipu"`)
	case api.Forbidden:
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="quipu", error="insufficient_scope", scope=%q`, scope))
	}
}

// grantOf returns what a call is allowed: nil for everything, as on the node's own socket.
func grantOf(ctx context.Context) *access.Grant { return access.Of(ctx) }
