package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/server"
)

// TestOneConnectionCarriesManyCalls: a client that keeps its connection, as HTTP clients do, is served by the
// second call as by the first, whether the one before was appended or refused.
func TestOneConnectionCarriesManyCalls(t *testing.T) {
	log := eventlogtest.Open(t)
	srv := httptest.NewServer(server.New(server.Config{Log: log}))
	defer srv.Close()
	reused := 0
	trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		if c.Reused {
			reused++
		}
	}}
	post := func(path, line string) string {
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodPost, srv.URL+path, strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		told, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(told)
	}
	place := log.Author().String() + "/"
	const rounds = 30
	for range rounds {
		for _, c := range []struct{ path, line, want string }{
			{"/v1/entries", `{"kind":"k"}`, place},
			{"/v1/entries", `{"knid":"k"}` + "\n" + `{"kind":"never"}`, "unknown field"},
			{"/v1/transitions", `{"subject":"s","to":"t"}`, place},
			{"/v1/transitions", `{"subject":"s"}`, "is missing"},
		} {
			if told := post(c.path, c.line); !strings.Contains(told, c.want) {
				t.Fatalf("%s %s: %s, want %q", c.path, c.line, told, c.want)
			}
		}
	}
	if reused != 4*rounds-1 || log.Stats().Next != 2*rounds {
		t.Errorf("%d calls on a connection that was there, %d entries", reused, log.Stats().Next)
	}
}
