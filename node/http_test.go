package node_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/gateway"
	"github.com/quipulog/quipu/node/gateway/gatewaytest"
)

// secured is a node that is asked over HTTP/2 and TLS, and a client that holds one connection to it.
type secured struct {
	*running
	client *http.Client
	log    *gatewaytest.Log
	secret string
}

func runSecured(t *testing.T) secured {
	t.Helper()
	dir, _ := newNode(t, crdt.LogID{})
	secret, _, err := access.New(dir).Create(api.TokenRequest{Name: "till", Scopes: []api.Scope{api.ScopeAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	files := gatewaytest.Certificate(t, "localhost")
	cert, key := filepath.Join(t.TempDir(), "crt"), filepath.Join(t.TempDir(), "key")
	for i, path := range []string{cert, key} {
		if err := os.WriteFile(path, files[i], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := secured{log: new(gatewaytest.Log), secret: secret}
	logger := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: api.RedactAttr}))
	s.running = run(t, node.Config{Dir: dir, HTTP: gateway.Config{Addr: "127.0.0.1:0", Cert: cert, Key: key}, Logger: logger})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(files[0])
	over := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(over.CloseIdleConnections)
	s.client = &http.Client{Transport: over}
	return s
}

func (s secured) call(t *testing.T, method, target string, body io.Reader) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+target, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.secret)
	resp, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.ProtoMajor != 2 {
		t.Fatalf("%s: %s", target, resp.Proto)
	}
	return resp
}

// TestOneConnectionAppendsAndReads: over HTTP/2 both directions of a call stream, each line sent once the place of the one
// before has come; a tail on the same connection hears each, beside another one that nobody reads.
func TestOneConnectionAppendsAndReads(t *testing.T) {
	s := runSecured(t)
	s.call(t, http.MethodGet, "/v1/tail", nil) // whose body nobody reads
	tail := bufio.NewReader(s.call(t, http.MethodGet, "/v1/tail", nil).Body)
	lines, into := io.Pipe()
	defer into.Close()
	places := bufio.NewReader(s.call(t, http.MethodPost, "/v1/entries", lines).Body)
	payload := strings.Repeat("x", 100_000) // some of them fill the window of the tail that is not read
	const rounds = 50
	for i := range rounds {
		if _, err := fmt.Fprintf(into, "{\"kind\":\"k\",\"payload\":\"%s\"}\n", payload); err != nil {
			t.Fatal(err)
		}
		place, err := places.ReadString('\n')
		if err != nil || !strings.HasSuffix(place, fmt.Sprintf("/%d\"\n", i)) {
			t.Fatalf("place %d: %q, %v", i, place, err)
		}
		entry, err := tail.ReadString('\n')
		if err != nil || !strings.Contains(entry, fmt.Sprintf(`"seq":%d,`, i)) {
			t.Fatalf("tail %d: %.100q, %v", i, entry, err)
		}
	}
	s.stop() // with three calls under way
}

// TestNoSecretIsShown plants what is secret wherever a client can put it, and looks for it in every answer, in what is on
// record, and in all that the node has logged at debug.
func TestNoSecretIsShown(t *testing.T) {
	s := runSecured(t)
	var answers strings.Builder
	read := func(resp *http.Response) string {
		t.Helper()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var ticket api.Ticket
	if err := json.Unmarshal([]byte(read(s.call(t, http.MethodPost, "/v1/tickets", strings.NewReader(`{"url":"/v1/entries"}`)))), &ticket); err != nil {
		t.Fatal(err)
	}
	_, pass, _ := strings.Cut(ticket.URL, api.ParamTicket+"=")
	planted := []string{s.secret, pass}
	for _, it := range planted {
		for _, c := range []struct{ method, target, body string }{
			{"GET", "/v1/entries/" + it, ""},
			{"GET", "/v1/nothing/" + it, ""},
			{"GET", "/v1/entries?ticket=" + it, ""},
			{"GET", "/v1/entries?%74icket=" + it, ""},
			{"GET", "/v1/entries?token=" + it, ""},
			{"GET", "/v1/entries?" + it, ""},
			{"GET", "/v1/entries?limit=" + it, ""},
			{"GET", "/v1/tail?after=" + it, ""},
			{"GET", "/v1/entries?limit=1;" + it, ""},
			{"POST", "/v1/entries", `{"` + it + `":1}`},
			{"POST", "/v1/entries", it},
			{"POST", "/v1/trim", `{"` + it + `":1}`},
			{"POST", "/v1/sync", `{"addr":"` + it + `"}`},
			{"POST", "/v1/tickets", `{"url":"/v1/` + it + `"}`},
			{"POST", "/v1/followers/" + it + "/reset?to=" + it, ""},
			{"DELETE", "/v1/tokens/" + it, ""},
			{"POST", "/v1/tokens", `{"name":"` + it + ` x","scopes":["` + it + `"]}`},
		} {
			answers.WriteString(read(s.call(t, c.method, c.target, strings.NewReader(c.body))) + "\n")
		}
	}
	for _, target := range []string{"/v1/status", "/v1/members", "/v1/entries", "/v1/tokens", "/openapi.json"} {
		answers.WriteString(read(s.call(t, http.MethodGet, target, nil)))
	}
	s.stop()
	logged := s.log.String()
	if n := strings.Count(logged, "msg=call"); n < 40 {
		t.Errorf("%d calls are in the log", n)
	}
	for _, it := range append(planted, hex.EncodeToString(bytes.Repeat([]byte{1}, transport.SecretSize))) {
		for where, text := range map[string]string{"the answers": answers.String(), "the log": logged} {
			if at := strings.Index(text, it); at >= 0 {
				t.Errorf("%s show a secret: …%s…", where, text[max(0, at-200):min(len(text), at+100)])
			}
		}
	}
}
