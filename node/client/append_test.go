package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

// cutting stands before a node, and cuts each connection after some bytes in either direction, until it has cut often enough.
type cutting struct {
	t    *testing.T
	to   string
	seed uint64
	cuts atomic.Int32 // that are left
}

// serve passes on connections, and returns its address.
func (c *cutting) serve() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	var passing sync.WaitGroup
	passing.Go(func() {
		for n := uint64(0); ; n++ {
			in, err := l.Accept()
			if err != nil {
				return
			}
			passing.Go(func() { c.pass(in, rand.New(rand.NewPCG(c.seed, n))) })
		}
	})
	c.t.Cleanup(func() { _ = l.Close(); passing.Wait() })
	return "https://" + l.Addr().String()
}

// pass passes on one connection.
func (c *cutting) pass(in net.Conn, rng *rand.Rand) {
	defer in.Close()
	out, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer out.Close()
	most := func() int64 { // TLS has some 3 KB before anything is sent
		if c.cuts.Add(-1) < 0 {
			return 1 << 40
		}
		return 1000 + rng.Int64N(40<<10)
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		n := most()
		both.Go(func() {
			_, _ = io.CopyN(way[1], way[0], n)
			_, _ = in.Close(), out.Close()
		})
	}
	both.Wait()
}

// TestAStreamOfAppendsGoesOnOverCuts appends lines over connections that are cut at any byte: each is there once, in order,
// and has its place.
func TestAStreamOfAppendsGoesOnOverCuts(t *testing.T) {
	r := newRemote(t, eventlogtest.Open(t), nil)
	c := &cutting{t: t, to: strings.TrimPrefix(r.url, "https://"), seed: rand.Uint64()}
	c.cuts.Store(8)
	config := r.tls.Clone()
	config.ServerName = "example.com"
	cl, err := client.Dial(c.serve(), client.Options{Token: r.token, TLS: config, Retries: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cl.Close() })
	const lines = 3000
	in, out := io.Pipe()
	go func() {
		for i := range lines {
			text := string((&crdt.Event{Kind: "note", Subject: fmt.Sprint(i), Payload: fmt.Appendf(nil, "%q", strings.Repeat("x", i%300))}).AppendJSON(nil))
			if i%7 == 0 {
				text += "\n" // an empty line
			}
			_, _ = io.WriteString(out, text+"\n")
		}
		_ = out.Close()
	}()
	var places []crdt.Place
	for p, err := range cl.Append(t.Context(), in) {
		if err != nil {
			t.Fatalf("seed %d: %v", c.seed, err)
		}
		places = append(places, p)
	}
	wantLines(t, r.log, places, lines)
	if t.Failed() {
		t.Logf("seed %d", c.seed)
	}
	if left := c.cuts.Load(); left > 0 {
		t.Errorf("%d connections were not cut", left)
	}
}

// wantLines checks that the log has n entries, whose subjects are their numbers, at these places.
func wantLines(t *testing.T, log *eventlog.Log, places []crdt.Place, n int) {
	t.Helper()
	next := 0
	for e, err := range log.Entries(t.Context(), eventlog.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Subject != fmt.Sprint(next) || next < len(places) && places[next] != e.Place() {
			t.Fatalf("entry %d is that of line %s, and has the place %s", next, e.Subject, e.Place())
		}
		next++
	}
	if next != n || len(places) != n {
		t.Errorf("%d entries and %d places, want %d", next, len(places), n)
	}
}

// TestAnAppendWithAKey is made again by another client, as by a program that was started again: it gets the same places. Of
// another event it is told by its line.
func TestAnAppendWithAKey(t *testing.T) {
	r := newRemote(t, eventlogtest.Open(t), nil)
	lines := "{\"kind\":\"a\"}\n\n{\"kind\":\"b\"}\n"
	appendAll := func(lines string) (told string, err error) {
		c, err := r.dial(t).Keyed("import")
		if err != nil {
			t.Fatal(err)
		}
		for p, err := range c.Append(t.Context(), strings.NewReader(lines)) {
			if err != nil {
				return told, err
			}
			told += fmt.Sprint(p.Seq, " ")
		}
		return told, nil
	}
	for range 2 {
		if told, err := appendAll(lines); err != nil || told != "0 1 " {
			t.Errorf("%s, %v", told, err)
		}
	}
	told, err := appendAll("{\"kind\":\"a\"}\n\n{\"kind\":\"c\"}\n")
	if refused, ok := errors.AsType[*api.Error](err); !ok || refused.Code != api.IDReused || refused.Line != 3 || told != "0 " {
		t.Errorf("%s, %v", told, err)
	}
	if _, err := r.dial(t).Keyed("two words"); err == nil {
		t.Error("a key of two words is taken")
	}
	if _, err := r.dial(t).Keyed(""); err == nil {
		t.Error("an empty key is taken")
	}
}

// TestAnAppendEnds where its input does, or its caller, or with an error of the input, and is not made again for that.
func TestAnAppendEnds(t *testing.T) {
	var calls atomic.Int32
	r := newRemote(t, eventlogtest.Open(t), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls.Add(1); next.ServeHTTP(w, r) })
	})
	spoiled := errors.New("the disk of the input")
	in, out := io.Pipe()
	go func() {
		_, _ = io.WriteString(out, "{\"kind\":\"a\"}\n")
		_ = out.CloseWithError(spoiled)
	}()
	var last error
	for _, err := range r.dial(t).Append(t.Context(), in) {
		last = err
	}
	if last == nil || calls.Load() > 1 {
		t.Errorf("%v after %d calls", last, calls.Load())
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	enough := errors.New("enough")
	waiting, into := io.Pipe()
	defer into.Close()
	go func() { _, _ = io.WriteString(into, "{\"kind\":\"b\"}\n") }()
	for _, err := range r.dial(t).Append(ctx, waiting) {
		last = err
		cancel(enough)
	}
	if !errors.Is(last, enough) {
		t.Errorf("%v, want that the caller has ended it", last)
	}
}

// TestALogThatIsAppendedAgain, as what another node has printed: what has an id is known, and its place is told.
func TestALogThatIsAppendedAgain(t *testing.T) {
	srv := httptest.NewServer(server.New(server.Config{Log: eventlogtest.Open(t)}))
	t.Cleanup(srv.Close)
	c := client.New(func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", srv.Listener.Addr().String())
	}, nil)
	for range 2 {
		for p, err := range c.Append(t.Context(), strings.NewReader(`{"kind":"a","headers":{"quipu-client":"app","quipu-id":"7"}}`)) {
			if err != nil || p.Seq != 0 {
				t.Errorf("%v, %v", p, err)
			}
		}
	}
}
