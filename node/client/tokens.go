package client

import (
	"context"
	"net/http"

	"github.com/quipulog/quipu/node/api"
)

// Tokens returns the node's tokens in the order in which they were made.
func (c *Client) Tokens(ctx context.Context) ([]api.Token, error) {
	return get[[]api.Token](ctx, c, "list tokens", "/v1/tokens")
}

// CreateToken has the node make a token. Its secret is in the answer, and nowhere else. It is refused with [api.Exists]
// where there is one of that name.
func (c *Client) CreateToken(ctx context.Context, r api.TokenRequest) (api.NewToken, error) {
	return post[api.NewToken](ctx, c, "create token", "/v1/tokens", r)
}

// RevokeToken has the node end a token, and what it is used for within 5 s. It returns [api.ErrNotFound] when there is
// none of that name.
func (c *Client) RevokeToken(ctx context.Context, name string) error {
	_, err := call[struct{}](ctx, c, "revoke token", http.MethodDelete, "/v1/tokens/"+api.Segment(name))
	return err
}
