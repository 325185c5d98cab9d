package client_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

// remote is a node that is asked over HTTPS.
type remote struct {
	log   *eventlog.Log
	url   string
	tls   *tls.Config
	token api.Secret
	conns atomic.Int32 // that were made
}

// newRemote serves a log to the holders of tokens. Around, unless it is nil, stands before the node.
func newRemote(t *testing.T, log *eventlog.Log, around func(http.Handler) http.Handler) *remote {
	t.Helper()
	tokens := access.New(t.TempDir())
	if err := tokens.Read(); err != nil {
		t.Fatal(err)
	}
	secret, _, err := tokens.Create(api.TokenRequest{Name: "t", Scopes: []api.Scope{api.ScopeRead, api.ScopeAppend}})
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = server.NewServer(server.Config{Log: log, Tokens: tokens}).Network()
	if around != nil {
		handler = around(handler)
	}
	r := &remote{log: log, token: api.Secret(secret)}
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			r.conns.Add(1)
		}
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	t.Cleanup(srv.CloseClientConnections)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	r.url, r.tls = srv.URL, &tls.Config{RootCAs: roots}
	return r
}

// dial returns a client of the node.
func (r *remote) dial(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.Dial(r.url, client.Options{Token: r.token, TLS: r.tls})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// add appends n entries, whose subjects are numbers from first on, and returns an error that says which could not be.
func add(ctx context.Context, c *client.Client, first, n int) error {
	var lines bytes.Buffer
	for i := range n {
		lines.Write(append((&crdt.Event{Kind: "note", Subject: fmt.Sprint(first + i)}).AppendJSON(nil), '\n'))
	}
	for _, err := range c.Append(ctx, &lines) {
		if err != nil {
			return err
		}
		first++
	}
	return nil
}

// TestOverHTTPS appends and reads with a token, and is refused without one; what is refused shows no token.
func TestOverHTTPS(t *testing.T) {
	r := newRemote(t, eventlogtest.Open(t), nil)
	c := r.dial(t)
	if err := add(t.Context(), c, 0, 3); err != nil {
		t.Fatal(err)
	}
	n := 0
	for line, err := range c.Entries(t.Context(), api.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		e, _, err := line.Entry()
		if err != nil || e.Subject != fmt.Sprint(n) || !strings.Contains(string(line), `"quipu-client":"t"`) {
			t.Errorf("entry %d: %s, %v", n, line, err)
		}
		n++
	}
	if n != 3 {
		t.Errorf("%d entries, want 3", n)
	}
	if _, err := c.Compact(t.Context()); !strings.Contains(fmt.Sprint(err), "has no scope admin") {
		t.Errorf("compact: %v", err)
	}
	for want, o := range map[string]client.Options{
		"no token: expected one":       {TLS: r.tls},
		"the token is mistyped":        {TLS: r.tls, Token: r.token[:20] + "aaaa" + r.token[24:]},
		"what was shown is no token":   {TLS: r.tls, Token: "planted"},
		"characters that no token has": {TLS: r.tls, Token: r.token + "\n"},
		"certificate":                  {Token: r.token}, // which nobody vouches for
	} {
		wrong, err := client.Dial(r.url, o)
		if err == nil {
			_, err = wrong.Status(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), want) || o.Token != "" && strings.Contains(fmt.Sprintf("%+v %v", o, err), string(o.Token)) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestShortCallsShareAConnection counts them. Calls whose body or answer is a stream have each their own.
func TestShortCallsShareAConnection(t *testing.T) {
	r := newRemote(t, eventlogtest.Open(t), nil)
	c := r.dial(t)
	for range 20 {
		if _, err := c.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.conns.Load(); n != 1 {
		t.Errorf("20 short calls made %d connections, want 1", n)
	}
	for i := range 3 {
		if err := add(t.Context(), c, i, 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.conns.Load(); n != 4 {
		t.Errorf("with 3 appends there are %d connections, want 4", n)
	}
}

// TestOverASocket dials the socket that a node has in its folder.
func TestOverASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: listener, Config: &http.Server{Handler: server.New(server.Config{Log: eventlogtest.Open(t)})}}
	srv.Start()
	t.Cleanup(srv.Close)
	for _, address := range []string{"unix:" + path, "unix://" + path} {
		c, err := client.Dial(address, client.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(add(t.Context(), c, 0, 1), c.Close()); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestAddresses are those that name no node, and what answers that is none.
func TestAddresses(t *testing.T) {
	for _, address := range []string{
		"", "host:1", "127.0.0.1:80", "ftp://host", "http://", "https:///path", "http://u:geheim@host", "http://host?token=geheim", "http://host#geheim",
		"unix:", "unix://host/path", "/run/quipu.sock", "http://ho st", "http://host:port:geheim",
	} {
		if _, err := client.Dial(address, client.Options{}); err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "expected https://HOST:PORT") && !strings.Contains(err.Error(), "expected unix:PATH") {
			t.Errorf("%q: %v", address, err)
		}
	}
	other := httptest.NewServer(http.RedirectHandler("https://elsewhere.example/", http.StatusFound))
	t.Cleanup(other.Close)
	c, err := client.Dial(other.URL+"/", client.Options{Token: "quipu_x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Status(t.Context()); !errors.Is(err, api.ErrStranger) || !strings.Contains(err.Error(), other.URL+" is no quipu node, but says 302") {
		t.Errorf("what answers is no node: %v", err)
	}
}
