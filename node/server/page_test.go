package server_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
)

// answered is a page, or what a tail has answered once.
type answered struct {
	Entries     []crdt.Entry
	Next, After string
}

func (a answered) subjects() (all []string) {
	for _, e := range a.Entries {
		all = append(all, e.Subject)
	}
	return all
}

// page asks for a page.
func (s served) page(t *testing.T, target string) (a answered) {
	t.Helper()
	resp := s.get(t, target, "Accept", "application/json")
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "application/json" {
		b, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s: %s, %s %s", target, resp.Status, got, b)
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestPagesAreTheWhole: all pages together are what one reading shows, in every order, as of when the first was read.
func TestPagesAreTheWhole(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	var want, reversed []string
	for i := range 25 {
		want, reversed = append(want, fmt.Sprint(i)), append([]string{fmt.Sprint(i)}, reversed...)
	}
	s.append(t, want...)
	for _, query := range []string{"limit=10", "order=causal&limit=5", "order=arrival&limit=24", "limit=25", "", "limit=7&reverse=true"} {
		var got []string
		pages, token := 0, ""
		for first := true; first || token != ""; first = false {
			target := "/v1/entries?" + query
			if token != "" {
				target += "&page=" + url.QueryEscape(token)
			}
			p := s.page(t, target)
			got, token = append(got, p.subjects()...), p.Next
			if pages++; first {
				s.append(t, "late")
			}
		}
		expect := want
		if strings.Contains(query, "reverse") {
			expect = reversed
		}
		got = slices.DeleteFunc(got, func(subject string) bool { return subject == "late" }) // of an earlier query
		if diff := cmp.Diff(expect, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
		if pages > 6 {
			t.Errorf("%s: %d pages", query, pages)
		}
	}
	token := s.page(t, "/v1/entries?limit=1").Next
	for target, says := range map[string]string{"/v1/entries?page=x": "not a page token", "/v1/entries?kind=k&page=" + url.QueryEscape(token): "another query"} {
		resp := s.get(t, target, "Accept", "application/json")
		var told api.Error
		if err := json.NewDecoder(resp.Body).Decode(&told); err != nil || told.Code != api.Invalid || !strings.Contains(told.Message, says) {
			t.Errorf("%s: %+v, %v", target, told, err)
		}
	}
}

// TestAPageIsBounded in memory, however large its entries are.
func TestAPageIsBounded(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	one := crdt.Event{Kind: "k", Payload: []byte(`"` + strings.Repeat("x", crdt.MaxPayload-2) + `"`)}
	if _, err := s.log.AppendBatch(t.Context(), slices.Repeat([]crdt.Event{one}, 6)); err != nil {
		t.Fatal(err)
	}
	p := s.page(t, "/v1/entries")
	sizes := []int{len(p.Entries)}
	for p.Next != "" {
		p = s.page(t, "/v1/entries?page="+url.QueryEscape(p.Next))
		sizes = append(sizes, len(p.Entries))
	}
	if diff := cmp.Diff([]int{4, 2}, sizes); diff != "" {
		t.Errorf("pages of so many megabytes: %s", diff)
	}
}

// TestAnswersAreCompressed as the client asks for, and in the forms in which it asks for them.
func TestAnswersAreCompressed(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	var subjects []string
	for i := range 3000 {
		subjects = append(subjects, fmt.Sprint(i))
	}
	s.append(t, subjects...)
	for _, accept := range []string{"application/x-ndjson", "application/json"} {
		whole, err := io.ReadAll(s.get(t, "/v1/entries?limit=3000", "Accept", accept, "Accept-Encoding", "identity").Body)
		if err != nil {
			t.Fatal(err)
		}
		for asked, want := range map[string]string{
			"gzip": "gzip", "zstd": "zstd", "gzip, zstd": "zstd", "gzip;q=1, zstd;q=0.5": "gzip", "br": "", "identity": "", "gzip;q=0": "", "GZIP": "gzip",
		} {
			resp := s.get(t, "/v1/entries?limit=3000", "Accept", accept, "Accept-Encoding", asked)
			if got := resp.Header.Get("Content-Encoding"); got != want || !strings.Contains(strings.Join(resp.Header["Vary"], ","), "Accept-Encoding") {
				t.Errorf("%s: %q, %q", asked, got, resp.Header["Vary"])
				continue
			}
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if want != "" && len(b) > len(whole)/3 {
				t.Errorf("%s: %d bytes of %d", asked, len(b), len(whole))
			}
			if plain := decoded(t, want, strings.NewReader(string(b))); plain != string(whole) {
				t.Errorf("%s %s: %d bytes, want %d", accept, asked, len(plain), len(whole))
			}
		}
	}
	// A refusal is as it is.
	resp := s.get(t, "/v1/entries?order=no", "Accept-Encoding", "gzip")
	if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Content-Encoding") != "" {
		t.Errorf("%s %q", resp.Status, resp.Header)
	}
}

// TestWholeAnswersAreCompressed: what a page asks for again and again costs as little as it can.
func TestWholeAnswersAreCompressed(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	s.append(t, "a")
	whole, err := io.ReadAll(s.get(t, "/v1/frontier/hash", "Accept-Encoding", "identity").Body)
	if err != nil {
		t.Fatal(err)
	}
	for asked, encoding := range map[string]string{"gzip": "gzip", "zstd": "zstd", "identity": ""} {
		resp := s.get(t, "/v1/frontier/hash", "Accept-Encoding", asked)
		if got := resp.Header.Get("Content-Encoding"); got != encoding {
			t.Errorf("%s: %q", encoding, got)
		} else if plain := decoded(t, encoding, resp.Body); plain != string(whole) {
			t.Errorf("%s: %q, want %q", encoding, plain, whole)
		}
	}
	resp := s.get(t, "/v1/forks/"+s.log.Author().String(), "Accept-Encoding", "gzip") // it has none
	if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Encoding") != "" {
		t.Errorf("a refusal: %s %q", resp.Status, resp.Header)
	}
}

// decoded returns what was compressed.
func decoded(t *testing.T, encoding string, r io.Reader) string {
	t.Helper()
	var err error
	switch encoding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r, zstd.WithDecoderMaxWindow(1<<20))
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestCompressedLinesComeAsTheyAreRead: a client has whole lines of an answer that goes on.
func TestCompressedLinesComeAsTheyAreRead(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	one := crdt.Event{Kind: "k", Payload: []byte(`"` + strings.Repeat("x", 60_000) + `"`)}
	if _, err := s.log.AppendBatch(t.Context(), slices.Repeat([]crdt.Event{one}, 100)); err != nil {
		t.Fatal(err)
	}
	resp := s.get(t, "/v1/entries", "Accept-Encoding", "gzip")
	raw := &counted{Reader: resp.Body}
	r, err := gzip.NewReader(raw)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(r)
	if _, err := lines.ReadString('\n'); err != nil || raw.n > 64<<10 {
		t.Errorf("the first line is there after %d bytes, %v", raw.n, err)
	}
}

type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += n
	return n, err
}
