package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

// TestStatesAtAFrontier: what a frontier takes is told alike where it stands in the URL, as the node has told it, and in the
// body; of subjects and of their moves. As text it is a table with a line for each head.
func TestStatesAtAFrontier(t *testing.T) {
	log := eventlogtest.Open(t)
	h := server.New(server.Config{Log: log})
	ask := func(method, target, accept, body string) string {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
		}
		return w.Body.String()
	}
	move := func(to string) {
		t.Helper()
		if _, err := transition.Append(t.Context(), log, transition.Move{Subject: "s", To: to}); err != nil {
			t.Fatal(err)
		}
	}
	move("open")
	frontier := ask("GET", "/v1/frontier", "", "")
	var held api.Frontier
	if err := json.Unmarshal([]byte(frontier), &held); err != nil || len(held.Authors) != 1 {
		t.Fatalf("frontier %s, %v", frontier, err)
	}
	head := held.Authors[0].Heads[0]
	if got, want := ask("GET", "/v1/frontier", "text/plain", ""), "AUTHOR NEXT OP\n"+log.Author().String()+" 1 "+head.Op.String()+"\n"; got != want {
		t.Errorf("as text: %q, want %q", got, want)
	}
	if got, want := ask("GET", "/v1/frontier/hash", "", ""), `{"hash":"`+held.Hash.String()+"\"}\n"; got != want {
		t.Errorf("the hash: %s, want %s", got, want)
	}
	move("paid")
	for _, path := range []string{"/v1/state", "/v1/transitions"} {
		now := ask("GET", path, "", "")
		byURL := ask("GET", path+"?subject=s&frontier="+url.QueryEscape(frontier), "", "")
		inBody := ask("POST", path+"/at", "", `{"subjects":["s"],"at":{"frontier":`+frontier+`}}`)
		if byURL != inBody || !strings.Contains(byURL, `"open"`) || strings.Contains(byURL, `"paid"`) || !strings.Contains(now, `"paid"`) {
			t.Errorf("%s: now %s, at the frontier by the URL %s, in the body %s", path, now, byURL, inBody)
		}
		if early := ask("GET", path+"?clock=2000-01-01", "", ""); early != "" {
			t.Errorf("%s: long ago: %s", path, early)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/v1/transitions?frontier="+url.QueryEscape(`{"hash":"","more":1}`), nil))
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `parameter frontier: unknown field \"more\"`) {
		t.Errorf("a field that no frontier has: %d %s", w.Code, w.Body)
	}
}
