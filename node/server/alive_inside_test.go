package server

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
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
	slow.HandleFunc("POST /v1/bundles/apply", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(long)
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"ops":7}`)
	})
	slow.HandleFunc("POST /v1/bundles", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(long)
		w.Header().Set("Trailer", api.BundleTrailer)
		_, _ = io.WriteString(w, "quipu")
		w.Header().Set(api.BundleTrailer, `{"summary":{}}`)
	})
	slow.HandleFunc("GET /v1/tail", func(w http.ResponseWriter, r *http.Request) {
		out := (&server{}).newLines(w, r)
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
		if r, err := c.Verify(t.Context(), nil); err != nil || !r.OK {
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
		if _, err := c.Status(t.Context()); err == nil || errors.Is(err, api.ErrLeft) || !strings.Contains(err.Error(), "the node lives") {
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

// TestAStrangerHearsTheAnswerAlone: a client that does not ask for it is sent no interim response, which many
// take for the answer, and no empty lines.
func TestAStrangerHearsTheAnswerAlone(t *testing.T) {
	long := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(10 * api.KeepAlive)
		out := (&server{}).newLines(w, r)
		_ = out.put([]byte(`{"subject":"x"}`))
		time.Sleep(10 * api.KeepAlive)
		out.end(nil)
	}
	const line = "{\"subject\":\"x\"}\n"
	synctest.Test(t, func(t *testing.T) {
		for _, asks := range []bool{false, true} {
			r := httptest.NewRequest(http.MethodGet, "/v1/tail", nil)
			if asks {
				r.Header.Set(api.NodeHeader, "1")
			}
			heard := &heads{ResponseRecorder: httptest.NewRecorder()}
			keepAlive(http.HandlerFunc(long)).ServeHTTP(heard, r)
			if alone := heard.interim == 0 && heard.Body.String() == line; alone == asks || heard.Code != http.StatusOK {
				t.Errorf("asks %v: status %d after %d interim responses, and %q", asks, heard.Code, heard.interim, heard.Body)
			}
		}
	})
}

// heads counts the interim responses that are sent to a recorder, which would take the first for the answer.
type heads struct {
	*httptest.ResponseRecorder
	interim int
}

func (h *heads) WriteHeader(status int) {
	if status < http.StatusOK {
		h.interim++
		return
	}
	h.ResponseRecorder.WriteHeader(status)
}
