package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/cords"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

// TestCordsAndTheTailBehindThem: what a page is told at first and what the tail tells from the cursor on is each entry once,
// however far the counts are that are kept.
func TestCordsAndTheTailBehindThem(t *testing.T) {
	log := eventlogtest.Open(t)
	kept := cords.Of(log)
	srv := httptest.NewServer(server.New(server.Config{Log: log, Cords: kept, Name: "alpha"}))
	t.Cleanup(srv.Close)
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	told := make(map[uint64]int)
	total := 0
	add := func(n int) {
		t.Helper()
		for range n {
			if _, err := log.Append(t.Context(), crdt.Event{Kind: fmt.Sprintf("kind-%d", total%3), Time: noon.Add(time.Duration(total) * time.Second)}); err != nil {
				t.Fatal(err)
			}
			total++
		}
	}
	for round := range 3 {
		add(20)
		var c api.Cords
		get(t, srv.URL+"/v1/cords", &c)
		if c.Node != log.Author() || len(c.Cords) != 1 || c.Cords[0].Name != "alpha" || c.Cords[0].Entries != uint64(total) || len(c.Kinds) != 3 || c.Others.Authors != 0 || *c.First != noon.UnixMilli() {
			t.Fatalf("%+v", c)
		}
		clear(told)
		for _, cell := range c.Cords[0].Cells {
			if len(cell) != 7 || cell[1] != 1 || cell[2] != 1 || cell[3] != cell[4] || c.Kinds[cell[5]] != fmt.Sprintf("kind-%d", cell[3]%3) || cell[0] != noon.UnixMilli()+1000*cell[3] {
				t.Errorf("cell %v", cell)
			}
			told[uint64(cell[3])]++
		}
		if round == 0 {
			if err := kept.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		add(7)
		var polled struct{ Entries []struct{ Seq uint64 } }
		get(t, srv.URL+"/v1/tail?poll=1ms&after="+c.Cursor, &polled)
		for _, e := range polled.Entries {
			told[e.Seq]++
		}
		for seq := range uint64(total) {
			if told[seq] != 1 {
				t.Errorf("entry %d was told %d times", seq, told[seq])
			}
		}
	}
}

// get reads a JSON answer.
func get(t *testing.T, url string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", url, resp.StatusCode, err)
	}
}

// TestWindowsAsParameters: times are milliseconds or as elsewhere; what makes no sense is refused by name, and the answer of
// an empty log has empty lists.
func TestWindowsAsParameters(t *testing.T) {
	log := eventlogtest.Open(t)
	h := server.New(server.Config{Log: log})
	ask := func(query, accepts string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/v1/cords?"+query, nil)
		r.Header.Set("Accept-Encoding", accepts)
		h.ServeHTTP(w, r)
		return w
	}
	if w := ask("", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"kinds":[],"cords":[],"all":[],"others":{"authors":0,"entries":0}`) || strings.Contains(w.Body.String(), "first") {
		t.Errorf("of an empty log: %d, %s", w.Code, w.Body)
	}
	at := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	if _, err := log.Append(t.Context(), crdt.Event{Kind: "k", Time: at}); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		fmt.Sprintf("from=%d&to=%d", at.UnixMilli(), at.UnixMilli()+1), "from=2026-01-02&to=2026-01-03T00:00:00Z", "from=-9999999999999999&to=9999999999999999",
		"author=" + log.Author().String() + "&kind=k&kind=other&width=2&limit=1",
	} {
		w := ask(query, "gzip")
		zipped, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatalf("%s: %d, %v", query, w.Code, err)
		}
		var c api.Cords
		if err := json.NewDecoder(zipped).Decode(&c); err != nil || len(c.Cords) != 1 || c.Cords[0].Entries != 1 {
			t.Errorf("%s: %+v, %v", query, c, err)
		}
	}
	for _, query := range []string{"from=x", "to=", "from=2&to=1", "width=0", "width=1", "width=4097", "width=x", "limit=0", "limit=201", "author=x", "form=1", "width=2&width=3"} {
		w := ask(query, "")
		name, _, _ := strings.Cut(query, "=")
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), name) {
			t.Errorf("%s: %d, %s", query, w.Code, w.Body)
		}
	}
}
