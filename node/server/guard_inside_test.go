package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
)

// guarded is a server with tokens, whose guard passes on to a handler that only says that it was reached.
type guarded struct {
	rt     *router
	tokens *access.Store
	http.Handler
}

func newGuarded(t *testing.T, next http.HandlerFunc) guarded {
	t.Helper()
	tokens := access.New(t.TempDir())
	if err := tokens.Read(); err != nil {
		t.Fatal(err)
	}
	rt := NewServer(Config{Log: eventlogtest.Open(t), Tokens: tokens}).routes
	return guarded{rt, tokens, rt.guard(next)}
}

// token makes a token and returns the head of a request with it.
func (g guarded) token(t *testing.T, r api.TokenRequest) http.Header {
	t.Helper()
	secret, _, err := g.tokens.Create(r)
	if err != nil {
		t.Fatal(err)
	}
	return http.Header{"Authorization": {"Bearer " + secret}}
}

// ask makes a request and returns the status of the answer, and its code.
func (g guarded) ask(t *testing.T, method, target string, head http.Header, body string) (int, *api.Error) {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(method, target, strings.NewReader(body))
	maps.Copy(r.Header, head)
	g.ServeHTTP(w, r)
	var told api.Error
	if w.Code >= 400 && w.Code != reached {
		if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil || told.Status != w.Code {
			t.Fatalf("%s %s: %d %s, %v", method, target, w.Code, w.Body, err)
		}
		if challenged := w.Header().Get("WWW-Authenticate") != ""; challenged != (w.Code == 401 || w.Code == 403) {
			t.Errorf("%s %s: %d, challenged: %t", method, target, w.Code, challenged)
		}
	}
	return w.Code, &told
}

// reached is the answer of a handler that a guard has let through to.
const reached = http.StatusTeapot

func teapot(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(reached) }

// concrete returns a method and a path that a route takes.
func concrete(route string) (method, path string) {
	method, path, _ = strings.Cut(route, " ")
	for strings.Contains(path, "{") {
		before, rest, _ := strings.Cut(path, "{")
		_, after, _ := strings.Cut(rest, "}")
		path = before + "x" + after
	}
	return method, path
}

// TestEveryRouteAsksForItsScope walks the one table: every route with every scope, with a token for some kinds, and with
// none. What includes what, and what a narrow token reaches, is written out here a second time.
func TestEveryRouteAsksForItsScope(t *testing.T) {
	g := newGuarded(t, teapot)
	opens := map[api.Scope][]api.Scope{
		api.ScopeRead:    {api.ScopeRead, api.ScopeMetrics},
		api.ScopeAppend:  {api.ScopeAppend},
		api.ScopeMetrics: {api.ScopeMetrics},
		api.ScopeAdmin:   {api.ScopeRead, api.ScopeAppend, api.ScopeMetrics, api.ScopeAdmin},
	}
	narrow := map[string]api.Scope{
		"POST /v1/entries": api.ScopeAppend, "GET /v1/entries": api.ScopeRead, "GET /v1/tail": api.ScopeRead, "POST /v1/tickets": api.ScopeRead,
	}
	free := []string{"GET /openapi.json", "GET /livez", "GET /readyz", "POST /v1/page/sessions"}

	with := make(map[api.Scope]http.Header)
	for scope := range opens {
		with[scope] = g.token(t, api.TokenRequest{Name: string(scope), Scopes: []api.Scope{scope}})
	}
	some := make(map[api.Scope]http.Header)
	for _, scope := range []api.Scope{api.ScopeRead, api.ScopeAppend} {
		some[scope] = g.token(t, api.TokenRequest{Name: "narrow-" + string(scope), Scopes: []api.Scope{scope}, Kinds: []string{"k"}})
	}
	for route, op := range g.rt.operations {
		method, path := concrete(route)
		expect := func(who string, head http.Header, want int) {
			t.Helper()
			if got, told := g.ask(t, method, path, head, ""); got != want {
				t.Errorf("%s with %s: %d %v, want %d", route, who, got, told, want)
			}
		}
		if slices.Contains(free, route) {
			expect("nothing", nil, reached)
			continue
		}
		if opens[op.scope] == nil {
			t.Errorf("%s: scope %q", route, op.scope)
		}
		expect("nothing", nil, http.StatusUnauthorized)
		for scope, head := range with {
			want := http.StatusForbidden
			if slices.Contains(opens[scope], op.scope) {
				want = reached
			}
			expect(string(scope), head, want)
		}
		for scope, head := range some {
			want := http.StatusForbidden
			if narrow[route] == scope {
				want = reached
			}
			expect("some kinds to "+string(scope), head, want)
		}
	}
	if n := len(g.rt.operations); n < 44 {
		t.Errorf("%d routes, want at least the 44 that there were: are all of them in the table?", n)
	}
	checkDocument(t, g.rt, free)
}

// checkDocument holds what the document says of who may call a route against what the guard asks for.
func checkDocument(t *testing.T, rt *router, free []string) {
	b, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Security []map[string][]string
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	for route, op := range rt.operations {
		method, path, _ := strings.Cut(route, " ")
		said := doc.Paths[path][strings.ToLower(method)].Security
		if slices.Contains(free, route) {
			continue
		}
		want := fmt.Sprint([]map[string][]string{{tokenScheme: {string(op.scope)}}})
		if op.takesTickets(method) {
			want = fmt.Sprint([]map[string][]string{{tokenScheme: {string(op.scope)}}, {ticketScheme: {}}})
		}
		if fmt.Sprint(said) != want {
			t.Errorf("%s: the document says %v, want %v", route, said, want)
		}
	}
}

// TestWhatChangesSomethingIsDeclaredSo: each route that is no reading appends, or is put on record, or is one of a few
// that only read though they are posted.
func TestWhatChangesSomethingIsDeclaredSo(t *testing.T) {
	reads := []string{
		"POST /v1/transitions/check", "POST /v1/state/at", "POST /v1/transitions/at", "POST /v1/bundles", "POST /v1/backup", "POST /v1/verify", "POST /v1/tickets",
	}
	// Consumers of the log take note of how far they have read. On record, each batch would be another entry to consume.
	for _, call := range []string{"fetch", "ack", "nack", "extend"} {
		reads = append(reads, "POST /v1/followers/{name}/"+call)
	}
	// Who signs in to the page looks at it. Codes and sessions are nowhere but in memory, and are over with the node.
	reads = append(reads, "POST /v1/page/codes", "POST /v1/page/sessions", "DELETE /v1/page/sessions")
	for route, op := range newGuarded(t, teapot).rt.operations {
		only := strings.HasPrefix(route, "GET ") || op.scope == api.ScopeAppend || slices.Contains(reads, route)
		if only == op.changes {
			t.Errorf("%s: changes is %t", route, op.changes)
		}
	}
}

// TestWhatIsNoRouteIsNobodysWithoutAToken: who has no token learns nothing of what there is.
func TestWhatIsNoRouteIsNobodysWithoutAToken(t *testing.T) {
	g := newGuarded(t, teapot)
	for _, path := range []string{"/", "/v1", "/v1/nothing", "/v1//entries", "/v1/entries/", "/openapi.json/", "/V1/entries"} {
		if got, _ := g.ask(t, http.MethodGet, path, nil, ""); got != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", path, got)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodOptions, http.MethodTrace, http.MethodHead, "PROPFIND"} {
		if got, _ := g.ask(t, method, "/v1/entries", nil, ""); got != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", method, got)
		}
	}
}

// TestNobodyBehindTheGuardSeesASecret: neither a handler nor who logs what it is asked.
func TestNobodyBehindTheGuardSeesASecret(t *testing.T) {
	var seen []string
	g := newGuarded(t, func(_ http.ResponseWriter, r *http.Request) {
		var wire strings.Builder
		if err := r.Write(&wire); err != nil {
			t.Error(err)
		}
		seen = append(seen, fmt.Sprintf("%s %s %v %v %s", grantOf(r.Context()).Name, r.RequestURI, r.URL, r.Header, &wire))
	})
	head := g.token(t, api.TokenRequest{Name: "t", Scopes: []api.Scope{api.ScopeRead}})
	grant, err := g.tokens.Check(strings.TrimPrefix(head.Get("Authorization"), "Bearer "))
	if err != nil {
		t.Fatal(err)
	}
	ticket, _, err := g.tokens.Ticket(grant, "/v1/tail?kind=k", 0)
	if err != nil {
		t.Fatal(err)
	}
	for target, head := range map[string]http.Header{"/v1/tail?kind=k": head, "/v1/tail?ticket=" + ticket + "&kind=k": nil} {
		if status, told := g.ask(t, http.MethodGet, target, head, ""); status != http.StatusOK {
			t.Errorf("%s: %d %v", target, status, told)
		}
	}
	for _, s := range seen {
		if strings.Contains(s, "quipu_") || !strings.Contains(s, "t /v1/tail?kind=k /v1/tail?kind=k map[") {
			t.Error(s)
		}
	}
	if len(seen) != 2 {
		t.Errorf("%d requests, want 2", len(seen))
	}
}
