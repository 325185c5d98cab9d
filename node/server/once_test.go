package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
)

// TestHeadersOfIDs: what a token is known by, and what names an event, are the log's headers for that.
func TestHeadersOfIDs(t *testing.T) {
	if api.IDHeader != eventlog.HeaderID || api.ClientHeader != eventlog.HeaderClient {
		t.Errorf("%s and %s, where the log has %s and %s", api.IDHeader, api.ClientHeader, eventlog.HeaderID, eventlog.HeaderClient)
	}
}

// TestWhatIsSentAgainIsAppendedOnce, in each form, by a key or as a CloudEvent. In the answers A is the author.
func TestWhatIsSentAgainIsAppendedOnce(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	key := func(key string) []string { return []string{"Content-Type", asJSON, api.KeyHeader, key} }
	lines := func(key string) []string { return []string{"Content-Type", "application/x-ndjson", api.KeyHeader, key} }
	event, other := `{"kind":"k","payload":1}`, `{"kind":"k","payload":2}`
	for i, c := range []struct {
		query, body string
		header      []string
		status      int
		want        string
	}{
		{"", event, key("one"), 201, `{"place":"A/0"}`},
		{"", event, key("one"), 201, `{"place":"A/0","known":true}`},
		{"", other, key("one"), 422, `"code":"id-reused"`},
		{"", other, key("two"), 201, `{"place":"A/1"}`},
		{"", event, key("a key of words"), 400, `"code":"invalid"`},
		{"", event, key(strings.Repeat("k", 256)), 400, `"code":"invalid"`},
		{"", event + "\n\n" + other, lines("k"), 200, "\"A/2\"\n\"A/3\"\n"},
		{"", event + "\n\n" + other + "\n" + event, lines("k"), 200, "{\"place\":\"A/2\",\"known\":true}\n{\"place\":\"A/3\",\"known\":true}\n\"A/4\"\n"},
		{"?first-line=4", event + "\n" + event, lines("k"), 200, "{\"place\":\"A/4\",\"known\":true}\n\"A/5\"\n"},
		{"?first-line=7", event + "\n{}", lines("k"), 200, `"line":8`},
		{"?first-line=0", event, lines("k"), 400, `"code":"invalid"`},
		{"?first-line=1", event, key("one"), 400, `first-line: the body is no stream`},
		{"", event, key(""), 400, `expected 1 to 255`}, // a key that was to be set: without one it would be appended twice
		{"", event, lines(""), 400, `expected 1 to 255`},
		{"", event, append(key("one"), api.KeyHeader, "two"), 400, `expected it once`},
		{"", event, append(key("one"), "Content-Type", "application/x-ndjson"), 400, `expected it once`},
		{"", event, append(key("new"), "Content-Encoding", "gzip"), 400, `expected a body as it is`},
		{"", event + "\n\n" + event, lines("k"), 200, `{"place":"A/2","known":true}` + "\n" + `{"error":`},
		{"", cloud("1"), []string{"Content-Type", asCloud}, 201, `{"place":"A/7"}`},
		{"", cloud("1"), []string{"Content-Type", asCloud}, 201, `{"place":"A/7","known":true}`},
		{"", `{"a":1}`, []string{"Content-Type", "application/json", "ce-specversion", "1.0", "ce-id", "1", "ce-source", "shop", "ce-type", "k"}, 422, `"code":"id-reused"`}, // with another content type
		{"", "[" + cloud("1") + "," + cloud("2") + "," + cloud("2") + "]", []string{"Content-Type", asClouds}, 201,
			`{"appended":[{"place":"A/7","known":true},{"place":"A/8"},{"place":"A/8","known":true}]}`},
		{"", "[" + cloud("1") + "," + cloud("2") + "]", []string{"Content-Type", asClouds, api.KeyHeader, "b"}, 201, `{"appended":[{"place":"A/9"},{"place":"A/10"}]}`},
		{"", "[" + cloud("1") + "," + cloud("2") + "]", []string{"Content-Type", asClouds, api.KeyHeader, "b"}, 201,
			`{"appended":[{"place":"A/9","known":true},{"place":"A/10","known":true}]}`},
		{"", cloud(strings.Repeat("x", 300)), []string{"Content-Type", asCloud}, 201, `{"place":"A/11"}`},
		{"", cloud(strings.Repeat("x", 300)), []string{"Content-Type", asCloud}, 201, `{"place":"A/11","known":true}`},
		{"", `{"kind":"k","headers":{"quipu-id":"one"},"payload":1}`, lines("other"), 200, `{"place":"A/0","known":true}`}, // the socket writes it itself
	} {
		resp, answer := s.post(t, "/v1/entries"+c.query, c.body, c.header...)
		answer = strings.ReplaceAll(answer, s.log.Author().String(), "A")
		if resp.StatusCode != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%d: %d %s, want %d %s", i, resp.StatusCode, answer, c.status, c.want)
		}
	}
	e, err := s.log.Lookup(t.Context(), crdt.Place{Author: s.log.Author(), Seq: 7})
	if err != nil || e.Header(api.IDHeader) != "shop 1" {
		t.Errorf("a CloudEvent has the id %q, %v", e.Header(api.IDHeader), err)
	}
	for _, path := range []string{"transitions", "transitions/guarded", "broadcast"} {
		if resp, answer := s.post(t, "/v1/"+path, `{"subject":"s","to":"a"}`, api.KeyHeader, "k"); resp.StatusCode != http.StatusBadRequest || !strings.Contains(answer, "takes no "+api.KeyHeader) {
			t.Errorf("%s with a key: %d %s", path, resp.StatusCode, answer)
		}
	}
}

// TestTransitionsAmongEvents are appended once, too: those that say all, and those that the node completes, also when the
// subject has moved on meanwhile.
func TestTransitionsAmongEvents(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	move := func(to string) string {
		return `{"kind":"quipu.transition","subject":"s","payload":{"to":"` + to + `"}}`
	}
	again := []string{"Content-Type", "application/x-ndjson", api.KeyHeader, "moves"}
	for i, c := range []struct{ body, want string }{
		{move("a") + "\n" + move("b"), "\"A/0\"\n\"A/1\"\n"},
		{move("a") + "\n" + move("b") + "\n" + move("c"), "{\"place\":\"A/0\",\"known\":true}\n{\"place\":\"A/1\",\"known\":true}\n\"A/2\"\n"},
		{move("a"), "{\"place\":\"A/0\",\"known\":true}\n"},
		{move("b"), `"code":"id-reused"`},
	} {
		_, answer := s.post(t, "/v1/entries", c.body, again...)
		if answer = strings.ReplaceAll(answer, s.log.Author().String(), "A"); !strings.Contains(answer, c.want) {
			t.Errorf("%d: %s, want %s", i, answer, c.want)
		}
	}
	body := `{"kind":"k"}` + "\n" + `{"kind":"quipu.transition","subject":"r","payload":{"from":"","to":"a"}}`
	for i, want := range []string{"\"A/3\"\n\"A/4\"\n", "{\"place\":\"A/3\",\"known\":true}\n{\"place\":\"A/4\",\"known\":true}\n"} {
		_, answer := s.post(t, "/v1/entries", body, "Content-Type", "application/x-ndjson", api.KeyHeader, "k")
		if answer = strings.ReplaceAll(answer, s.log.Author().String(), "A"); answer != want {
			t.Errorf("%d: %s, want %s", i, answer, want)
		}
	}
}

// TestIDsCountWithinAToken: two tokens may give one id each, and neither writes an id as a header of its own.
func TestIDsCountWithinAToken(t *testing.T) {
	n := newNetwork(t)
	one := n.token(t, api.TokenRequest{Name: "one", Scopes: []api.Scope{api.ScopeAppend}})
	other := n.token(t, api.TokenRequest{Name: "other", Scopes: []api.Scope{api.ScopeAppend}})
	admin := n.token(t, api.TokenRequest{Name: "root", Scopes: []api.Scope{api.ScopeAdmin}})
	for i, c := range []struct{ token, body, want string }{
		{one, `{"kind":"k"}`, "/0"}, {other, `{"kind":"k"}`, "/1"}, {one, `{"kind":"k"}`, `/0","known":true}`}, {other, `{"kind":"l"}`, string(api.IDReused)},
		{one, `{"kind":"k","headers":{"Quipu-ID":"x"}}`, string(api.Forbidden)},
		{admin, `{"kind":"k","headers":{"quipu-client":"one","quipu-id":"key/1"}}`, `/0","known":true}`},
	} {
		_, answer := served{url: n.url}.post(t, "/v1/entries", c.body, "Authorization", "Bearer "+c.token, api.KeyHeader, "key")
		if !strings.Contains(answer, c.want) {
			t.Errorf("%d: %s, want %s", i, answer, c.want)
		}
	}
}
