package node_test

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/gateway"
)

// scraped is a node that is asked over HTTP, and a token for each scope.
type scraped struct {
	*running
	t       *testing.T
	dir     string
	secrets map[api.Scope]string
}

func runScraped(t *testing.T, join ...string) *scraped {
	t.Helper()
	dir, _ := newNode(t, crdt.LogID{})
	s := &scraped{t: t, dir: dir, secrets: make(map[api.Scope]string)}
	for _, scope := range []api.Scope{api.ScopeRead, api.ScopeAppend, api.ScopeMetrics, api.ScopeAdmin} {
		secret, _, err := access.New(dir).Create(api.TokenRequest{Name: "a" + string(scope), Scopes: []api.Scope{scope}})
		if err != nil {
			t.Fatal(err)
		}
		s.secrets[scope] = secret
	}
	s.running = run(t, node.Config{Dir: dir, Join: join, HTTP: gateway.Config{Addr: "127.0.0.1:0"}})
	return s
}

// get asks for a path with the token of a scope; "" shows none.
func (s *scraped) get(path string, scope api.Scope) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL()+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if scope != "" {
		r.Header.Set("Authorization", "Bearer "+s.secrets[scope])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// metrics returns what Prometheus is told, by series.
func (s *scraped) metrics() map[string]float64 {
	s.t.Helper()
	resp := s.get("/metrics", api.ScopeMetrics)
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s: %v", resp.Status, text, err)
	}
	all := make(map[string]float64)
	for line := range strings.Lines(string(text)) {
		at := strings.LastIndexByte(line, ' ')
		if v, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64); err == nil && line[0] != '#' {
			all[line[:at]] = v
		}
	}
	return all
}

// metricsWhen asks until what is told is as wanted, which a test that hangs says it never is.
func (s *scraped) metricsWhen(is func(map[string]float64) bool) map[string]float64 {
	s.t.Helper()
	for {
		if all := s.metrics(); is(all) {
			return all
		}
	}
}

// TestWhoMaySeeMetrics: whoever has the scope metrics, or read or admin, which include it; profiles only who has admin.
func TestWhoMaySeeMetrics(t *testing.T) {
	s := runScraped(t)
	for scope, want := range map[api.Scope]int{api.ScopeMetrics: 200, api.ScopeRead: 200, api.ScopeAdmin: 200, api.ScopeAppend: 403, "": 401} {
		if got := s.get("/metrics", scope).StatusCode; got != want {
			t.Errorf("metrics with scope %q: %d, want %d", scope, got, want)
		}
	}
	for path, want := range map[string]int{"/v1/status": 403, "/v1/entries": 403, "/debug/pprof/heap": 403, "/metrics?x=1": 400} {
		if got := s.get(path, api.ScopeMetrics).StatusCode; got != want {
			t.Errorf("%s with scope metrics: %d, want %d", path, got, want)
		}
	}
	for _, path := range []string{"/debug/pprof/heap", "/debug/pprof/goroutine?debug=1", "/debug/pprof/trace?seconds=0.01", "/debug/pprof/profile?seconds=1"} {
		if got := s.get(path, api.ScopeRead).StatusCode; got != 403 {
			t.Errorf("%s with scope read: %d", path, got)
		}
		resp := s.get(path, api.ScopeAdmin)
		if b, err := io.ReadAll(resp.Body); resp.StatusCode != 200 || err != nil || len(b) == 0 {
			t.Errorf("%s with scope admin: %s, %d bytes, %v", path, resp.Status, len(b), err)
		}
	}
}

// TestMetricsCountWhomTheGatewayRefuses: a call for another host and one of a stranger's page, which come to no route.
func TestMetricsCountWhomTheGatewayRefuses(t *testing.T) {
	s := runScraped(t)
	ask := func(change func(*http.Request), want int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("it is answered with %s, want %d", resp.Status, want)
		}
	}
	ask(func(r *http.Request) { r.Host = "elsewhere.example" }, 421)
	for range 2 {
		ask(func(r *http.Request) { r.Header.Set("Origin", "https://page.example") }, 403)
	}
	got := s.metrics()
	for series, want := range map[string]float64{
		`quipu_http_refusals_total{code="misdirected"}`: 1, `quipu_http_refusals_total{code="cross-origin"}`: 2, `quipu_http_refusals_total{code="unauthorized"}`: 0,
		`quipu_http_requests_total{code="421",route="other"}`: 1, `quipu_http_requests_total{code="403",route="other"}`: 2,
	} {
		if got[series] != want {
			t.Errorf("%s is %v, want %v", series, got[series], want)
		}
	}
}

// TestMetricsCountWhatHappens: appends, those that fail, calls by route and status, streams, what others hold and what a
// follower has not looked at, in the answer to Prometheus and, what is counted, in the status under the same names.
func TestMetricsCountWhatHappens(t *testing.T) {
	s := runScraped(t)
	c := connect(t, s.dir)
	defer c.Close()
	appendLine(t, s.dir, `{"kind":"one"}`)
	appendLine(t, s.dir, `{"kind":"two"}`)
	if _, err := s.Log().Append(t.Context(), crdt.Event{}); err == nil {
		t.Fatal("an event without a kind was appended")
	}
	if err := s.Log().ResetFollower(t.Context(), "none", 0); err == nil {
		t.Fatal("a follower that is not there was moved")
	}
	tail := s.get("/v1/tail?offset=0&limit=1", api.ScopeRead)
	if _, err := io.ReadAll(tail.Body); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/v1/tail", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.secrets[api.ScopeRead])
	r.Header.Set("Accept", "text/event-stream")
	events, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	if _, err := bufio.NewReader(events.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	self := s.Author().Short()
	want := map[string]float64{
		"quipu_appends_total": 2, "quipu_appended_entries_total": 2, `quipu_append_failures_total{code="invalid"}`: 1, "quipu_entries": 2,
		`quipu_author_entries{author="` + self + `"}`: 2, `quipu_author_head_seq{author="` + self + `"}`: 2, "quipu_next_offset": 2,
		"quipu_http_sse_clients": 1, "quipu_http_running_requests": 2, `quipu_http_requests_total{code="200",route="GET /v1/tail"}`: 1,
		`quipu_http_requests_total{code="200",route="POST /v1/entries"}`: 2, "quipu_members{state=\"alive\"}": 0, `quipu_condition{condition="stuck"}`: 0,
		"quipu_ready": 1, "quipu_caught_up": 1, "quipu_appends_allowed": 1, `quipu_queue_length{queue="append"}`: 0, "quipu_commit_entries_count": 2, `quipu_build_info{version=""}`: 1,
	}
	got := s.metricsWhen(func(all map[string]float64) bool {
		return all["quipu_caught_up"] == 1 && all["quipu_disk_free_bytes"] > 0
	})
	for series, v := range want {
		if is, there := got[series]; !there || is != v {
			t.Errorf("%s is %v (there: %t), want %v", series, is, there, v)
		}
	}
	status, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"quipu_appends_total", `quipu_append_failures_total{code="invalid"}`, "quipu_sent_bytes_total"} {
		if is, there := status.Counts[name]; !there || float64(is) != got[name] {
			t.Errorf("the status says %s is %d (there: %t), Prometheus is told %v", name, is, there, got[name])
		}
	}
	events.Body.Close()
	s.metricsWhen(func(all map[string]float64) bool { return all["quipu_http_sse_clients"] == 0 })
}
