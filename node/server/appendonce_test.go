package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
)

// post sends a body with the given header, in pairs, and returns the answer.
func (s served) post(t *testing.T, target, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

const (
	asJSON   = "application/json"
	asCloud  = "application/cloudevents+json"
	asClouds = "application/cloudevents-batch+json"
)

// cloud is a CloudEvent of an id.
func cloud(id string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"shop","type":"k","data":{"a":1}}`
}

// TestOneEventIsAppended in each of the forms that has one, and can be read where the answer says.
func TestOneEventIsAppended(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	for i, c := range []struct {
		body   string
		header []string
		want   crdt.Event
	}{
		{"\xef\xbb\xbf" + `{"kind":"k","payload":{"a":1}}` + "\n", []string{"Content-Type", "application/json; charset=utf-8"}, crdt.Event{Kind: "k", Payload: []byte(`{"a":1}`)}},
		{cloud("7"), []string{"Content-Type", asCloud + "; charset=utf-8"}, crdt.Event{Kind: "k", Module: "shop", Payload: []byte(`{"a":1}`), Headers: []crdt.EventHeader{{Name: "ce-id", Value: "7"}, {Name: "quipu-id", Value: "shop 7"}}}},
		{"hé", []string{"Content-Type", "text/plain", "Ce-Specversion", "1.0", "Ce-Id", "8", "Ce-Source", "shop", "Ce-Type", "k", "ce-subject", "two%20words"},
			crdt.Event{Kind: "k", Module: "shop", Subject: "two words", ContentType: "text/plain", Payload: []byte("hé"), Headers: []crdt.EventHeader{{Name: "ce-id", Value: "8"}, {Name: "quipu-id", Value: "shop 8"}}}},
	} {
		resp, b := s.post(t, "/v1/entries", c.body, c.header...)
		var told api.Appended
		if err := json.Unmarshal([]byte(b), &told); err != nil || resp.StatusCode != http.StatusCreated || resp.Header.Get("Content-Type") != asJSON {
			t.Fatalf("%s: %s %s, %v", c.body, resp.Status, b, err)
		}
		place := crdt.Place{Author: s.log.Author(), Seq: uint64(i)}
		if told.Place != place || told.Replicated != nil || resp.Header.Get("Location") != "/v1/entries/"+url.PathEscape(place.String()) {
			t.Errorf("%s: %+v at %s", c.body, told, resp.Header.Get("Location"))
		}
		e, err := s.log.Lookup(t.Context(), place)
		e.Time = c.want.Time
		if diff := cmp.Diff(c.want, e.Event); diff != "" || err != nil {
			t.Errorf("%s: %s, %v", c.body, diff, err)
		}
		again := s.get(t, resp.Header.Get("Location"), "Accept", asCloud)
		var read struct{ Type, Source, Quipuplace string }
		if err := json.NewDecoder(again.Body).Decode(&read); err != nil || again.Header.Get("Content-Type") != asCloud || read.Type != "k" || read.Quipuplace != place.String() {
			t.Errorf("%s: %+v, %v", again.Status, read, err)
		}
	}
}

// TestWhichBodiesAreLines: those that say so, that say nothing of themselves, or what text says and curl by itself; of
// another type nothing is read, and those are named that are.
func TestWhichBodiesAreLines(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	lines := []string{
		"", "application/x-ndjson", "Application/X-NDJSON; charset=utf-8", "application/ndjson", "application/jsonl", "application/x-jsonlines", "text/plain",
		"text/plain;charset=UTF-8", "application/x-www-form-urlencoded",
	}
	for i, media := range lines {
		header := []string{"Content-Type", media}
		if media == "" {
			header = nil
		}
		resp, b := s.post(t, "/v1/entries", `{"kind":"k"}`, header...)
		if resp.StatusCode != http.StatusOK || s.log.Stats().Entries != uint64(i+1) {
			t.Errorf("%q: %s %s, %d entries, want %d", media, resp.Status, b, s.log.Stats().Entries, i+1)
		}
	}
	for _, media := range []string{"application/octet-stream", "multipart/form-data; boundary=x", "application/xml", "text/csv", "application/jsonseq", "nonsense", ";"} {
		resp, b := s.post(t, "/v1/entries", `{"kind":"k"}`, "Content-Type", media)
		var told api.Error
		if err := json.Unmarshal([]byte(b), &told); err != nil || resp.StatusCode != http.StatusUnsupportedMediaType || told.Code != api.WrongMedia {
			t.Errorf("%q: %s %s", media, resp.Status, b)
		}
		for _, taken := range []string{"application/x-ndjson", asJSON, asCloud, asClouds} {
			if !strings.Contains(told.Message, taken) || !strings.Contains(resp.Header.Get("Accept"), taken) {
				t.Errorf("%q: %s is not named by %q or %q", media, taken, told.Message, resp.Header.Get("Accept"))
			}
		}
	}
	if n := s.log.Stats().Entries; n != uint64(len(lines)) {
		t.Errorf("%d entries, want %d", n, len(lines))
	}
}

// TestABatchIsAppendedAsAWhole, or not at all, and read again by page.
func TestABatchIsAppendedAsAWhole(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	var told api.AppendedBatch
	resp, b := s.post(t, "/v1/entries", "["+cloud("1")+","+cloud("2")+","+cloud("3")+"]", "Content-Type", asClouds)
	if err := json.Unmarshal([]byte(b), &told); err != nil || resp.StatusCode != http.StatusCreated || len(told.Appended) != 3 || told.Appended[2].Place.Seq != 2 {
		t.Fatalf("%s %s, %v", resp.Status, b, err)
	}
	if ops := s.log.Stats().Ops; ops != 1 {
		t.Errorf("%d ops: they were not appended together", ops)
	}
	if resp, b := s.post(t, "/v1/entries", "[]", "Content-Type", asClouds); resp.StatusCode != http.StatusCreated || b != `{"appended":[]}`+"\n" {
		t.Errorf("none: %s %s", resp.Status, b)
	}
	reserved := strings.Replace(cloud("5"), `"type":"k"`, `"type":"quipu.admit"`, 1)
	for body, says := range map[string]string{
		"[" + cloud("4") + "," + reserved + "]":                                "event 2 of the batch: kind",
		"[" + cloud("4") + "," + cloud("") + "]":                               "event 2 of the batch: invalid CloudEvent: attribute id",
		"[" + cloud("4") + ",{}" + strings.Repeat(" ", 16<<20) + "]":           "longer than",
		"[" + strings.Replace(cloud("4"), `"data"`, `"n":[1],"data"`, 1) + "]": "attribute n",
	} {
		resp, b := s.post(t, "/v1/entries", body, "Content-Type", asClouds)
		if resp.StatusCode < 400 || resp.StatusCode >= 500 || !strings.Contains(b, says) {
			t.Errorf("%.100s: %s %s", body, resp.Status, b)
		}
	}
	if n := s.log.Stats().Next; n != 3 {
		t.Errorf("%d entries, want 3", n)
	}
	var ids []string
	pages := 0
	for target := "/v1/entries?limit=2&kind=k"; target != ""; pages++ {
		resp := s.get(t, target, "Accept", asClouds)
		var events []struct{ ID string }
		if err := json.NewDecoder(resp.Body).Decode(&events); err != nil || resp.Header.Get("Content-Type") != asClouds {
			t.Fatalf("%s: %s, %v", target, resp.Status, err)
		}
		for _, e := range events {
			ids = append(ids, e.ID)
		}
		target, _, _ = strings.Cut(strings.TrimPrefix(resp.Header.Get("Link"), "<"), `>; rel="next"`)
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, ids); diff != "" || pages != 2 {
		t.Errorf("%d pages: %s", pages, diff)
	}
}

// TestAnEventThatIsRefused: nothing of it is appended, and what is wrong is named.
func TestAnEventThatIsRefused(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	for _, c := range []struct {
		body, says string
		status     int
		header     []string
	}{
		{"", "the body is empty", 400, []string{"Content-Type", asJSON}},
		{`{"kind":"k"}` + "\n" + `{"kind":"k"}`, "application/x-ndjson", 400, []string{"Content-Type", asJSON}},
		{`[{"kind":"k"}]`, "got a list", 400, []string{"Content-Type", asJSON}},
		{`{"kind":"quipu.admit"}`, "reserved", 400, []string{"Content-Type", asJSON}},
		{`{"kind":"k","retention":"transient"}`, "transient", 400, []string{"Content-Type", asJSON}},
		{"{", "cut off", 400, []string{"Content-Type", asCloud}},
		{"x", "attribute specversion is missing", 400, []string{"Ce-Id", "1"}},
		{"x", "not valid JSON", 400, []string{"Ce-Specversion", "1.0", "Ce-Id", "8", "Ce-Source", "s", "Ce-Type", "k"}},
		{strings.Repeat("x", crdt.MaxPayload+1), "longer than 1048576 bytes", 413, []string{"Content-Type", "a/b", "Ce-Specversion", "1.0"}},
		{`{"kind":"k"}`, "expected a number of nodes", 400, []string{"Content-Type", asJSON, "wait", "0"}},
	} {
		target := "/v1/entries"
		if n := len(c.header); c.header[n-2] == "wait" {
			target, c.header = target+"?wait="+c.header[n-1], c.header[:n-2]
		}
		resp, b := s.post(t, target, c.body, c.header...)
		if resp.StatusCode != c.status || !strings.Contains(b, c.says) || resp.Header.Get("Content-Type") != api.ContentProblem {
			t.Errorf("%.60s %v: %s %s, want %q", c.body, c.header, resp.Status, b, c.says)
		}
	}
	if n := s.log.Stats().Next; n != 0 {
		t.Errorf("%d entries were appended", n)
	}
}

// TestOthersAreWaitedFor: who waits is told who holds it; that nobody does in time is no error.
func TestOthersAreWaitedFor(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	resp, b := s.post(t, "/v1/entries?wait=1&wait-timeout=1ms", `{"kind":"k"}`, "Content-Type", asJSON)
	var told api.Appended
	if err := json.Unmarshal([]byte(b), &told); err != nil || resp.StatusCode != http.StatusCreated || told.Replicated == nil || told.Replicated.Satisfied {
		t.Errorf("%s %s, %v", resp.Status, b, err)
	}
	if want := fmt.Sprintf(`{"place":"%s","replicated":{"satisfied":false,"have":[],"missing":[]}}`+"\n", told.Place); b != want {
		t.Errorf("%s, want %s", b, want)
	}
}

// TestANarrowTokenAppendsWhatItIsFor in every form, and its name stands in each entry.
func TestANarrowTokenAppendsWhatItIsFor(t *testing.T) {
	n := newNetwork(t)
	secret := n.token(t, api.TokenRequest{Name: "n", Scopes: []api.Scope{api.ScopeAppend}, Kinds: []string{"k"}})
	s := served{n.log, n.url}
	for i, c := range []struct {
		body   string
		header []string
	}{
		{`{"kind":"k"}`, []string{"Content-Type", asJSON}},
		{cloud("1"), []string{"Content-Type", asCloud}},
		{"[" + cloud("2") + "]", []string{"Content-Type", asClouds}},
		{`{}`, []string{"Ce-Specversion", "1.0", "Ce-Id", "3", "Ce-Source", "s", "Ce-Type", "k"}},
	} {
		head := append([]string{"Authorization", "Bearer " + secret}, c.header...)
		if resp, b := s.post(t, "/v1/entries", c.body, head...); resp.StatusCode != http.StatusCreated {
			t.Errorf("%s: %s %s", c.body, resp.Status, b)
			continue
		}
		e, err := n.log.Lookup(t.Context(), crdt.Place{Author: n.log.Author(), Seq: uint64(i)})
		if err != nil || e.Header(api.ClientHeader) != "n" {
			t.Errorf("%s: %+v, %v", c.body, e.Event, err)
		}
		other := strings.NewReplacer(`"kind":"k"`, `"kind":"other"`, `"type":"k"`, `"type":"other"`).Replace(c.body)
		if head[len(head)-2] == "Ce-Type" {
			head[len(head)-1] = "other"
		}
		if resp, b := s.post(t, "/v1/entries", other, head...); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s %s", other, resp.Status, b)
		}
	}
	if got := n.log.Stats().Next; got != 4 {
		t.Errorf("%d entries, want 4", got)
	}
}
