package server_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

// TestSigningIn: a code comes over the socket of a node that has a port for HTTP, and over nothing else. What it is
// exchanged for reads, once; it appends nothing, keeps nothing and moves no follower.
func TestSigningIn(t *testing.T) {
	n := newNetwork(t)
	entered := 0
	cfg := server.Config{Log: n.log, Daemon: daemon{}, Tokens: n.tokens}
	if told := refusalOf(t, server.NewServer(cfg).Socket()); told.Code != api.NotRunning || !strings.Contains(told.Message, "--http") {
		t.Errorf("without a port for HTTP: %+v", told)
	}
	cfg.Enter = func(context.Context, *access.Grant) (func(), error) { entered++; return func() {}, nil }
	all := server.NewServer(cfg)
	alone := cfg
	alone.Daemon = nil
	if told := refusalOf(t, server.NewServer(alone).Socket()); told.Code != api.NotRunning {
		t.Errorf("without a daemon: %+v", told)
	}
	srv := httptest.NewServer(all.Network())
	t.Cleanup(srv.Close)
	n.url = srv.URL
	admin := n.token(t, api.TokenRequest{Name: "admin", Scopes: []api.Scope{api.ScopeAdmin}})
	if status, body := n.ask(t, "POST", "/v1/page/codes", admin, ""); status != http.StatusForbidden {
		t.Errorf("over the network: %d, %s", status, body)
	}

	var made api.PageCode
	ask(t, all.Socket(), http.StatusOK, &made)
	request := `{"code":"` + made.Code + `"}`
	status, body := n.ask(t, "POST", "/v1/page/sessions", "", request)
	var session api.Session
	if err := json.Unmarshal([]byte(body), &session); err != nil || status != http.StatusOK || session.Expires.IsZero() {
		t.Fatalf("%d, %s, %v", status, body, err)
	}
	for _, again := range []string{request, `{"code":""}`, `{"code":"` + strings.Repeat("A", 43) + `"}`, `{}`} {
		status, refusal := n.ask(t, "POST", "/v1/page/sessions", "", again)
		if status != http.StatusUnauthorized || strings.Contains(refusal, made.Code) {
			t.Errorf("%s: %d, %s", again, status, refusal)
		}
	}
	for call, want := range map[string]int{
		"GET /v1/stats": 200, "GET /v1/entries": 200, "GET /v1/followers": 200, "POST /v1/transitions/at": 200,
		"POST /v1/entries": 403, "POST /v1/broadcast": 403, "POST /v1/trim": 403, "POST /v1/stop": 403, "GET /v1/tokens": 403, "POST /v1/page/codes": 403,
		"POST /v1/followers/f/fetch": 403, "POST /v1/followers/f/ack": 403, "POST /v1/followers/f/nack": 403, "POST /v1/followers/f/extend": 403, "DELETE /v1/followers/f": 403,
	} {
		method, path, _ := strings.Cut(call, " ")
		send := ""
		if method == "POST" {
			send = "{}"
		}
		if status, body := n.ask(t, method, path, session.Token, send); status != want {
			t.Errorf("%s: %d, want %d: %s", call, status, want, body)
		}
	}
	if entered == 0 {
		t.Error("no call of the session was counted")
	}
	tries := 0
	for range 30 {
		if status, _ := n.ask(t, "POST", "/v1/page/sessions", "", `{"code":"x"}`); status == http.StatusTooManyRequests {
			tries++
		}
	}
	if tries == 0 {
		t.Error("all of 30 codes were tried")
	}
}

// TestSigningOut: a session ends itself and no other, a token ends none, and the socket ends all.
func TestSigningOut(t *testing.T) {
	n := newNetwork(t)
	all := server.NewServer(server.Config{Log: n.log, Daemon: daemon{}, Tokens: n.tokens, Enter: func(context.Context, *access.Grant) (func(), error) { return func() {}, nil }})
	srv := httptest.NewServer(all.Network())
	t.Cleanup(srv.Close)
	n.url = srv.URL
	var tokens []string
	for range 3 {
		var made api.PageCode
		ask(t, all.Socket(), http.StatusOK, &made)
		var session api.Session
		if _, body := n.ask(t, "POST", "/v1/page/sessions", "", `{"code":"`+made.Code+`"}`); json.Unmarshal([]byte(body), &session) != nil {
			t.Fatal(body)
		}
		tokens = append(tokens, session.Token)
	}
	holds := func(want ...int) {
		t.Helper()
		for i, token := range tokens {
			if status, _ := n.ask(t, "GET", "/v1/stats", token, ""); status != want[i] {
				t.Errorf("session %d: %d, want %d", i, status, want[i])
			}
		}
	}
	admin := n.token(t, api.TokenRequest{Name: "admin", Scopes: []api.Scope{api.ScopeAdmin}})
	if status, body := n.ask(t, "DELETE", "/v1/page/sessions", admin, ""); status != http.StatusForbidden {
		t.Errorf("a token: %d, %s", status, body)
	}
	holds(200, 200, 200)
	if status, body := n.ask(t, "DELETE", "/v1/page/sessions", tokens[1], ""); status != http.StatusOK || !strings.Contains(body, `"sessions":1`) {
		t.Errorf("%d, %s", status, body)
	}
	holds(200, 401, 200)
	w := httptest.NewRecorder()
	all.Socket().ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "/v1/page/sessions", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"sessions":2`) {
		t.Errorf("%d, %s", w.Code, w.Body)
	}
	holds(401, 401, 401)
}

// ask asks a handler for a code, and reads its answer.
func ask(t *testing.T, socket http.Handler, status int, into any) {
	t.Helper()
	w := httptest.NewRecorder()
	socket.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/page/codes", strings.NewReader("{}")))
	b, err := io.ReadAll(w.Body)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil || w.Code != status {
		t.Fatalf("%d: %s, %v", w.Code, b, err)
	}
}

func refusalOf(t *testing.T, socket http.Handler) (told api.Error) {
	t.Helper()
	ask(t, socket, http.StatusServiceUnavailable, &told)
	return told
}
