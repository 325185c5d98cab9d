package httpapi

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/integration/daemon"
)

func TestMain(m *testing.M) { daemon.Main(m) }

// node is a daemon with what makes requests of it.
type node struct {
	*daemon.Daemon
	socket  http.RoundTripper
	network http.RoundTripper // which shows no token
}

// with makes requests with a token, unless they have a head that says who asks.
type with struct {
	token string
	http.RoundTripper
}

func (w with) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, says := r.Header["Authorization"]; !says {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	return w.RoundTripper.RoundTrip(r)
}

// newNode makes a node of a log, or of a new one, and starts it; it joins whom flags name. It is called quipu.
func newNode(t *testing.T, name, log string, flags ...string) *node {
	t.Helper()
	d := daemon.New(t, name, log)
	d.Start(t, append(flags, "--http-host", "quipu")...)
	return &node{d, dialing("unix", filepath.Join(d.Dir, "quipu.sock")), dialing("tcp", strings.TrimPrefix(d.URL, "http://"))}
}

// dialing returns what makes requests of whoever listens at an address.
func dialing(network, addr string) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}}
}

// serving returns what makes requests of a handler.
func serving(t *testing.T, h http.Handler) http.RoundTripper {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return dialing("tcp", srv.Listener.Addr().String())
}
