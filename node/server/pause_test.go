package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

// listener is an answer that notes whether the listener's deadline of the body was lifted.
type listener struct {
	*httptest.ResponseRecorder
	lifted bool
}

func (l *listener) EnableFullDuplex() error { return nil }

func (l *listener) SetReadDeadline(at time.Time) error {
	l.lifted = l.lifted || at.IsZero()
	return nil
}

// TestAWholeBodyHasItsTime: over a network only a body that is handled as it comes may take for ever; what is read into
// memory first has the time that the listener gives, in every form and on every route.
func TestAWholeBodyHasItsTime(t *testing.T) {
	tokens := access.New(t.TempDir())
	if err := tokens.Read(); err != nil {
		t.Fatal(err)
	}
	secret, _, err := tokens.Create(api.TokenRequest{Name: "root", Scopes: []api.Scope{api.ScopeAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	srv := server.NewServer(server.Config{Log: eventlogtest.Open(t), Daemon: daemon{}, Tokens: tokens})
	defer srv.Close()
	const json, lines = "application/json", "application/x-ndjson"
	for _, c := range []struct {
		path, media, body string
		lifted            bool
	}{
		{"/v1/entries", lines, `{"kind":"k"}`, true},
		{"/v1/transitions", lines, `{"subject":"s","to":"a"}`, true},
		{"/v1/transitions/guarded", lines, `{}`, true},
		{"/v1/followers/f/follow", lines, `{"once":true}`, true},
		{"/v1/bundles/apply", "application/vnd.quipu.bundle", `x`, true},
		{"/v1/entries", json, `{"kind":"k"}`, false},
		{"/v1/entries", "application/cloudevents+json", cloud("1"), false},
		{"/v1/entries", "application/cloudevents-batch+json", "[" + cloud("2") + "]", false},
		{"/v1/broadcast", json, `{"kind":"k","retention":"transient"}`, false},
		{"/v1/tickets", json, `{"url":"/v1/tail"}`, false},
		{"/v1/followers/g/fetch", json, `{}`, false},
		{"/v1/transitions/check", json, `{}`, false},
		{"/v1/tokens", json, `{"name":"n","scopes":["read"]}`, false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, strings.NewReader(c.body))
		r.Header.Set("Authorization", "Bearer "+secret)
		r.Header.Set("Content-Type", c.media)
		w := &listener{ResponseRecorder: httptest.NewRecorder()}
		srv.Network().ServeHTTP(w, r)
		if w.lifted != c.lifted {
			t.Errorf("%s with %s: the deadline was lifted: %v, want %v (%d %s)", c.path, c.media, w.lifted, c.lifted, w.Code, w.Body)
		}
	}
}
