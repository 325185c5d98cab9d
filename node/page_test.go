package node_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/gateway"
	"github.com/quipulog/quipu/node/page"
)

// TestThePageIsOnThePortForHTTPAlone: without a token, as far as this program has one; the socket has none, and what is
// below /v1 is no page's.
func TestThePageIsOnThePortForHTTPAlone(t *testing.T) {
	dir, _ := newNode(t, crdt.LogID{})
	n := run(t, node.Config{Dir: dir, HTTP: gateway.Config{Addr: "127.0.0.1:0"}})
	bySocket := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", n.Socket())
	}}}
	ask := func(client *http.Client, url string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	built := httptest.NewRecorder()
	page.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })).
		ServeHTTP(built, httptest.NewRequest(http.MethodGet, "/", nil))
	byHTTP := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	got := ask(byHTTP, n.URL()+"/")
	if got.StatusCode != built.Code || got.Header.Get("Content-Security-Policy") != built.Header().Get("Content-Security-Policy") {
		t.Errorf("over HTTP: %d %v, want %d %v", got.StatusCode, got.Header, built.Code, built.Header())
	}
	if got.Header.Get("X-Frame-Options") != "DENY" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("over HTTP: %v", got.Header)
	}
	if got := ask(byHTTP, n.URL()+"/v1/status"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the status without a token: %d", got.StatusCode)
	}
	if got := ask(bySocket, "http://quipu/"); got.StatusCode != http.StatusNotFound {
		t.Errorf("on the socket: %d", got.StatusCode)
	}
}
