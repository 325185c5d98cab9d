package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/gateway"
	"github.com/quipulog/quipu/node/gateway/gatewaytest"
)

// open is a gateway that serves until the test ends or stop is called.
type open struct {
	*gateway.Gateway
	addr string
	stop func()
}

// serve opens a gateway to a handler.
func serve(t *testing.T, cfg gateway.Config, network http.Handler) *open {
	t.Helper()
	o := new(open)
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	g, err := gateway.Listen(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	o.Gateway = g
	_, o.addr, _ = strings.Cut(g.URL(), "://")
	ctx, cancel := context.WithCancel(context.Background())
	srv := g.Server(ctx, gatewaytest.Network{Handler: network})
	served := make(chan error, 1)
	go func() { served <- g.Serve(ctx, srv) }()
	o.stop = sync.OnceFunc(func() {
		cancel()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(o.stop)
	return o
}

// hello answers what it was asked.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprintf(w, "%s %s of %s", r.Method, r.URL.Path, r.Header.Get(api.RequestHeader))
})

// say sends the head of a request as it is, and returns the answer.
func (o *open) say(t *testing.T, head ...string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", o.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, strings.Join(head, "\r\n")+"\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// TestEachAnswerIsGuarded: an answer has the number of its call, and tells browsers to keep, guess and pass on nothing;
// one that was refused here, too.
func TestEachAnswerIsGuarded(t *testing.T) {
	o := serve(t, gateway.Config{}, hello)
	numbers := make(map[string]bool)
	for _, host := range []string{o.addr, "evil.example"} {
		resp, body := o.say(t, "GET /x HTTP/1.1", "Host: "+host, api.RequestHeader+": mine")
		number := resp.Header.Get(api.RequestHeader)
		numbers[number] = true
		if len(number) != 16 || host == o.addr && body != "GET /x of "+number {
			t.Errorf("host %s: number %q, answer %q", host, number, body)
		}
		for name, want := range map[string]string{
			"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
			"Access-Control-Allow-Origin": "", "Set-Cookie": "",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("host %s: header %s: %q, want %q", host, name, got, want)
			}
		}
	}
	if len(numbers) != 2 {
		t.Errorf("numbers %v, want two", numbers)
	}
}

// TestWhereCallsMayComeFrom: host and origin of a request are looked at as they are sent, before anything else is.
func TestWhereCallsMayComeFrom(t *testing.T) {
	fronted := serve(t, gateway.Config{Hosts: []string{"quipu.example"}, Plain: true}, hello)
	resp, _ := fronted.say(t, "GET / HTTP/1.1", "Host: quipu.example", "Origin: https://quipu.example")
	if resp.StatusCode != http.StatusOK {
		t.Errorf("a page behind something that speaks TLS asks its own node: %s", resp.Status)
	}
	o := serve(t, gateway.Config{Hosts: []string{"quipu.example"}, Origins: []string{"https://App.example:443"}}, hello)
	_, port, _ := net.SplitHostPort(o.addr)
	for _, c := range []struct {
		head []string
		want api.Code // "" is answered
	}{
		{[]string{"GET / HTTP/1.1", "Host: " + o.addr}, ""},
		{[]string{"GET / HTTP/1.1", "Host: localhost:" + port}, ""},
		{[]string{"GET / HTTP/1.1", "Host: quipu.example"}, ""},
		{[]string{"GET / HTTP/1.1", "Host: evil.example:" + port}, api.Misdirected},
		{[]string{"GET / HTTP/1.0"}, api.Misdirected},
		{[]string{"GET / HTTP/1.1", "Host: "}, api.Misdirected},
		// The absolute form names the host that counts (RFC 9112, 3.2.2).
		{[]string{"GET http://evil.example/ HTTP/1.1", "Host: " + o.addr}, api.Misdirected},
		{[]string{"GET http://" + o.addr + "/ HTTP/1.1", "Host: evil.example"}, ""},
		{[]string{"GET //evil.example/ HTTP/1.1", "Host: " + o.addr}, ""},
		{[]string{"CONNECT evil.example:443 HTTP/1.1", "Host: evil.example:443"}, api.Misdirected},

		{[]string{"GET / HTTP/1.1", "Host: " + o.addr, "Origin: http://" + o.addr}, ""},
		{[]string{"GET / HTTP/1.1", "Host: " + o.addr, "Origin: https://app.example"}, ""},
		{[]string{"POST / HTTP/1.1", "Host: " + o.addr, "Content-Length: 0", "Origin: https://evil.example"}, api.CrossOrigin},
		{[]string{"GET / HTTP/1.1", "Host: " + o.addr, "Origin: https://" + o.addr}, api.CrossOrigin},
		{[]string{"GET / HTTP/1.1", "Host: " + o.addr, "Origin: http://localhost:" + port}, api.CrossOrigin},
		{[]string{"GET / HTTP/1.1", "Host: " + o.addr, "Origin: http://app.example"}, api.CrossOrigin},
		{[]string{"GET / HTTP/1.1", "Host: " + o.addr, "Origin: null"}, api.CrossOrigin},
		{[]string{"GET / HTTP/1.1", "Host: " + o.addr, "Origin: "}, api.CrossOrigin},
		{[]string{"GET / HTTP/1.1", "Host: " + o.addr, "Origin: https://app.example", "Origin: https://evil.example"}, api.CrossOrigin},
		{[]string{"OPTIONS / HTTP/1.1", "Host: " + o.addr, "Origin: https://evil.example", "Access-Control-Request-Method: POST"}, api.CrossOrigin},
	} {
		resp, body := o.say(t, c.head...)
		var told api.Error
		if c.want != "" && json.Unmarshal([]byte(body), &told) != nil || told.Code != c.want {
			t.Errorf("%q: %s %q, want %q", c.head, resp.Status, body, c.want)
		}
		if c.want == "" && resp.StatusCode != http.StatusOK || c.want != "" && resp.StatusCode != c.want.About().Status {
			t.Errorf("%q: %s", c.head, resp.Status)
		}
		if allowed := resp.Header.Get("Access-Control-Allow-Origin"); allowed != "" && allowed != "https://app.example" {
			t.Errorf("%q: origin %q is allowed", c.head, allowed)
		}
	}
}

// TestAPageOfAnAllowedOriginAsksBeforehand: a browser learns what the page may send without a token.
func TestAPageOfAnAllowedOriginAsksBeforehand(t *testing.T) {
	o := serve(t, gateway.Config{Origins: []string{"https://app.example"}}, http.NotFoundHandler())
	resp, _ := o.say(t, "OPTIONS /v1/entries HTTP/1.1", "Host: "+o.addr, "Origin: https://app.example",
		"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,ce-id")
	if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Access-Control-Allow-Headers") != "authorization,ce-id" ||
		!strings.Contains(resp.Header.Get("Access-Control-Allow-Methods"), "POST") || resp.Header.Get("Vary") != "Origin" ||
		resp.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}

// TestTokensDoNotCrossANetworkInTheClear: beyond loopback there is TLS, or somebody has said that there need not be.
func TestTokensDoNotCrossANetworkInTheClear(t *testing.T) {
	cert, key := certificateFiles(t, "localhost")
	for _, c := range []struct {
		cfg     gateway.Config
		setting string
	}{
		{gateway.Config{}, ""},
		{gateway.Config{Addr: "127.0.0.1:0"}, ""},
		{gateway.Config{Addr: "[::1]:0"}, ""},
		{gateway.Config{Addr: ":0"}, "http"},
		{gateway.Config{Addr: "0.0.0.0:0"}, "http"},
		{gateway.Config{Addr: "[::]:0"}, "http"},
		{gateway.Config{Addr: "192.0.2.1:0"}, "http"},
		{gateway.Config{Addr: ":0", Plain: true}, ""},
		{gateway.Config{Addr: ":0", Cert: cert, Key: key}, ""},
		{gateway.Config{Addr: "nowhere"}, "http"},
		{gateway.Config{Addr: "127.0.0.1:http"}, "http"},
		{gateway.Config{Addr: "127.0.0.1:0", Cert: cert}, "http-cert"},
		{gateway.Config{Addr: "127.0.0.1:0", Key: key}, "http-key"},
		{gateway.Config{Hosts: []string{"quipu.example:80"}}, "http-host"},
		{gateway.Config{Hosts: []string{"::1"}}, ""},
		{gateway.Config{Origins: []string{"app.example"}}, "http-origin"},
	} {
		if setting, err := c.cfg.Wrong(); setting != c.setting || (err != nil) != (setting != "") {
			t.Errorf("%+v: %q, %v, want %q", c.cfg, setting, err, c.setting)
		}
	}
	swapped := gateway.Config{Addr: "127.0.0.1:0", Cert: key, Key: cert}
	if _, err := gateway.Listen(t.Context(), swapped, slog.New(slog.DiscardHandler)); err == nil || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("certificate and key the wrong way round: %v", err)
	}
}

// certificateFiles makes the files of a certificate for a name, and of its key.
func certificateFiles(t *testing.T, name string) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "crt"), filepath.Join(dir, "key")
	files := gatewaytest.Certificate(t, name)
	for i, path := range []string{cert, key} {
		if err := os.WriteFile(path, files[i], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
