package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/quipulog/quipu/node/api"
)

// Options say how [Dial] reaches a node. It may be zero.
type Options struct {
	// Token is shown with each call. A node asks for one over HTTP, and for none on its socket.
	Token api.Secret
	// TLS is for https. Nil trusts whom this machine does; on Linux the variable SSL_CERT_FILE names a file with others.
	TLS *tls.Config
	// Retries is how often in a row what may be made again is made again, with pauses that double from a tenth of a
	// second to 5 s, half of them at random: see [Client]. 0 means 8, which take some 15 s; negative is never.
	Retries int
}

// The bounds of what Dial does by itself.
const (
	defaultRetries = 8
	// maxIdle bounds the connections that are kept for short calls. One that was idle for idleFor is closed: well before a
	// Read that waits on it meets its deadline.
	maxIdle = 16
	idleFor = api.Silence / 2
)

// Dial returns a client of the node at an address: "https://HOST:PORT" or "http://HOST:PORT", which may have a path before that
// of each call, or "unix:" and the path of the node's socket. Nobody is called before the first call. An error names what is
// wrong with the address, or with the token.
func Dial(address string, o Options) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" { // whose own error would show a password
		return nil, errors.New("address of a node: expected https://HOST:PORT, http://HOST:PORT or unix:PATH, without user, query and fragment")
	}
	if strings.ContainsFunc(string(o.Token), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("token: it has characters that no token has: expected the one line that \"quipu token create\" has printed")
	}
	c := &Client{base: base, retries: max(0, cmp.Or(o.Retries, defaultRetries)), token: o.Token}
	switch {
	case u.Scheme == "unix" && u.Host == "":
		path := filepath.FromSlash(cmp.Or(u.Opaque, u.Path))
		if path == "" {
			return nil, fmt.Errorf("address of a node: %q names no socket: expected unix:PATH", address)
		}
		c.dial = func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "unix", path) }
	case (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "":
		c.base = strings.TrimSuffix(u.String(), "/")
		c.dial = dialer(u, o.TLS)
	default:
		return nil, fmt.Errorf("address of a node: %q: expected https://HOST:PORT, http://HOST:PORT or unix:PATH", address)
	}
	kept := func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := c.connect(ctx)
		if err != nil {
			return nil, err
		}
		return &keptConn{watched{Conn: conn}}, nil
	}
	c.kept = &http.Transport{
		DialContext: kept, DialTLSContext: kept,
		MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: idleFor, DisableCompression: true,
	}
	c.close = func() error { c.kept.CloseIdleConnections(); return nil }
	return c, nil
}

// dialer returns what makes connections to the host of a URL.
func dialer(u *url.URL, config *tls.Config) func(context.Context) (net.Conn, error) {
	host := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), u.Scheme))
	if u.Scheme == "http" {
		return func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", host) }
	}
	d := tls.Dialer{Config: config}
	return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", host) }
}

// keptConn is a connection for one call after another. A call that begins gives the Read that waits on it time anew.
type keptConn struct{ watched }

func (k *keptConn) Write(b []byte) (int, error) {
	if err := k.expect(); err != nil {
		return 0, err
	}
	return k.watched.Write(b)
}
