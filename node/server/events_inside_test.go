package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
)

// TestAStreamOfEventsSaysThatItLives: to every reader, when there is nothing else to say, and never within an event.
func TestAStreamOfEventsSaysThatItLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := keepAlive(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(heartbeat * 2) // before its head nothing is said
			w.Header().Set("Content-Type", contentEvents)
			for _, part := range []string{"id: 1\n\n", "data: ", "x\n\n"} {
				_, _ = io.WriteString(w, part)
				time.Sleep(heartbeat*3 - 1)
			}
		}))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/tail", nil))
		// The first beat after something was said is passed over.
		if want := "id: 1\n\n:\ndata: x\n\n:\n:\n"; w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%d %q, want %q", w.Code, w.Body, want)
		}
		w = httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/v1/tail", nil)
		r.Header.Set(api.NodeHeader, "1")
		h.ServeHTTP(w, r)
		if n := strings.Count(w.Body.String(), ":\n"); n < int(heartbeat/api.KeepAlive) {
			t.Errorf("a client that asks for more beats has %d", n)
		}
	})
}

// blocked is an answer whose client takes the head, the first write, and nothing more.
type blocked struct {
	http.ResponseWriter
	writes int
	full   chan struct{} // closed when it waits for its client
	leaves chan struct{} // closed when that leaves
}

func (b *blocked) Write(p []byte) (int, error) {
	if b.writes++; b.writes == 1 {
		return len(p), nil
	}
	close(b.full)
	<-b.leaves
	return 0, io.ErrClosedPipe
}

func (b *blocked) FlushError() error { return nil }

// TestASlowReaderOfEventsHoldsNobodyUp, and keeps little in memory of what it has not taken.
func TestASlowReaderOfEventsHoldsNobodyUp(t *testing.T) {
	log := eventlogtest.Open(t)
	s := NewServer(Config{Log: log})
	slow := &blocked{ResponseWriter: httptest.NewRecorder(), full: make(chan struct{}), leaves: make(chan struct{})}
	over := make(chan struct{})
	before := eventlogtest.HeapAlive()
	go func() {
		defer close(over)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/tail?offset=0", nil)
		r.Header.Set("Accept", contentEvents)
		s.Socket().ServeHTTP(slow, r)
	}()
	one := crdt.Event{Kind: "k", Payload: []byte(`"` + strings.Repeat("x", 16_000) + `"`)}
	const batches, size = 16, 32
	for range batches {
		if _, err := log.AppendBatch(t.Context(), slices.Repeat([]crdt.Event{one}, size)); err != nil {
			t.Fatal(err)
		}
	}
	<-slow.full
	// One beside it has all of them.
	read := 0
	for _, err := range log.Tail(t.Context(), eventlog.Query{Limit: batches * size}) {
		if err != nil {
			t.Fatal(err)
		}
		read++
	}
	if grown := eventlogtest.HeapAlive() - before; grown > 2<<20 || read != batches*size {
		t.Errorf("%d bytes are alive; one beside has read %d", grown, read)
	}
	close(slow.leaves)
	<-over
}
