package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

// ailing is a daemon in which some of all is wrong.
type ailing struct {
	daemon
	unready, dead []api.Condition
}

func (a *ailing) Unready() []api.Condition { return a.unready }
func (a *ailing) Dead() []api.Condition    { return a.dead }

// TestHealthIsToldInWordsToWhoMayRead: who watches over a node is answered without a token, and with one that is no good any
// more; the reasons are told in a word each to all, and why to who may read everything.
func TestHealthIsToldInWordsToWhoMayRead(t *testing.T) {
	const why = "no room on /var/lib/quipu"
	stuck := api.Condition{Condition: "stuck", Why: why, Fails: api.DemandReady}
	d := &ailing{
		unready: []api.Condition{{Condition: "clock", Why: "off", Fails: api.DemandWell}, stuck, {Condition: "behind", Why: "by 3", Fails: api.DemandCaughtUp}},
		dead:    []api.Condition{stuck},
	}
	n := network{log: eventlogtest.Open(t), tokens: access.New(t.TempDir())}
	if err := n.tokens.Read(); err != nil {
		t.Fatal(err)
	}
	all := server.NewServer(server.Config{Log: n.log, Daemon: d, Tokens: n.tokens})
	over, socket := httptest.NewServer(all.Network()), httptest.NewServer(all.Socket())
	defer over.Close()
	defer socket.Close()
	secrets := map[string]string{"nobody": "", "a revoked token": "quipu_nothing", "the socket": ""}
	for who, r := range map[string]api.TokenRequest{
		"read": {Scopes: []api.Scope{api.ScopeRead}}, "admin": {Scopes: []api.Scope{api.ScopeAdmin}}, "append": {Scopes: []api.Scope{api.ScopeAppend}},
		"metrics": {Scopes: []api.Scope{api.ScopeMetrics}}, "narrow": {Scopes: []api.Scope{api.ScopeRead}, Kinds: []string{"k"}},
	} {
		r.Name = who
		secrets[who] = n.token(t, r)
	}
	for who, secret := range secrets {
		n.url = over.URL
		if who == "the socket" {
			n.url = socket.URL
		}
		tells := slices.Contains([]string{"read", "admin", "the socket"}, who)
		for target, want := range map[string]struct {
			code    api.Code
			reasons []string
		}{
			"/readyz":              {api.NotReady, []string{"stuck"}},
			"/readyz?caught-up=0":  {api.NotReady, []string{"stuck"}},
			"/readyz?caught-up=1":  {api.NotReady, []string{"stuck", "behind"}},
			"/readyz?caught-up=no": {api.Invalid, nil},
			"/readyz?well=1":       {api.Invalid, nil},
			"/livez":               {api.NotLive, []string{"stuck"}},
		} {
			status, body := n.ask(t, http.MethodGet, target, secret, "")
			var told api.Error
			if err := json.Unmarshal([]byte(body), &told); err != nil {
				t.Fatal(err)
			}
			if status != want.code.About().Status || told.Code != want.code || !slices.Equal(told.Reasons, want.reasons) {
				t.Errorf("%s, %s: %d %s", who, target, status, body)
			}
			if strings.Contains(body, why) != (tells && want.reasons != nil) {
				t.Errorf("%s is told %s", who, body)
			}
		}
	}

	n.url, d.unready, d.dead = over.URL, []api.Condition{{Condition: "clock", Fails: api.DemandWell}}, nil
	for target, want := range map[string]string{"/livez": "live", "/readyz": "ready", "/readyz?caught-up=true": "caught-up"} {
		if status, body := n.ask(t, http.MethodGet, target, "", ""); status != http.StatusOK || strings.TrimSpace(body) != `{"status":"`+want+`"}` {
			t.Errorf("%s: %d %s", target, status, body)
		}
	}
}
