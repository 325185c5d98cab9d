package httpapi

import (
	"encoding/json"
	"net/url"
	"strings"
)

// The other media in which entries travel.
const (
	mediaJSON        = "application/json"
	mediaCloudEvent  = "application/cloudevents+json"
	mediaCloudEvents = "application/cloudevents-batch+json"
)

// as makes a call of one whose answer is to have a media type.
func (c call) as(media string) call {
	c.head = map[string]string{"Accept": media}
	return c
}

// media sends and reads entries in each form that they have beside lines.
func (s session) media() {
	s.t.Helper()
	s.do(call{op: "append", query: "wait=1&wait-timeout=60s", body: `{"kind":"form.one","payload":{"n":1}}`})
	s.do(call{op: "append", query: "wait=9&wait-timeout=1ms", body: `{"kind":"form.two"}`}) // which is done, and says who lacks it
	const event = `{"specversion":"1.0","id":"3","source":"/shop","type":"form.three","subject":"s","data":{"n":3},"trace":"t"}`
	s.do(call{op: "append", media: mediaCloudEvent, body: event})
	s.do(call{op: "append", media: mediaCloudEvents, body: "[" + strings.ReplaceAll(event, `"3"`, `"4"`) + "," + strings.ReplaceAll(event, `"3"`, `"5"`) + "]"})
	s.do(call{op: "append", media: "text/plain", body: "six", head: map[string]string{
		"Ce-Specversion": "1.0", "Ce-Id": "6", "Ce-Source": "/shop", "Ce-Type": "form.six",
	}})
	s.do(call{op: "append", media: mediaCloudEvent, body: `{"specversion":"1.0","id":"7"}`, code: "invalid"})
	s.do(call{op: "append", media: "application/xml", body: "<event/>", code: "wrong-media"})

	const all = 6
	if n := s.pages("kind=form.%2A&order=arrival&limit=4"); n != all {
		s.t.Errorf("%d entries stand on pages, want %d", n, all)
	}
	var events []struct {
		ID    string
		Place string `json:"quipuplace"`
	}
	s.read(call{op: "listEntries", query: "kind=form.%2A&order=arrival"}.as(mediaCloudEvents), &events)
	if len(events) != all || events[2].ID != "3" {
		s.t.Fatalf("as CloudEvents: %v, want %d", events, all)
	}
	s.do(call{op: "getEntry", path: map[string]string{"place": events[2].Place}}.as(mediaCloudEvent))

	tail := call{op: "tail", query: "kind=form.%2A&offset=0&limit=6"}
	stream := string(s.do(tail.as(mediaEvents)))
	ids := strings.Split(stream, "\nid:")
	if n := strings.Count(stream, "\ndata:"); n != all || len(ids) < 4 {
		s.t.Fatalf("%d events are told, want %d: %s", n, all, stream)
	}
	// An id is a cursor: of a reader that goes on, and of one that asks again and again.
	id, _, _ := strings.Cut(strings.TrimSpace(ids[3]), "\n")
	again := tail.as(mediaEvents)
	again.query = "kind=form.%2A&limit=1"
	again.head["Last-Event-ID"] = id
	if n := strings.Count(string(s.do(again)), "\ndata:"); n != 1 {
		s.t.Errorf("%d events are told behind %s, want 1", n, id)
	}
	var polled struct {
		Entries []json.RawMessage
		After   string
	}
	s.read(call{op: "tail", query: "kind=form.%2A&poll=30s&after=" + url.QueryEscape(id)}, &polled)
	if len(polled.Entries) == 0 || polled.After == "" {
		s.t.Errorf("asked once: %v", polled)
	}
	s.read(call{op: "tail", query: "kind=form.%2A&poll=0&after=" + url.QueryEscape(polled.After)}, &polled)
	if len(polled.Entries) != 0 {
		s.t.Errorf("behind all: %v", polled)
	}
}

// read makes a call and reads the JSON of its answer.
func (s session) read(c call, into any) {
	s.t.Helper()
	if b := s.do(c); json.Unmarshal(b, into) != nil {
		s.t.Fatalf("%s: %s", c.op, b)
	}
}

// pages reads page after page and returns how many entries stand on them.
func (s session) pages(query string) (n int) {
	s.t.Helper()
	for next := ""; ; {
		var page struct {
			Entries []json.RawMessage
			Next    string
		}
		s.read(call{op: "listEntries", query: query + next}.as(mediaJSON), &page)
		if n += len(page.Entries); page.Next == "" {
			return n
		}
		next = "&page=" + url.QueryEscape(page.Next)
	}
}
