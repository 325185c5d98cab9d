package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/server"
)

// TestZeroTimeIsRefusedEverywhere: what Go prints for "no time" is neither now nor "no bound", in whichever
// field or parameter it comes.
func TestZeroTimeIsRefusedEverywhere(t *testing.T) {
	log := eventlogtest.Open(t)
	srv := httptest.NewServer(server.New(server.Config{Log: log}))
	defer srv.Close()
	const zero = "0001-01-01T00:00:00Z"
	for request, body := range map[string]string{
		"GET /v1/entries?until=" + zero:    "",
		"GET /v1/tail?since=" + zero:       "",
		"POST /v1/entries":                 `{"kind":"k","time":"` + zero + `"}`,
		"POST /v1/transitions":             `{"subject":"s","to":"t","time":"` + zero + `"}`,
		"GET /v1/state?clock=" + zero:      "",
		"GET /v1/state?event=" + zero:      "",
		"POST /v1/state/at":                `{"at":{"clock":"` + zero + `"}}`,
		"POST /v1/transitions/at":          `{"at":{"event":"` + zero + `"}}`,
		"POST /v1/transitions/check":       `{"machine":{},"at":{"clock":"` + zero + `"}}`,
		"POST /v1/prune":                   `{"before":"` + zero + `"}`,
		"POST /v1/prune?" /* as a date */ : `{"before":"0001-01-01"}`,
	} {
		method, url, _ := strings.Cut(request, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		told, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !strings.Contains(string(told), `"code":"invalid"`) || !strings.Contains(string(told), "where there is no time: leave it out") {
			t.Errorf("%s %s: %s, %v", request, body, told, err)
		}
	}
	if n := log.Stats().Next; n != 0 {
		t.Errorf("%d entries were written", n)
	}
}
