package server

import (
	"context"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"

	"github.com/quipulog/quipu/node/api"
)

// postPageCode makes a sign-in code for who asks on the socket of a node that has a page.
func (s *server) postPageCode(ctx context.Context, _ *none) (api.PageCode, error) {
	switch {
	case grantOf(ctx) != nil:
		return api.PageCode{}, &api.Error{Code: api.Forbidden, Message: "a sign-in code is made on the node's own machine: expected a call on its socket, as by quipu page"}
	case s.daemon == nil || s.tokens == nil || s.enter == nil:
		return api.PageCode{}, &api.Error{Code: api.NotRunning, Message: "the page is on the port for HTTP of a running node, and this one has none: expected quipu start --http HOST:PORT"}
	}
	code, expires := s.tokens.SignIn()
	return api.PageCode{Code: code, Expires: expires}, nil
}

// sessionInput is a code, and from where it comes.
type sessionInput struct {
	from netip.Addr
	Body api.SessionRequest
}

// Resolve takes the address; huma calls it.
func (in *sessionInput) Resolve(ctx huma.Context) []error {
	if at, err := netip.ParseAddrPort(ctx.RemoteAddr()); err == nil {
		in.from = at.Addr()
	}
	return nil
}

// postPageSession gives a session for a code.
func (s *server) postPageSession(_ context.Context, in *sessionInput) (api.Session, error) {
	if s.tokens == nil {
		return api.Session{}, noTokens
	}
	token, expires, err := s.tokens.Exchange(in.Body.Code, in.from)
	if err != nil {
		return api.Session{}, err
	}
	s.logger.Info("page signed in", "remote", in.from, "expires", expires)
	return api.Session{Token: token, Expires: expires}, nil
}

// deletePageSession ends the session that asks, or all of them for who asks on the socket.
func (s *server) deletePageSession(ctx context.Context, _ *none) (api.SignedOut, error) {
	grant := grantOf(ctx)
	switch {
	case s.tokens == nil:
		return api.SignedOut{}, noTokens
	case grant != nil && !grant.Session:
		return api.SignedOut{}, &api.Error{Code: api.Forbidden, Message: "a token is no session of the page: expected a session, which ends itself, or a call on the node's socket, as by quipu page --end"}
	}
	ended := s.tokens.EndSession(grant)
	s.logger.Info("page signed out", "sessions", ended)
	return api.SignedOut{Sessions: ended}, nil
}
