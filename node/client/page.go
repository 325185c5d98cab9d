package client

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// PageLink has a running node make a code with which its page is signed in to, and returns the address of the page with it
// behind the #: good once, and until it expires. Only a node's own socket makes one, and one that has no port for HTTP
// refuses with [api.NotRunning]. The address is one of this machine.
func (c *Client) PageLink(ctx context.Context) (link string, expires time.Time, err error) {
	made, err := post[api.PageCode](ctx, c, "sign in to the page", "/v1/page/codes", struct{}{})
	if err != nil {
		return "", expires, err
	}
	status, err := c.Status(ctx)
	if err != nil {
		return "", expires, err
	}
	u, err := url.Parse(status.HTTP)
	if err != nil {
		return "", expires, fmt.Errorf("sign in to the page: %w", err)
	}
	if at, err := netip.ParseAddrPort(u.Host); err == nil && at.Addr().IsUnspecified() {
		u.Host = net.JoinHostPort("localhost", u.Port())
	}
	u.Path, u.Fragment = "/", made.Code
	return u.String(), made.Expires, nil
}

// EndPageSessions signs out every browser that the node has signed in to its page, makes void the codes that nobody has used,
// and returns how many sessions that were. Only a call on the node's own socket may.
func (c *Client) EndPageSessions(ctx context.Context) (ended int, err error) {
	out, err := call[api.SignedOut](ctx, c, "end sessions of the page", http.MethodDelete, "/v1/page/sessions")
	return out.Sessions, err
}
