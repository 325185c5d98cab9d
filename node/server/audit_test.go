package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

// silent is a daemon that lets nobody append, while err is set.
type silent struct {
	daemon
	err error
}

func (s *silent) Writing() (leave func(), err error) { return func() {}, s.err }

// looker is a syncer that looks at what is on record when it is called.
type looker struct {
	log     *eventlog.Log
	records []eventlog.Entry
}

func (l *looker) Sync(ctx context.Context, _ string) (told api.Synced, err error) {
	l.records = nil
	for e, err := range l.log.Entries(ctx, eventlog.Query{Kinds: []string{api.AuditKind}}) {
		if err != nil {
			return told, err
		}
		l.records = append(l.records, e)
	}
	return told, nil
}

// TestWhatChangesSomethingIsOnRecordBefore: a call over the network that changes something other than by appending is an
// entry before it has its effect; what only reads or appends is none, nor is what comes through the node's own socket. A
// node that may not append does what it is asked to all the same, and says so.
func TestWhatChangesSomethingIsOnRecordBefore(t *testing.T) {
	log := eventlogtest.Open(t)
	tokens := access.New(t.TempDir())
	if err := tokens.Read(); err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	running, seen := &silent{}, &looker{log: log}
	all := server.NewServer(server.Config{Log: log, Daemon: running, Syncer: seen, Tokens: tokens, Logger: slog.New(slog.NewTextHandler(&told, nil))})
	secret, _, err := tokens.Create(api.TokenRequest{Name: "ops", Scopes: []api.Scope{api.ScopeAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(h http.Handler, method, target, body string) string {
		t.Helper()
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+secret)
		r.Header.Set(api.RequestHeader, "0123456789abcdef")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
		}
		return w.Body.String()
	}
	const order = `{"addr":"192.0.2.1:7946"}`
	ask(all.Socket(), "POST", "/v1/sync", order)
	ask(all.Network(), "GET", "/v1/frontier", "")
	ask(all.Network(), "GET", "/v1/entries", "")
	if n := log.Stats().Next; n != 0 {
		t.Errorf("%d entries after calls that are none of them", n)
	}

	ask(all.Network(), "POST", "/v1/sync", order)
	if len(seen.records) != 1 {
		t.Fatalf("%d records when the call had its effect, want 1", len(seen.records))
	}
	var record api.Audit
	e := seen.records[0]
	if err := json.Unmarshal(e.Payload, &record); err != nil {
		t.Fatal(err)
	}
	if record.Token != "ops" || e.Subject != "ops" || record.Call != "POST /v1/sync" || record.Target != "/v1/sync" ||
		record.Request != "0123456789abcdef" || record.From == "" || !strings.Contains(string(record.Body), "192.0.2.1:7946") {
		t.Errorf("on record: %+v", record)
	}
	if strings.Contains(ask(all.Network(), "GET", "/v1/entries", ""), secret) {
		t.Error("the record has the token itself")
	}

	running.err = errors.New("nobody may append")
	ask(all.Network(), "POST", "/v1/sync", order)
	if len(seen.records) != 1 || strings.Count(told.String(), "level=WARN") != 1 || !strings.Contains(told.String(), "192.0.2.1:7946") {
		t.Errorf("%d records, and told:\n%s", len(seen.records), told.String())
	}
}
