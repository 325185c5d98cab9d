package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

// network is a node that is asked over a network.
type network struct {
	log    *eventlog.Log
	tokens *access.Store
	url    string
}

func newNetwork(t *testing.T) network {
	t.Helper()
	n := network{log: eventlogtest.Open(t), tokens: access.New(t.TempDir())}
	if err := n.tokens.Read(); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(server.NewServer(server.Config{Log: n.log, Daemon: daemon{}, Tokens: n.tokens}).Network())
	t.Cleanup(srv.Close)
	n.url = srv.URL
	return n
}

// token makes a token, and returns its secret.
func (n network) token(t *testing.T, r api.TokenRequest) string {
	t.Helper()
	secret, _, err := n.tokens.Create(r)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// call makes a request with a secret, or without one where that is "", and returns the answer.
func (n network) call(t *testing.T, method, target, secret string, body io.Reader) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, n.url+target, body)
	if err != nil {
		t.Fatal(err)
	}
	if secret != "" {
		r.Header.Set("Authorization", "bearer "+secret) // the scheme may be written in any case
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// ask is call for a whole answer.
func (n network) ask(t *testing.T, method, target, secret, body string) (int, string) {
	t.Helper()
	resp := n.call(t, method, target, secret, strings.NewReader(body))
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// kinds returns the kind and subject of each entry of an answer in lines.
func kinds(t *testing.T, lines string) (all []string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		e, _, err := crdt.ParseEntryJSON([]byte(strings.TrimSpace(line)))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, e.Kind+" "+e.Subject)
	}
	return all
}

// TestANarrowTokenReadsWhatItIsFor: however it asks, and as much of it as it asks for.
func TestANarrowTokenReadsWhatItIsFor(t *testing.T) {
	n := newNetwork(t)
	secret := n.token(t, api.TokenRequest{Name: "n", Scopes: []api.Scope{api.ScopeRead}, Kinds: []string{"order.*", "note"}, Subjects: []string{"a/", "b/"}})
	for i := range 3 {
		for _, e := range []crdt.Event{
			{Kind: "order.new", Subject: "a/1"}, {Kind: "order", Subject: "a/1"}, {Kind: "note", Subject: "c/1"},
			{Kind: "note", Subject: "b/1"}, {Kind: "secret", Subject: "a/1"}, {Kind: "note"},
		} {
			e.Module = fmt.Sprint(i)
			if _, err := n.log.Append(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	order, note := "order.new a/1", "note b/1"
	for query, want := range map[string][]string{
		"":                                 {order, note, order, note, order, note},
		"reverse=true":                     {note, order, note, order, note, order},
		"order=arrival&limit=3":            {order, note, order},
		"order=causal&module=1":            {order, note},
		"kind=note":                        {note, note, note},
		"kind=note&kind=secret":            {note, note, note},
		"kind=secret":                      nil,
		"kind=order.*&limit=2":             {order, order},
		"kind=o.*":                         nil,
		"subject=a/1":                      {order, order, order},
		"subject=c/1":                      nil,
		"subject=":                         nil,
		"kind=secret&subject=a/1&limit=10": nil,
	} {
		status, lines := n.ask(t, http.MethodGet, "/v1/entries?"+query, secret, "")
		if diff := cmp.Diff(want, kinds(t, lines)); diff != "" || status != http.StatusOK {
			t.Errorf("%s: %d %s", query, status, diff)
		}
		if len(want) == 0 {
			continue // a tail waits for them
		}
		query += fmt.Sprintf("&limit=%d", len(want))
		if strings.Contains(query, "order=") || strings.Contains(query, "reverse") || strings.Count(query, "limit") > 1 {
			continue // which are no tail's
		}
		status, lines = n.ask(t, http.MethodGet, "/v1/tail?offset=0&"+query, secret, "")
		if diff := cmp.Diff(want, kinds(t, lines)); diff != "" || status != http.StatusOK {
			t.Errorf("tail %s: %d %s", query, status, diff)
		}
	}
}

// TestANarrowTokenReadsInEveryForm: whichever form of answer it asks for, it has what it is for and nothing else.
func TestANarrowTokenReadsInEveryForm(t *testing.T) {
	n := newNetwork(t)
	secret := n.token(t, api.TokenRequest{Name: "n", Scopes: []api.Scope{api.ScopeRead}, Kinds: []string{"note"}})
	for _, kind := range []string{"secret", "note", "secret", "note"} {
		if _, err := n.log.Append(t.Context(), crdt.Event{Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/v1/entries?limit=2", "/v1/tail?offset=0&limit=2"} {
		for _, form := range []string{"", "application/json", "application/x-ndjson", "text/event-stream"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header = http.Header{"Authorization": {"Bearer " + secret}, "Accept": {form}}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if notes := strings.Count(string(b), `"note"`); err != nil || resp.StatusCode != http.StatusOK || notes != 2 || strings.Contains(string(b), "secret") {
				t.Errorf("%s as %q: %d %s, %v", path, form, resp.StatusCode, b, err)
			}
		}
	}
}

// TestANarrowTokenHearsWhatItIsFor: transient events as well.
func TestANarrowTokenHearsWhatItIsFor(t *testing.T) {
	n := newNetwork(t)
	secret := n.token(t, api.TokenRequest{Name: "n", Scopes: []api.Scope{api.ScopeRead}, Kinds: []string{"note"}})
	sender := n.token(t, api.TokenRequest{Name: "sender", Scopes: []api.Scope{api.ScopeAppend}})
	resp := n.call(t, http.MethodGet, "/v1/tail?transient=true&limit=2", secret, nil)
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	for _, kind := range []string{"secret", "note"} {
		status, answer := n.ask(t, http.MethodPost, "/v1/broadcast?to=here", sender, `{"retention":"transient","kind":"`+kind+`"}`)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
	}
	lines := bufio.NewReader(resp.Body)
	if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, `"kind":"note"`) || !strings.Contains(line, `"quipu-client":"sender"`) {
		t.Errorf("heard %q, %v", line, err)
	}
	for _, kind := range []string{"secret", "note"} {
		if _, err := n.log.Append(t.Context(), crdt.Event{Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	if rest, err := io.ReadAll(lines); err != nil || strings.Contains(string(rest), "secret") || !strings.Contains(string(rest), `"kind":"note"`) {
		t.Errorf("read %q, %v", rest, err)
	}
}

// TestWhatIsAppendedHasItsTokensName, and nobody else's: a client that writes the header itself is refused, unless it may
// do everything.
func TestWhatIsAppendedHasItsTokensName(t *testing.T) {
	n := newNetwork(t)
	appender := n.token(t, api.TokenRequest{Name: "appender", Scopes: []api.Scope{api.ScopeAppend}})
	narrow := n.token(t, api.TokenRequest{Name: "narrow", Scopes: []api.Scope{api.ScopeAppend}, Kinds: []string{"note"}, Subjects: []string{"a/"}})
	admin := n.token(t, api.TokenRequest{Name: "root", Scopes: []api.Scope{api.ScopeAdmin}})
	move := `{"subject":"s","to":"a"`
	for i, c := range []struct {
		path, secret, body, client string
		code                       api.Code
	}{
		{"entries", appender, `{"kind":"k"}`, "appender", ""},
		{"entries", appender, `{"kind":"k","headers":{"a":"1","z":"2"}}`, "appender", ""},
		{"entries", appender, `{"kind":"k","headers":{"quipu-client":"appender"}}`, "", api.Forbidden},
		{"entries", appender, `{"kind":"k","headers":{"Quipu-Client":"root"}}`, "", api.Forbidden},
		{"entries", admin, `{"kind":"k","headers":{"quipu-client":"somebody"}}`, "somebody", ""},
		{"entries", admin, `{"kind":"k"}`, "root", ""},
		{"entries", narrow, `{"kind":"note","subject":"a/1"}`, "narrow", ""},
		{"entries", narrow, `{"kind":"notes","subject":"a/1"}`, "", api.Forbidden},
		{"entries", narrow, `{"kind":"note","subject":"b/1"}`, "", api.Forbidden},
		{"entries", narrow, `{"kind":"note"}`, "", api.Forbidden},
		{"entries", appender, `{"kind":"k","headers":{"h":"` + strings.Repeat("x", crdt.MaxHeaders-5) + `"}}`, "", api.Invalid},
		{"transitions", appender, move + `}`, "appender", ""},
		{"transitions", appender, move + `,"headers":{"quipu-client":"x"}}`, "", api.Forbidden},
		{"transitions/guarded", appender, `{"states":[{"name":"a"},{"name":"b"}],"initial":["a"],"terminal":["b"],"moves":[{"from":"a","to":"b"}]}` + "\n" + `{"subject":"s","to":"b"}`, "appender", ""},
	} {
		status, answer := n.ask(t, http.MethodPost, "/v1/"+c.path, c.secret, c.body)
		if status != http.StatusOK {
			t.Fatalf("%d: %d %s", i, status, answer)
		}
		if c.code != "" {
			var told api.Envelope
			if err := json.Unmarshal([]byte(answer), &told); err != nil || told.Error == nil || told.Error.Code != c.code || told.Error.Line != 1 {
				t.Errorf("%d: %s, %v; want %s of line 1", i, answer, err, c.code)
			}
			continue
		}
		var place crdt.Place
		if err := json.Unmarshal([]byte(answer), &place); err != nil {
			t.Fatalf("%d: %s: %v", i, answer, err)
		}
		e, err := n.log.Lookup(t.Context(), place)
		if err != nil || e.Header(api.ClientHeader) != c.client {
			t.Errorf("%d: header %q, %v; want %q", i, e.Header(api.ClientHeader), err, c.client)
		}
	}
}

// TestARunningStreamEndsWithItsToken: it says why, the node goes on, and nothing is taken any more.
func TestARunningStreamEndsWithItsToken(t *testing.T) {
	n := newNetwork(t)
	for path, method := range map[string]string{"/v1/tail": http.MethodGet, "/v1/tail?transient=true": http.MethodGet, "/v1/entries": http.MethodPost} {
		secret := n.token(t, api.TokenRequest{Name: "t", Scopes: []api.Scope{api.ScopeRead, api.ScopeAppend}})
		var body io.Reader
		late, into := io.Pipe()
		defer into.Close()
		if method == http.MethodPost {
			body = late
		}
		resp := n.call(t, method, path, secret, body)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, resp.Status)
		}
		if err := n.tokens.Revoke("t"); err != nil {
			t.Fatal(err)
		}
		answer := bufio.NewReader(resp.Body)
		b, err := answer.ReadBytes('\n')
		var told api.Envelope
		if err != nil || json.Unmarshal(b, &told) != nil || told.Error == nil || told.Error.Code != api.Unauthorized || told.Error.Status != http.StatusUnauthorized {
			t.Errorf("%s: %s, %v; want one line that says that it is not authorized any more", path, b, err)
		}
		go func() {
			fmt.Fprintln(into, `{"kind":"late"}`) // which nobody reads of a tail
			into.Close()
		}()
		if rest, err := io.ReadAll(answer); err != nil || len(rest) > 0 {
			t.Errorf("%s: %q, %v; want no more", path, rest, err)
		}
		if status, answer := n.ask(t, http.MethodGet, "/v1/frontier", secret, ""); status != http.StatusUnauthorized || strings.Contains(answer, secret[6:]) {
			t.Errorf("the next call: %d %s", status, answer)
		}
	}
	if next := n.log.Stats().Next; next != 0 {
		t.Errorf("%d entries were taken after it was said that the token is revoked", next)
	}
}

// TestTickets: one reads the path and the query that it is for, and nothing else, until its token ends.
func TestTickets(t *testing.T) {
	n := newNetwork(t)
	if _, err := n.log.Append(t.Context(), crdt.Event{Kind: "k"}); err != nil {
		t.Fatal(err)
	}
	all := []api.Scope{api.ScopeRead, api.ScopeAppend}
	secret := n.token(t, api.TokenRequest{Name: "t", Scopes: all})
	narrow := n.token(t, api.TokenRequest{Name: "narrow", Scopes: all, Kinds: []string{"x"}})
	buy := func(secret, target string) api.Ticket {
		t.Helper()
		status, answer := n.ask(t, http.MethodPost, "/v1/tickets", secret, fmt.Sprintf(`{"url":%q,"ttl":"1h"}`, target))
		var ticket api.Ticket
		if err := json.Unmarshal([]byte(answer), &ticket); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %s", target, status, answer)
		}
		return ticket
	}
	ticket := buy(secret, "/v1/entries?order=arrival&kind=k")
	for target, want := range map[string]int{
		ticket.URL: http.StatusOK,
		strings.Replace(ticket.URL, "arrival", "causal", 1):        http.StatusUnauthorized,
		strings.Replace(ticket.URL, "kind=k", "kind=k&limit=5", 1): http.StatusUnauthorized,
		strings.Replace(ticket.URL, "&order=arrival", "", 1):       http.StatusUnauthorized,
		strings.Replace(ticket.URL, "entries", "tail", 1):          http.StatusUnauthorized,
		strings.Replace(ticket.URL, "entries", "entrie%73", 1):     http.StatusUnauthorized,
		ticket.URL + "&ticket=x":                                   http.StatusUnauthorized,
		ticket.URL[:len(ticket.URL)-1]:                             http.StatusUnauthorized,
		"/v1/entries?ticket=":                                      http.StatusUnauthorized,
		ticket.URL + "&%zz":                                        http.StatusBadRequest,
		ticket.URL + ";kind=x":                                     http.StatusBadRequest,
	} {
		if got, answer := n.ask(t, http.MethodGet, target, "", ""); got != want || strings.Contains(answer, "quipu_ticket_") {
			t.Errorf("%s: %d %s, want %d", target, got, answer, want)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		if got, answer := n.ask(t, method, ticket.URL, "", ""); got != http.StatusForbidden {
			t.Errorf("%s with a ticket: %d %s", method, got, answer)
		}
	}
	if got, answer := n.ask(t, http.MethodGet, ticket.URL, secret, ""); got != http.StatusUnauthorized {
		t.Errorf("with a token and a ticket: %d %s", got, answer)
	}
	if status, answer := n.ask(t, http.MethodGet, buy(narrow, "/v1/entries").URL, "", ""); status != http.StatusOK || answer != "" {
		t.Errorf("a ticket of a narrow token reads %d %s", status, answer)
	}
	for target, want := range map[string]int{
		"/v1/frontier": http.StatusForbidden, "/v1/nothing": http.StatusBadRequest, "/v1/stop": http.StatusBadRequest,
		"http://elsewhere/v1/tail": http.StatusBadRequest, "//v1/tail": http.StatusBadRequest, "": http.StatusBadRequest,
		"/openapi.json": http.StatusBadRequest, "/v1/tokens": http.StatusBadRequest, "/v1/tail?ticket=x": http.StatusBadRequest,
	} {
		if got, answer := n.ask(t, http.MethodPost, "/v1/tickets", narrow, fmt.Sprintf(`{"url":%q}`, target)); got != want {
			t.Errorf("a narrow token's ticket for %s: %d %s, want %d", target, got, answer, want)
		}
	}
	if got, answer := n.ask(t, http.MethodPost, "/v1/tickets", secret, `{"url":"/v1/tail","ttl":"13h"}`); got != http.StatusBadRequest {
		t.Errorf("a ticket for 13 h: %d %s", got, answer)
	}
	// One that goes on with the same name is another token.
	if err := n.tokens.Revoke("t"); err != nil {
		t.Fatal(err)
	}
	n.token(t, api.TokenRequest{Name: "t", Scopes: all})
	if got, answer := n.ask(t, http.MethodGet, ticket.URL, "", ""); got != http.StatusUnauthorized {
		t.Errorf("a ticket whose token was revoked: %d %s", got, answer)
	}
}

// TestTokensOverTheNetwork: who may do everything makes tokens, and learns no secret of another.
func TestTokensOverTheNetwork(t *testing.T) {
	n := newNetwork(t)
	admin := n.token(t, api.TokenRequest{Name: "root", Scopes: []api.Scope{api.ScopeAdmin}})
	status, answer := n.ask(t, http.MethodPost, "/v1/tokens", admin, `{"name":"r@x","scopes":["read"],"ttl":"1d"}`)
	var made api.NewToken
	if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusOK || made.Name != "r@x" || made.Expires.Sub(made.Created).Hours() != 24 {
		t.Fatalf("%d %s", status, answer)
	}
	for body, want := range map[string]api.Code{
		`{"name":"r@x","scopes":["read"]}`: api.Exists, `{"name":"","scopes":["read"]}`: api.Invalid, `{"name":"n","scope":["read"]}`: api.Invalid,
		`{"name":"n","scopes":["read"],"ttl":"-1h"}`: api.Invalid,
	} {
		var told api.Error
		if _, answer := n.ask(t, http.MethodPost, "/v1/tokens", admin, body); json.Unmarshal([]byte(answer), &told) != nil || told.Code != want {
			t.Errorf("%s: %s, want %s", body, answer, want)
		}
	}
	status, answer = n.ask(t, http.MethodGet, "/v1/tokens", admin, "")
	if status != http.StatusOK || strings.Contains(answer, "quipu_") || strings.Contains(answer, "hash") || !strings.Contains(answer, "r@x") {
		t.Errorf("%d %s", status, answer)
	}
	if status, _ := n.ask(t, http.MethodGet, "/v1/frontier", made.Secret, ""); status != http.StatusOK {
		t.Errorf("the new token: %d", status)
	}
	if status, answer := n.ask(t, http.MethodDelete, "/v1/tokens/"+url.PathEscape("r@x"), admin, ""); status != http.StatusOK {
		t.Errorf("revoke: %d %s", status, answer)
	}
	if status, _ := n.ask(t, http.MethodDelete, "/v1/tokens/r@x", admin, ""); status != http.StatusNotFound {
		t.Errorf("revoke it again: %d", status)
	}
	if status, _ := n.ask(t, http.MethodGet, "/v1/frontier", made.Secret, ""); status != http.StatusUnauthorized {
		t.Errorf("the revoked token: %d", status)
	}
	if status, answer := n.ask(t, http.MethodDelete, "/v1/tokens/root", admin, ""); status != http.StatusOK {
		t.Errorf("it revokes itself, and is told: %d %s", status, answer)
	}
	if status, _ := n.ask(t, http.MethodGet, "/v1/tokens", admin, ""); status != http.StatusUnauthorized {
		t.Errorf("after that: %d", status)
	}
}
