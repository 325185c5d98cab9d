package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/bench"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

func TestMain(m *testing.M) {
	eventlogtest.Memory()
	m.Run()
}

// served returns a log and a client that asks for it; around, which may be nil, stands before each call.
func served(t *testing.T, around func(http.Handler) http.Handler) (*eventlog.Log, *client.Client) {
	t.Helper()
	log := eventlogtest.Open(t)
	handler := server.New(server.Config{Log: log})
	if around != nil {
		handler = around(handler)
	}
	c := server.Local(handler, func() error { return nil })
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return log, c
}

// held counts the entries that a log has of a kind, each as a bench writes it with payloads of that size.
func held(t *testing.T, log *eventlog.Log, kind string, size int) (entries uint64) {
	t.Helper()
	for e, err := range log.Entries(t.Context(), eventlog.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind != kind || len(e.Payload) != size || !json.Valid(e.Payload) || e.Retention != crdt.Trimmable || e.Time.IsZero() {
			t.Fatalf("an entry is %+v", e)
		}
		entries++
	}
	return entries
}

// TestEveryEntryIsCountedOnce, and every call, in the spans as in the whole, one call or one batch of a stream each time.
func TestEveryEntryIsCountedOnce(t *testing.T) {
	for name, stream := range map[string]bool{"calls": false, "streams": true} {
		t.Run(name, func(t *testing.T) {
			log, c := served(t, nil)
			var told, calls uint64
			cfg := bench.Config{Workers: 4, PerCall: 7, Kind: "measured", Size: 33, Entries: 1000, Stream: stream, Each: func(s *bench.Span) {
				told += s.Entries
				calls += s.Calls
			}}
			total, err := bench.Run(t.Context(), c, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if total.Entries != 1000 || total.Calls != 143 || total.Bytes != 33_000 || told != total.Entries || calls != total.Calls {
				t.Errorf("measured %d entries of %d bytes in %d calls, told of %d in %d", total.Entries, total.Bytes, total.Calls, told, calls)
			}
			if total.Latency(0.5) <= 0 || total.Latency(0.5) > total.Latency(1) || total.Latency(1) > total.To {
				t.Errorf("half of the calls took %s, one of them %s, all %s", total.Latency(0.5), total.Latency(1), total.To)
			}
			if n := held(t, log, "measured", 33); n != 1000 {
				t.Errorf("the log has %d entries", n)
			}
		})
	}
}

// TestReadingReadsWhatIsThere: calls read as many entries as they are for, and change nothing.
func TestReadingReadsWhatIsThere(t *testing.T) {
	log, c := served(t, nil)
	cfg := bench.Config{Read: true, Workers: 2, PerCall: 10, Entries: 100}
	if _, err := bench.Run(t.Context(), c, cfg); !errors.Is(err, bench.ErrNothing) {
		t.Fatalf("a log without entries: %v", err)
	}
	size := uint64(0)
	for range 25 {
		if _, err := log.Append(t.Context(), crdt.Event{Kind: "k"}); err != nil {
			t.Fatal(err)
		}
	}
	for line, err := range c.Entries(t.Context(), api.Query{Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		size = uint64(len(line))
	}
	total, err := bench.Run(t.Context(), c, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if total.Entries != 100 || total.Calls != 10 || total.Bytes < 90*size || total.Bytes > 110*size {
		t.Errorf("read %d entries of %d bytes in %d calls, one has %d", total.Entries, total.Bytes, total.Calls, size)
	}
	if n := log.Stats().Entries; n != 25 {
		t.Errorf("the log has %d entries", n)
	}
}

// counted calls fn before the n-th call of a client.
func counted(n int64, fn func(http.ResponseWriter) (goOn bool)) func(http.Handler) http.Handler {
	var calls atomic.Int64
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if calls.Add(1) != n || fn(w) {
				next.ServeHTTP(w, r)
			}
		})
	}
}

// TestInterruptedInTheMiddle: what was measured is returned without an error, and each entry that is in the log is among it.
func TestInterruptedInTheMiddle(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	log, c := served(t, counted(20, func(http.ResponseWriter) bool {
		interrupt()
		return true
	}))
	total, err := bench.Run(ctx, c, bench.Config{Workers: 3, PerCall: 2, Kind: "k", Size: 10, Length: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if n := held(t, log, "k", 10); total.Entries != n || total.Entries < 40 {
		t.Errorf("measured %d entries, the log has %d", total.Entries, n)
	}
}

// TestARefusedCallEndsIt: with its error, and with what was measured before.
func TestARefusedCallEndsIt(t *testing.T) {
	log, c := served(t, counted(6, func(w http.ResponseWriter) bool {
		w.Header().Set(api.NodeHeader, "1")
		w.WriteHeader(http.StatusInsufficientStorage)
		if err := json.NewEncoder(w).Encode(&api.Error{Code: api.NoRoom, Message: "no room"}); err != nil {
			t.Error(err)
		}
		return false
	}))
	total, err := bench.Run(t.Context(), c, bench.Config{Workers: 1, PerCall: 3, Kind: "k", Size: 10, Length: time.Hour})
	var refusal *api.Error
	if !errors.As(err, &refusal) || refusal.Code != api.NoRoom {
		t.Errorf("the error is %v", err)
	}
	if n := held(t, log, "k", 10); total.Entries != 15 || n != 15 {
		t.Errorf("measured %d entries, the log has %d", total.Entries, n)
	}
}

// TestConfigsThatMeasureNothing are refused before anything is asked.
func TestConfigsThatMeasureNothing(t *testing.T) {
	good := bench.Config{Workers: 1, PerCall: 1, Size: 2, Entries: 1}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(*bench.Config){
		"no worker":         func(c *bench.Config) { c.Workers = 0 },
		"too many workers":  func(c *bench.Config) { c.Workers = 1001 },
		"no entry":          func(c *bench.Config) { c.PerCall = 0 },
		"no end":            func(c *bench.Config) { c.Entries = 0 },
		"no JSON":           func(c *bench.Config) { c.Size = 1 },
		"no payload":        func(c *bench.Config) { c.Size = crdt.MaxPayload + 1 },
		"too much a call":   func(c *bench.Config) { c.Size, c.PerCall = crdt.MaxPayload, 17 },
		"a stream of reads": func(c *bench.Config) { c.Read, c.Stream = true, true },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := bench.Run(t.Context(), nil, cfg); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}
