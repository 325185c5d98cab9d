package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

// transports are the two ways to reach a server.
var transports = map[string]func(testing.TB, http.Handler) *client.Client{
	"in memory": func(tb testing.TB, h http.Handler) *client.Client {
		c := server.Local(h, func() error { return nil })
		tb.Cleanup(func() {
			if err := c.Close(); err != nil {
				tb.Error(err)
			}
		})
		return c
	},
	"socket": func(tb testing.TB, h http.Handler) *client.Client {
		dir, err := os.MkdirTemp("", "qs") // short enough for a socket
		if err != nil {
			tb.Fatal(err)
		}
		path := filepath.Join(dir, "s")
		listener, err := net.Listen("unix", path)
		if err != nil {
			tb.Fatal(err)
		}
		srv := &http.Server{Handler: h}
		go srv.Serve(listener)
		tb.Cleanup(func() {
			srv.Close()
			os.RemoveAll(dir)
		})
		return client.New(func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}, nil)
	},
}

// each runs a test over both transports, each with a log of its own.
func each(t *testing.T, test func(*testing.T, *eventlog.Log, *client.Client)) {
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			log := eventlogtest.Open(t)
			test(t, log, connect(t, server.New(server.Config{Log: log})))
		})
	}
}

func TestAppendStreams(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		// Each line is written only once the place of the one before was read: both directions flow.
		lines, into := io.Pipe()
		defer into.Close()
		send := func(i int) {
			go fmt.Fprintf(into, "{\"kind\":\"k\",\"payload\":%d}\n", i)
		}
		send(0)
		next := uint64(0)
		for p, err := range c.Append(t.Context(), lines) {
			if err != nil {
				t.Fatal(err)
			}
			if want := (crdt.Place{Author: log.Author(), Seq: next}); p != want {
				t.Fatalf("place %v, want %v", p, want)
			}
			e, err := log.Lookup(t.Context(), p)
			if err != nil || string(e.Payload) != fmt.Sprint(next) {
				t.Fatalf("entry %v: %q, %v", p, e.Payload, err)
			}
			next++
			if next == 20 {
				into.Close()
				continue
			}
			send(int(next))
		}
		if next != 20 {
			t.Errorf("%d places, want 20", next)
		}
	})
}

func TestAppendBatches(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		const n = 20_000
		lines := strings.NewReader(strings.Repeat("{\"kind\":\"k\",\"payload\":\"0123456789\"}\n", n))
		next := uint64(0)
		for p, err := range c.Append(t.Context(), lines) {
			if err != nil || p.Seq != next {
				t.Fatalf("place %v, %v; want seq %d", p, err, next)
			}
			next++
		}
		if next != n {
			t.Errorf("%d places, want %d", next, n)
		}
		if ops := log.Stats().Ops; ops > n/20 {
			t.Errorf("%d ops for %d entries: they were not batched", ops, n)
		}
	})
}

// TestAppendBadLine has a bad line in the middle of more input than any buffer holds: the error arrives
// all the same, and so do the places before it.
func TestAppendBadLine(t *testing.T) {
	good := "{\"kind\":\"k\"}\n"
	for name, bad := range map[string]struct {
		line string
		code api.Code
	}{
		"no JSON":     {"{", api.Invalid},
		"unknown":     {`{"knid":"k"}`, api.Invalid},
		"no kind":     {`{"subject":"k"}`, api.Invalid},
		"reserved":    {`{"kind":"quipu.admit"}`, api.Reserved},
		"transition":  {`{"kind":"quipu.transition","payload":{}}`, api.Invalid},
		"too large":   {`{"kind":"k","payload":"` + strings.Repeat("x", crdt.MaxPayload) + `"}`, api.Invalid},
		"endless":     {strings.Repeat("x", api.MaxLine+2), api.TooLarge},
		"not UTF-8":   {"{\"kind\":\"\xff\"}", api.Invalid},
		"two objects": {`{"kind":"k"}{"kind":"k"}`, api.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
				input := strings.Repeat(good, 1500) + bad.line + "\n" + strings.Repeat(good, 500_000)
				places := 0
				var refusal *api.Error
				for _, err := range c.Append(t.Context(), strings.NewReader(input)) {
					if err == nil {
						places++
						continue
					}
					if !errors.As(err, &refusal) {
						t.Fatalf("got %v, want a refusal", err)
					}
				}
				if refusal == nil || refusal.Line != 1501 || refusal.Code != bad.code {
					t.Errorf("refusal %+v, want line 1501 and code %s", refusal, bad.code)
				}
				if held := log.Stats().Entries; places != 1500 || held != 1500 {
					t.Errorf("%d places, %d entries, want 1500", places, held)
				}
			})
		})
	}
}

// TestAppendBadLineIdle has a client that goes on holding its end open after a bad line.
func TestAppendBadLineIdle(t *testing.T) {
	each(t, func(t *testing.T, _ *eventlog.Log, c *client.Client) {
		lines, into := io.Pipe()
		defer into.Close()
		go io.WriteString(into, "{\"kind\":\"k\"}\n{\n")
		var last error
		for _, err := range c.Append(t.Context(), lines) {
			last = err
		}
		if last == nil || !strings.HasPrefix(last.Error(), "line 2: ") {
			t.Errorf("ended with %v", last)
		}
	})
}

func TestAppendEnds(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		for text, want := range map[string]int{
			"":                                   0,
			"\n\n \n":                            0,
			`{"kind":"k"}`:                       1,
			"\r\n{\"kind\":\"k\"}\r\n\n":         1,
			"{\"kind\":\"k\"}\n{\"kind\":\"k\"}": 2,
		} {
			got := 0
			for _, err := range c.Append(t.Context(), strings.NewReader(text)) {
				if err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				got++
			}
			if got != want {
				t.Errorf("%q: %d places, want %d", text, got, want)
			}
		}
		// A client that leaves before it has read everything.
		for range c.Append(t.Context(), strings.NewReader(strings.Repeat("{\"kind\":\"k\"}\n", 10_000))) {
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		lines, into := io.Pipe()
		defer into.Close()
		go io.WriteString(into, "{\"kind\":\"k\"}\n")
		var last error
		for _, err := range c.Append(ctx, lines) {
			last = err
			cancel()
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("a cancelled call ended with %v", last)
		}
	})
}

func TestEntriesAndTail(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		big := bytes.Repeat([]byte("x"), 200_000) // longer than any line buffer
		for i, payload := range [][]byte{[]byte("1"), big, nil, {0xff}} {
			e := crdt.Event{Kind: "k", Subject: fmt.Sprint(i), ContentType: "text/plain", Payload: payload}
			if _, err := log.Append(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		var want [][]byte
		for e, err := range log.Entries(t.Context(), eventlog.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, e.AppendJSON(nil, &e.Offset))
		}
		i := 0
		for line, err := range c.Entries(t.Context(), api.Query{}) {
			if err != nil || !bytes.Equal(line, want[i]) {
				t.Fatalf("line %d: %.100s, %v", i, line, err)
			}
			i++
		}
		if i != len(want) {
			t.Errorf("%d lines, want %d", i, len(want))
		}

		// A tail from an offset, and what is appended while it runs.
		from := uint64(3)
		next := from
		for line, err := range c.Tail(t.Context(), api.Query{Offset: &from}) {
			if err != nil {
				t.Fatal(err)
			}
			_, offset, err := line.Entry()
			if err != nil || offset == nil || *offset != next {
				t.Fatalf("offset %v, %v; want %d", offset, err, next)
			}
			if next++; next == 10 {
				break
			}
			if _, err := log.Append(t.Context(), crdt.Event{Kind: "more"}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestQueriesThatMakeNoSense(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		place := crdt.Place{Author: log.Author()}
		for _, q := range []api.Query{
			{Order: "random"},
			{Order: "causal", From: &place},
			{Limit: -1},
		} {
			for _, err := range c.Entries(t.Context(), q) {
				var refusal *api.Error
				if !errors.As(err, &refusal) || refusal.Code != api.Invalid {
					t.Errorf("%+v: got %v", q, err)
				}
			}
		}
		for _, err := range c.Tail(t.Context(), api.Query{Reverse: true}) {
			if err == nil {
				t.Error("a tail in reverse yields entries")
			}
			break
		}
		if _, err := c.Prove(t.Context(), place); !errors.Is(err, api.ErrNotFound) {
			t.Errorf("proof of nothing: %v", err)
		}
		if _, err := c.Members(t.Context()); err == nil {
			t.Error("members without a daemon")
		}
	})
}

func TestRoutes(t *testing.T) {
	log := eventlogtest.Open(t)
	h := server.New(server.Config{Log: log})
	for request, want := range map[string]int{
		"GET /v1/status":                 http.StatusOK,
		"GET /v1/frontier":               http.StatusOK,
		"POST /v1/verify":                http.StatusOK,
		"GET /v1/entries?knid=a":         http.StatusBadRequest,
		"GET /v1/entries/nonsense/proof": http.StatusBadRequest,
		"GET /v1/members":                http.StatusServiceUnavailable,
		"GET /v2/entries":                http.StatusNotFound,
		"DELETE /v1/entries":             http.StatusMethodNotAllowed,
		"DELETE /v2/entries":             http.StatusNotFound,
		"GET /v1/transitions?limt=1":     http.StatusBadRequest,
		"GET /v1/state":                  http.StatusOK,
		"GET /v1/state?subject=a":        http.StatusOK,
		"GET /v1/state?limit=1":          http.StatusBadRequest,
		"POST /v1/state/at":              http.StatusBadRequest,
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != want {
			t.Errorf("%s: status %d, want %d: %s", request, w.Code, want, w.Body)
		}
	}
}

func TestTransitions(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		moves := `{"subject":"door","to":"open","trigger":"key"}
{"subject":"door","to":"shut"}
{"subject":"door","from":"locked","to":"open"}
`
		places := 0
		for _, err := range c.Transition(t.Context(), strings.NewReader(moves)) {
			if err != nil {
				t.Fatal(err)
			}
			places++
		}
		// Entries and transitions may stand side by side.
		mixed := `{"kind":"note"}
{"kind":"quipu.transition","subject":"window","payload":{"to":"open"}}
{"kind":"note"}
{"kind":"quipu.transition","subject":"window","payload":{"to":"shut"}}
`
		for _, err := range c.Append(t.Context(), strings.NewReader(mixed)) {
			if err != nil {
				t.Fatal(err)
			}
			places++
		}
		if places != 7 {
			t.Errorf("%d places, want 7", places)
		}
		var told []string
		for tr, err := range c.Transitions(t.Context(), api.StateQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			told = append(told, fmt.Sprintf("%s %s-%s %v", tr.Subject, tr.From, tr.To, tr.Notes))
		}
		want := []string{
			"door -open []", "door open-shut []", `door locked-open [the subject was in "shut"]`,
			"window -open []", "window open-shut []",
		}
		if strings.Join(told, "\n") != strings.Join(want, "\n") {
			t.Errorf("transitions:\n%s\nwant:\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
		}
		for s, err := range c.States(t.Context(), api.StateQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if want := map[string]string{"door": "open", "window": "shut"}[s.Subject]; s.Stage != want {
				t.Errorf("%s is %s, want %s", s.Subject, s.Stage, want)
			}
		}
	})
}
