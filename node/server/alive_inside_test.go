package server

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// TestANodeThatLivesIsWaitedFor: a call may take long, before its answer and within it, as long as the
// node says that it lives; what it has at hand it answers in time.
func TestANodeThatLivesIsWaitedFor(t *testing.T) {
	const long = 100 * api.Silence
	line := `{"subject":"` + strings.Repeat("x", 100_000) + `"}` // longer than any buffer
	slow := http.NewServeMux()
	slow.HandleFunc("POST /v1/verify", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(long)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(api.Report{OK: true})
	})
	slow.HandleFunc("POST /v1/bundle/apply", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(long)
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"ops":7}`)
	})
	slow.HandleFunc("POST /v1/bundle", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(long)
		w.Header().Set("Trailer", api.BundleTrailer)
		_, _ = io.WriteString(w, "quipu")
		w.Header().Set(api.BundleTrailer, `{"summary":{}}`)
	})
	slow.HandleFunc("GET /v1/tail", func(w http.ResponseWriter, r *http.Request) {
		out := (&server{}).newLines(w)
		time.Sleep(long)
		for range 3 {
			if out.put([]byte(line)) != nil || out.put([]byte(`{"subject":"y"}`)) != nil {
				return
			}
			time.Sleep(long)
		}
		out.end(nil)
	})
	slow.HandleFunc("GET /v1/status", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })

	synctest.Test(t, func(t *testing.T) {
		c := Local(keepAlive(slow), func() error { return nil })
		if r, err := c.Verify(t.Context()); err != nil || !r.OK {
			t.Errorf("verify: %+v, %v", r, err)
		}
		if r, err := c.ApplyBundle(t.Context(), strings.NewReader("quipu")); err != nil || r.Ops != 7 {
			t.Errorf("apply bundle: %+v, %v", r, err)
		}
		var made strings.Builder
		if _, err := c.CreateBundle(t.Context(), &made, api.Since{}); err != nil || made.String() != "quipu" {
			t.Errorf("create bundle: %q, %v", made.String(), err)
		}
		var got []int
		for l, err := range c.Tail(t.Context(), api.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, len(l))
		}
		if len(got) != 6 || got[0] != len(line) || got[5] != len(`{"subject":"y"}`) {
			t.Errorf("tail: lines of %d bytes", got)
		}
		began := time.Now()
		if _, err := c.Status(t.Context()); err == nil || errors.Is(err, api.ErrGone) || !strings.Contains(err.Error(), "the node lives") {
			t.Errorf("status: %v", err)
		}
		if took := time.Since(began); took != api.CallFor {
			t.Errorf("status took %s", took)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
