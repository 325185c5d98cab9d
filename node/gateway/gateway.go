package gateway

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// Gateway is a port on which a node is asked.
type Gateway struct {
	listener net.Listener
	cert     *certificate // nil without TLS
	scheme   string
	fronted  bool // something in front of it may speak TLS
	ours     ours
	origins  []string
	logger   *slog.Logger

	allowance allowance
	crowd     crowd
}

// Listen opens the port that cfg says. Connections queue until [Gateway.Serve]. Logger takes what an operator should
// know.
func Listen(ctx context.Context, cfg Config, logger *slog.Logger) (*Gateway, error) {
	if setting, err := cfg.Wrong(); err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	g := &Gateway{
		scheme: "http", fronted: cfg.Plain, logger: logger,
		allowance: allowance{rate: cmp.Or(cfg.Rate, DefaultRate), byToken: make(map[string]*use)},
		crowd:     newCrowd(),
	}
	for _, text := range cfg.Origins {
		origin, err := parseOrigin(text)
		if err != nil {
			return nil, err
		}
		g.origins = append(g.origins, origin)
	}
	name, _, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, err
	}
	g.ours = newOurs(append([]string{name}, cfg.Hosts...))
	if cfg.Cert != "" {
		if g.cert, err = newCertificate(cfg.Cert, cfg.Key); err != nil {
			return nil, fmt.Errorf("open %s for HTTP: %w", cfg.Addr, err)
		}
		g.scheme = "https"
		if leaf := g.Certificate(); time.Now().After(leaf.NotAfter) {
			logger.Warn("the certificate has expired: clients refuse it", "path", cfg.Cert, "expires", leaf.NotAfter.UTC())
		}
	}
	if g.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr); err != nil {
		return nil, fmt.Errorf("open %s for HTTP: %w", cfg.Addr, err)
	}
	// A name may be that of any address.
	if local, ok := ipOf(g.listener.Addr()); !ok || !local.IsLoopback() {
		if err := cfg.exposed(g.listener.Addr().String()); err != nil {
			return nil, errors.Join(fmt.Errorf("open %s for HTTP: %w", cfg.Addr, err), g.Close())
		}
	}
	return g, nil
}

// ipOf returns the address of one end of a connection.
func ipOf(addr net.Addr) (netip.Addr, bool) {
	at, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}, false
	}
	return plainIP(at.AddrPort().Addr()), true
}

// URL returns where the node is asked: the scheme, and the address with the port that was taken.
func (g *Gateway) URL() string { return g.scheme + "://" + g.listener.Addr().String() }

// Certificate returns the certificate that clients are shown; nil without TLS.
func (g *Gateway) Certificate() *x509.Certificate {
	if g.cert == nil {
		return nil
	}
	return g.cert.held.Load().Leaf
}

// Close closes the port, unless [Gateway.Serve] has.
func (g *Gateway) Close() error {
	if err := g.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Network answers calls over the network.
type Network interface {
	// ServeHTTP answers those that come from where they may come from, Refuse the others.
	http.Handler
	Refuse(http.ResponseWriter, *api.Error)
}

// Server returns the server of the port, where network answers. Calls end with ctx.
func (g *Gateway) Server(ctx context.Context, network Network) *http.Server {
	return &http.Server{
		Handler:           g.handler(network),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: headFor,
		IdleTimeout:       idleFor,
		MaxHeaderBytes:    maxHead,
		ConnContext:       g.crowd.join,
		ConnState:         g.crowd.watch,
		ErrorLog:          slog.NewLogLogger(g.logger.Handler(), slog.LevelDebug),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: pingAfter, PingTimeout: headFor, WriteByteTimeout: writeFor},
	}
}

// Serve has srv, which [Gateway.Server] has returned, answer until it is shut down. What the files of the certificate
// hold counts until ctx ends.
func (g *Gateway) Serve(ctx context.Context, srv *http.Server) error {
	if g.cert == nil {
		return srv.Serve(g.listener)
	}
	ctx, end := context.WithCancel(ctx)
	looking := make(chan struct{})
	go func() {
		defer close(looking)
		g.cert.run(ctx, g.logger)
	}()
	defer func() {
		end()
		<-looking
	}()
	srv.TLSConfig = g.cert.config()
	return srv.ServeTLS(g.listener, "", "")
}

// guarded are the headers of every answer: browsers keep, guess and pass on nothing.
var guarded = map[string]string{
	"Cache-Control":          "no-store",
	"Referrer-Policy":        "no-referrer",
	"X-Content-Type-Options": "nosniff",
	"X-Frame-Options":        "DENY",
}

// handler makes a handler of network for all calls.
func (g *Gateway) handler(network Network) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := newCall()
		r = r.Clone(context.WithValue(r.Context(), callKey{}, c))
		r.Header.Set(api.RequestHeader, c.request)
		p := newPaced(w, r)
		defer g.end(c, p, r)
		for name, value := range guarded {
			p.Header().Set(name, value)
		}
		p.Header().Set(api.RequestHeader, c.request)
		if err := g.allowHost(r); err != nil {
			network.Refuse(p, err)
			return
		}
		if isFull(r.Context()) {
			p.Header().Set("Connection", "close")
			network.Refuse(p, &api.Error{Code: api.Busy, Message: fmt.Sprintf("%d connections are open, as many as may be, and each has a call", g.crowd.most)})
			return
		}
		answered, err := g.allowOrigin(p, r)
		switch {
		case err != nil:
			network.Refuse(p, err)
		case !answered:
			network.ServeHTTP(p, r)
		}
	})
}

// allowHost refuses a request for a host that is not the node's.
func (g *Gateway) allowHost(r *http.Request) *api.Error {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if ip, _ := ipOf(local); g.ours.has(r.Host, ip) {
		return nil
	}
	return &api.Error{Code: api.Misdirected, Message: fmt.Sprintf("%.100q is no host of this node: ask it by its address, or name the host with --http-host", r.Host)}
}
