package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
)

// noTokens refuses what has to do with tokens where there is no folder for them.
var noTokens = &api.Error{Code: api.NotRunning, Message: "this node has no tokens"}

// getTokens answers with the tokens.
func (s *server) getTokens(context.Context, *none) ([]api.Token, error) {
	if s.tokens == nil {
		return nil, noTokens
	}
	return s.tokens.List()
}

// tokenInput says what a token is to allow.
type tokenInput struct{ Body api.TokenRequest }

// postToken makes a token, and answers with its secret.
func (s *server) postToken(_ context.Context, in *tokenInput) (api.NewToken, error) {
	if s.tokens == nil {
		return api.NewToken{}, noTokens
	}
	secret, t, err := s.tokens.Create(in.Body)
	if err != nil {
		return api.NewToken{}, err
	}
	s.logger.Info("token created", "name", t.Name, "scopes", t.Scopes)
	return api.NewToken{Token: t, Secret: secret}, nil
}

// tokenName names a token.
type tokenName struct {
	Name string `path:"name" doc:"Of the token."`
}

// deleteToken revokes a token.
func (s *server) deleteToken(_ context.Context, in *tokenName) (none, error) {
	if s.tokens == nil {
		return none{}, noTokens
	}
	err := s.tokens.Revoke(in.Name)
	if err == nil {
		s.logger.Info("token revoked", "name", in.Name)
	}
	return none{}, err
}

// ticketInput says what a ticket is for.
type ticketInput struct{ Body api.TicketRequest }

// postTicket makes a ticket of the token that asks.
func (rt *router) postTicket(ctx context.Context, in *ticketInput) (api.Ticket, error) {
	grant := grantOf(ctx)
	if grant == nil {
		return api.Ticket{}, &api.Error{Code: api.Unauthorized, Message: "a ticket stands for a token, and this call came without one: ask over HTTP with the token"}
	}
	u, err := rt.readable(grant, in.Body.URL)
	if err != nil {
		return api.Ticket{}, err
	}
	ticket, expires, err := rt.s.tokens.Ticket(grant, targetOf(u), time.Duration(in.Body.TTL))
	if err != nil {
		return api.Ticket{}, err
	}
	query := u.Query()
	query.Set(api.ParamTicket, ticket)
	u.RawQuery = query.Encode()
	return api.Ticket{URL: u.String(), Expires: expires}, nil
}

// readable reads the path and query of what a grant lets be read.
func (rt *router) readable(grant *access.Grant, target string) (*url.URL, error) {
	u, err := url.ParseRequestURI(target)
	if err != nil || u.Host != "" || u.Path != path.Clean(u.Path) { // "//x/y" would be another host to a browser
		return nil, invalid(fmt.Errorf("field \"url\": %.200q: expected the path and query of what is read, such as /v1/tail?kind=note", target))
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || query.Has(api.ParamTicket) {
		return nil, invalid(fmt.Errorf("field \"url\": expected a query without a %s", api.ParamTicket))
	}
	_, route := rt.mux.Handler(&http.Request{Method: http.MethodGet, URL: u})
	op, declared := rt.operations[route]
	if !declared || !op.takesTickets(http.MethodGet) {
		return nil, invalid(fmt.Errorf("field \"url\": nothing is read with a token at %.200q", u.Path))
	}
	return u, allow(grant, op)
}
