package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

// TestAWrongMethod: where there is a path, the methods are told that it has, whatever else the call says.
func TestAWrongMethod(t *testing.T) {
	h := server.New(server.Config{Log: eventlogtest.Open(t)})
	for request, allow := range map[string]string{
		"DELETE /v1/entries?limit=1":      "GET, HEAD, POST",
		"PUT /v1/tail":                    "GET, HEAD",
		"GET /v1/verify?x=1":              "POST",
		"OPTIONS /v1/followers/a":         "GET, HEAD, DELETE",
		"PATCH /v1/followers/a%2Fb/reset": "POST",
		"POST /openapi.json":              "GET, HEAD",
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		var told api.Error
		if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil || w.Code != http.StatusMethodNotAllowed || told.Code != api.WrongMethod || w.Header().Get("Allow") != allow {
			t.Errorf("%s: status %d, allowed is %q, want %q: %s", request, w.Code, w.Header().Get("Allow"), allow, w.Body)
		}
	}
	for _, request := range []string{"HEAD /v1/status", "GET /v1/status"} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != http.StatusOK || w.Header().Get("Allow") != "" {
			t.Errorf("%s: status %d, allowed is %q", request, w.Code, w.Header().Get("Allow"))
		}
	}
}
