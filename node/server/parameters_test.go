package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/server"
)

// TestUnknownParametersAreRefused on every kind of route: one that is passed over has something else done
// than was asked for.
func TestUnknownParametersAreRefused(t *testing.T) {
	h := server.New(server.Config{Log: eventlogtest.Open(t)})
	for request, want := range map[string]string{
		"GET /v1/entries?knid=a":             `unknown parameter \"knid\": did you mean \"kind\"? (the parameters are order, author,`,
		"GET /v1/tail?zzz=a":                 `unknown parameter \"zzz\": the parameters are order, author,`,
		"GET /v1/transitions?since=14d":      `unknown parameter \"since\": the parameters are subject`,
		"GET /v1/state?subjects=a":           `unknown parameter \"subjects\": did you mean \"subject\"? (the parameters are subject, clock, event, frontier)`,
		"POST /v1/broadcast?too=here":        `unknown parameter \"too\": did you mean \"to\"? (the parameters are to)`,
		"DELETE /v1/followers/f?nmae=f":      `unknown parameter \"nmae\": there are no parameters here`,
		"POST /v1/entries?wiat=1":            `unknown parameter \"wiat\": did you mean \"wait\"? (the parameters are wait, wait-timeout, ack-replicated, wait-recovered, first-line)`,
		"POST /v1/transitions?wait=x":        `parameter wait: \"x\": expected a number of nodes, 1 or more, all, or authors of 64 hex digits`,
		"POST /v1/entries?wait=1&wait=2":     `one value is enough`,
		"POST /v1/prune?before=14d":          `unknown parameter \"before\": there are no parameters here`,
		"GET /v1/status?x=1&a=2":             `unknown parameter \"a\": there are no parameters here`,
		"GET /v1/entries/a/proof?b":          `unknown parameter \"b\": there are no parameters here`,
		"POST /v1/followers/f/reset?to=1&to": `one value is enough`,
	} {
		method, url, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, url, nil))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: status %d, %s", request, w.Code, w.Body)
		}
	}
}
