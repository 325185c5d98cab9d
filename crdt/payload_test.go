package crdt_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
)

func TestCompactPayload(t *testing.T) {
	for _, c := range []struct{ contentType, payload, want string }{
		{"", "{\"a\": 1,\n \"b\": [ ] }\n", `{"a":1,"b":[]}`},
		{"", "1250\r\n", "1250"},
		{"", `"a  b"`, `"a  b"`},
		{"", `{"<>&": "\u0041 é\u2028"}`, `{"<>&":"\u0041 é\u2028"}`},
		{"application/json", "[1, 2]", "[1,2]"},
		{"Application/JSON ; charset=utf-8", "[1, 2]", "[1,2]"},
		{"text/json", "[1, 2]", "[1,2]"},
		{"application/ld+json", "[1, 2]", "[1,2]"},
		{"text/plain", "[1, 2]", "[1, 2]"},
		{"application/jsonl", "[1, 2]", "[1, 2]"},
		{"application/octet-stream", " ", " "},
		{"", "{\"a\": ", "{\"a\": "},
		{"application/json", "\"\xff\" ", "\"\xff\" "},
		{"", "", ""},
	} {
		e := crdt.Event{Kind: "k", ContentType: c.contentType, Payload: []byte(c.payload)}
		e.CompactPayload()
		if got := string(e.Payload); got != c.want {
			t.Errorf("%q %q: got %q, want %q", c.contentType, c.payload, got, c.want)
		}
	}
}

// FuzzCompactPayload checks that a JSON payload is shown inline once it is compact, and means the same.
func FuzzCompactPayload(f *testing.F) {
	for _, payload := range []string{"{\"a\": [1, 2]}\n", `"<\u2028>"`, " ", "nul", "\xff"} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e := crdt.Event{Kind: "k", Payload: payload}
		sound := len(payload) > 0 && e.Check() == nil
		e.CompactPayload()
		switch line := string(e.AppendJSON(nil)); {
		case !sound && string(e.Payload) != string(payload):
			t.Fatalf("%q is no JSON and became %q", payload, e.Payload)
		case sound && !strings.Contains(line, `"payload":`+string(e.Payload)):
			t.Fatalf("%q is not inline in %s", payload, line)
		case sound:
			if diff := cmp.Diff(decoded(t, payload), decoded(t, e.Payload)); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// decoded returns the value of a JSON text, with its numbers as they are written.
func decoded(t *testing.T, b []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
