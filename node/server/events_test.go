package server_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

// served is a node that is asked over HTTP by whatever program.
type served struct {
	log *eventlog.Log
	url string
}

func serve(t *testing.T, log *eventlog.Log) served {
	t.Helper()
	srv := httptest.NewServer(server.New(server.Config{Log: log, Daemon: daemon{}}))
	t.Cleanup(srv.Close)
	return served{log, srv.URL}
}

// get makes a call with the given header, in pairs.
func (s served) get(t *testing.T, target string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r) // which decodes nothing that was asked for here
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// append appends events about the subjects. It may run beside the test.
func (s served) append(t *testing.T, subjects ...string) {
	t.Helper()
	var batch []crdt.Event
	for _, subject := range subjects {
		batch = append(batch, crdt.Event{Kind: "k", Subject: subject})
	}
	if _, err := s.log.AppendBatch(t.Context(), batch); err != nil {
		t.Error(err)
	}
}

// sent is a server-sent event. Its data is a subject where it is an entry.
type sent struct{ id, name, data string }

// events is a stream of them.
type events struct {
	t    *testing.T
	body *http.Response
	in   *bufio.Reader
}

// events begins a stream of events, behind an event where last is not "".
func (s served) events(t *testing.T, target, last string) events {
	t.Helper()
	header := []string{"Accept", "text/event-stream"}
	if last != "" {
		header = append(header, "Last-Event-ID", last)
	}
	resp := s.get(t, target, header...)
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("%s: %s, %s", target, resp.Status, got)
	}
	return events{t, resp, bufio.NewReader(resp.Body)}
}

// next returns the next event; one without data only says where the stream is.
func (s events) next() (e sent) {
	s.t.Helper()
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			s.t.Fatalf("after %+v %q: %v", e, line, err)
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if entry, _, err := crdt.ParseEntryJSON([]byte(e.data)); err == nil {
				e.data = entry.Subject
			}
			return e
		default:
			s.t.Fatalf("a line %q", line)
		}
	}
}

// subjects returns those of the next n events, which are entries, and the id of the last.
func (s events) subjects(n int) (all []string, last string) {
	s.t.Helper()
	for range n {
		e := s.next()
		if e.name != "" || e.id == "" {
			s.t.Fatalf("%+v is no entry", e)
		}
		all, last = append(all, e.data), e.id
	}
	return all, last
}

// TestEventsGoOnWhereTheyWere: wherever a stream breaks off, before the first entry too, what comes next is what was not
// read, by whichever way a client says where it was.
func TestEventsGoOnWhereTheyWere(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	s.append(t, "before")
	stream := s.events(t, "/v1/tail", "")
	begin := stream.next()
	if begin.id == "" || begin.data != "" {
		t.Fatalf("the stream begins with %+v", begin)
	}
	stream.body.Body.Close()
	s.append(t, "0", "1", "2")
	for _, c := range []struct{ target, last string }{
		{"/v1/tail", begin.id},
		{"/v1/tail?after=" + begin.id, ""},
		{"/v1/tail?offset=0", begin.id},
		{"/v1/tail?after=" + s.log.CursorAt(0).String(), begin.id},
	} {
		stream := s.events(t, c.target, c.last)
		if again := stream.next(); again != begin {
			t.Errorf("%+v: begins with %+v, want %+v", c, again, begin)
		}
		got, last := stream.subjects(2)
		if diff := cmp.Diff([]string{"0", "1"}, got); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
		stream.body.Body.Close()
		stream = s.events(t, c.target, last)
		stream.next()
		if got, _ := stream.subjects(1); got[0] != "2" {
			t.Errorf("%+v: goes on with %s", c, got)
		}
	}
	// What comes while the stream is read comes in it.
	stream = s.events(t, "/v1/tail?subject=4&limit=1", "")
	stream.next()
	s.append(t, "3", "4")
	if got, _ := stream.subjects(1); got[0] != "4" {
		t.Errorf("the stream has %s", got)
	}
	if _, err := stream.in.ReadByte(); err == nil {
		t.Error("the stream goes on behind its limit")
	}
}

// TestEventsSayWhatIsGone: a reader whose next entries were trimmed is told which, and gets what is behind them; it goes on
// from what it was told as from an entry.
func TestEventsSayWhatIsGone(t *testing.T) {
	s := serve(t, newTrimmable(t, nothingKept, 3))
	after := s.log.CursorAt(1).String()
	if _, err := s.log.Trim(t.Context(), eventlog.TrimOptions{}); err != nil {
		t.Fatal(err)
	}
	want := api.TrimmedError{
		Place: &crdt.Place{Author: s.log.Author(), Seq: 1}, Entries: 2,
		First: &crdt.Place{Author: s.log.Author(), Seq: 3}, Offset: 3,
	}
	stream := s.events(t, "/v1/tail", after)
	stream.next()
	gone := stream.next()
	var told api.TrimmedError
	if err := json.Unmarshal([]byte(gone.data), &told); err != nil || gone.name != "gone" || gone.id != s.log.CursorAt(3).String() {
		t.Fatalf("%+v, %v", gone, err)
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	if got, _ := stream.subjects(1); got[0] != "3" {
		t.Errorf("behind what is gone stands %s", got)
	}
	stream = s.events(t, "/v1/tail", gone.id)
	stream.next()
	if got, _ := stream.subjects(1); got[0] != "3" {
		t.Errorf("behind what was said to be gone stands %s", got)
	}

	// One that asks for what is gone in its place is told by the same event.
	stream = s.events(t, "/v1/tail?offset=0&gone=show", "")
	stream.next()
	entries := uint64(0)
	for entries < 3 {
		e := stream.next()
		if err := json.Unmarshal([]byte(e.data), &told); err != nil || e.name != "gone" || e.id != s.log.CursorAt(told.Offset).String() {
			t.Fatalf("%+v, %v", e, err)
		}
		entries += told.Entries
	}
	if got, _ := stream.subjects(1); got[0] != "3" || entries != 3 {
		t.Errorf("%s behind %d that are gone", got, entries)
	}

	// One that wants to stop there does.
	stream = s.events(t, "/v1/tail?after="+after+"&gone=stop", "")
	stream.next()
	if end := stream.next(); end.name != "problem" || !strings.Contains(end.data, `"code":"trimmed"`) {
		t.Errorf("%+v", end)
	}
	if _, err := stream.in.ReadByte(); err == nil {
		t.Error("the stream goes on behind its problem")
	}
}

// TestEventsThatCannotBegin are refused with a status, at which a browser gives up.
func TestEventsThatCannotBegin(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	s.append(t, "0")
	other := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("other")})
	for _, c := range []struct{ target, last, says string }{
		{"/v1/tail", "7", "not a cursor"},
		{"/v1/tail", other.CursorAt(0).String(), "another log"},
		{"/v1/tail", s.log.CursorAt(9).String(), "another log"},
		{"/v1/tail?reverse=true", "", "reverse"},
		{"/v1/tail?order=causal", "", "causal"},
		{"/v1/tail?offset=2", "", "beyond the end"},
		{"/v1/tail?page=x", "", "no pages"},
	} {
		for _, form := range []string{"", "poll=1m"} {
			target := c.target
			if form != "" {
				if c.last != "" {
					target += "?after=" + c.last
				}
				target += map[bool]string{true: "&", false: "?"}[strings.Contains(target, "?")] + form
			}
			resp := s.get(t, target, "Accept", "text/event-stream", "Last-Event-ID", c.last)
			var told api.Error
			if err := json.NewDecoder(resp.Body).Decode(&told); err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(told.Message, c.says) {
				t.Errorf("%s %s: %s %+v, %v", target, c.last, resp.Status, told, err)
			}
		}
	}
}

// TestEventsOfWhatIsHeard: transient events have names and no id, for nobody can go on behind them.
func TestEventsOfWhatIsHeard(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	stream := s.events(t, "/v1/tail?transient=true", "")
	stream.next()
	for reached := 0; reached == 0; {
		reach, err := s.log.Broadcast(t.Context(), signal("now"), eventlog.Here)
		if err != nil {
			t.Fatal(err)
		}
		reached = reach.Listeners
	}
	if e := stream.next(); e.name != "broadcast" || e.id != "" || !strings.Contains(e.data, `"subject":"now"`) {
		t.Errorf("%+v", e)
	}
	if err := s.log.Close(); err != nil {
		t.Fatal(err)
	}
	if e := stream.next(); e.name != "problem" || !strings.Contains(e.data, `"code":"stopping"`) {
		t.Errorf("%+v", e)
	}
}
