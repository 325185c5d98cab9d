package httpapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const machine = `{"states":[{"name":"open"},{"name":"paid"}],"moves":[{"from":"open","to":"paid","triggers":["pay"]}],"initial":["open"],"terminal":["paid"]}`

// TestRunningNode calls every operation of a running node that another one is linked with, on its socket and over the
// network, and provokes what it can be made to refuse with. What is refused in other states is in states.
func TestRunningNode(t *testing.T) {
	first := newNode(t, "other", "")
	j := newJudge(t, document(t, first.socket))

	t.Run("socket", func(t *testing.T) {
		node := newNode(t, "node", first.Log, "--join", first.Addr)
		s := session{t, j, node.socket}
		s.all(first)
		s.do(call{op: "createTicket", body: `{"url":"/v1/tail"}`, code: "unauthorized"})
		s.page(node)
		s.do(call{op: "stop", body: `{"wait":"30s"}`})
	})
	t.Run("network", func(t *testing.T) {
		other := newNode(t, "other", "") // of another log: the first has forgotten much
		node := newNode(t, "node", other.Log, "--join", other.Addr)
		admin := session{t, j, node.socket}.token(`{"name":"admin","scopes":["admin"]}`)
		s := session{t, j, with{admin, node.network}}
		s.all(other)
		s.asked(node)
		s.do(call{op: "stop"})
	})
	t.Run("too many", func(t *testing.T) {
		node := newNode(t, "node", "", "--http-rate", "1")
		reader := session{t, j, node.socket}.token(`{"name":"reader","scopes":["read"]}`)
		session{t, j, with{reader, node.network}}.tooMany()
	})
	t.Run("states", func(t *testing.T) { states(t, j) })
	for id := range j.operations {
		if !j.answered[id] {
			t.Errorf("%s: no call of it was done", id)
		}
	}
	for code := range codesOf(t, j) {
		if !j.refused[code] {
			t.Errorf("%s: nothing was refused with it", code)
		}
	}
}

// all calls every operation but those that differ by who asks.
func (s session) all(other *node) {
	s.entries()
	s.media()
	s.transitions()
	s.about()
	s.followers()
	s.consumers()
	s.tokens()
	s.keeping(other)
}

// document returns that which a node gives of itself.
func document(t *testing.T, node http.RoundTripper) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://quipu/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := node.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v: %s", response.StatusCode, err, body)
	}
	return body
}

// codesOf returns the codes of the document.
func codesOf(t *testing.T, j *judge) map[string]bool {
	t.Helper()
	codes := make(map[string]bool)
	for _, op := range j.operations {
		for status, answer := range op.Responses {
			if status < "400" {
				continue
			}
			b, err := json.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			var refusal struct {
				Content map[string]struct {
					Schema struct {
						AllOf []struct {
							Properties struct {
								Code struct{ Enum []string }
							}
						}
					}
				}
			}
			if err := json.Unmarshal(b, &refusal); err != nil {
				t.Fatal(err)
			}
			for _, part := range refusal.Content[mediaProblem].Schema.AllOf {
				for _, code := range part.Properties.Code.Enum {
					codes[code] = true
				}
			}
		}
	}
	if len(codes) < 15 {
		t.Fatalf("the document has the codes %v: there are more", codes)
	}
	return codes
}

// session makes calls of one node.
type session struct {
	t    *testing.T
	j    *judge
	node http.RoundTripper
}

func (s session) do(c call) []byte {
	s.t.Helper()
	return s.j.do(s.t, s.node, c)
}

// lines returns the call of an operation that takes lines.
func lines(op, query string, body ...string) call {
	return call{op: op, query: query, media: mediaLines, body: strings.Join(body, "\n")}
}

// place is what an append has answered.
func (s session) place(answer []byte) string {
	s.t.Helper()
	var place string
	first, _, _ := bytes.Cut(answer, []byte("\n"))
	if err := json.Unmarshal(first, &place); err != nil {
		s.t.Fatalf("%s: %v", answer, err)
	}
	return place
}

// entries calls what is about entries.
func (s session) entries() {
	place := s.place(s.do(lines("append", "wait=1&wait-timeout=60s", `{"kind":"order.paid","subject":"order-17","module":"shop","headers":{"trace":"1"},"payload":{"cents":1250}}`)))
	s.do(lines("append", "", `{"kind":"blob","contentType":"image/png","payloadBase64":"/w==","retention":"trimmable"}`, `{"kind":"blob","time":"2026-11-30T12:00:00.5Z"}`))
	s.do(call{op: "listEntries", query: "kind=order.%2A&order=causal&limit=1"})
	s.do(call{op: "listEntries"})
	s.do(call{op: "getEntry", path: map[string]string{"place": place}})
	s.do(call{op: "proveEntry", path: map[string]string{"place": place}})
	s.do(call{op: "whereEntry", path: map[string]string{"place": place}})
	s.do(call{op: "listUnmatched", query: "subject=order-17&subject=nothing"})
	s.do(call{op: "tail", query: "offset=0&limit=2"})
	s.do(call{op: "broadcast", query: "to=here", body: `{"kind":"tick","retention":"transient"}`})
	s.do(call{op: "listGone"})

	named := call{op: "append", body: `{"kind":"order.refunded"}`, head: map[string]string{"Idempotency-Key": "refund-17"}}
	s.do(named)
	if again := s.do(named); !bytes.Contains(again, []byte(`"known":true`)) {
		s.t.Errorf("an event that is sent again: %s", again)
	}
	named.body, named.code = `{"kind":"order.refused"}`, "id-reused"
	s.do(named)
	stream := lines("append", "first-line=7", `{"kind":"order.refunded"}`)
	stream.head = map[string]string{"Idempotency-Key": "refunds"}
	s.do(stream)
	if again := s.do(stream); !bytes.Contains(again, []byte(`"known":true`)) {
		s.t.Errorf("a line that is sent again: %s", again)
	}

	author, _, _ := strings.Cut(place, "/")
	s.do(call{op: "listEntries", query: "odrer=causal", code: "invalid"})
	s.do(call{op: "getEntry", path: map[string]string{"place": author + "/999"}, code: "not-found"})
	s.do(call{op: "getEntry", path: map[string]string{"place": "nowhere"}, code: "invalid"})
	refused := lines("append", "", `{"kind":"quipu.prune"}`)
	refused.code = "reserved"
	s.do(refused)
	refused = lines("append", "wait=9&wait-timeout=1ms", `{"kind":"k"}`)
	refused.code = "not-replicated"
	s.do(refused)
	refused = lines("append", "", `{"kind":"k"}`, `{"kind":""}`)
	refused.code = "invalid"
	s.do(refused)
}

// transitions calls what is about transitions.
func (s session) transitions() {
	s.do(lines("appendTransitions", "", `{"subject":"order-17","to":"open","headers":{"by":"me"}}`, `{"subject":"order-18","to":"open"}`))
	s.do(lines("appendGuardedTransitions", "", machine, `{"subject":"order-17","to":"paid","trigger":"pay"}`))
	s.do(lines("appendTransitions", "", `{"subject":"order-18","from":"paid","to":"lost"}`))
	refused := lines("appendGuardedTransitions", "", machine, `{"subject":"order-17","to":"open"}`)
	refused.code = "refused"
	s.do(refused)
	s.do(call{op: "listTransitions", query: "subject=order-17"})
	s.do(call{op: "listStates"})
	s.do(call{op: "listStates", query: "subject=order-17&clock=1h&event=2024-05-01"})
	s.do(call{op: "listStatesAt", body: `{"subjects":["order-17"],"at":{"clock":"1h"}}`})
	s.do(call{op: "checkTransitions", body: `{"machine":` + machine + `}`})
	s.do(call{op: "checkTransitions", body: `{"machineFile":"states: [a, b]\ninitial: a\nterminal: b\nmoves: [{from: a, to: b}]\n"}`})
}

// about calls what says how the node does.
func (s session) about() {
	for _, op := range []string{"getStatus", "listSettings", "listMembers", "listLinks", "getFrontierHash", "getStats", "listAuthors", "listForks", "getIndex", "listRebuilds", "getMetrics"} {
		s.do(call{op: op})
	}
	s.do(call{op: "getStats", query: "kind=form.%2A&since=1h&gone=stop&limit=3"})
	s.do(call{op: "getStats", query: "gone=show", code: "invalid"})
	s.do(call{op: "getCords"})
	s.do(call{op: "getCords", query: "from=2020-01-01&to=1798761600000&width=10&limit=1&kind=form&kind=blob"})
	s.do(call{op: "getCords", query: "width=1", code: "invalid"})
	s.do(call{op: "getLive"})
	s.do(call{op: "getProfile", path: map[string]string{"profile": "heap"}, query: "debug=1"})
	s.ready()
	frontier := s.do(call{op: "getFrontier"})
	at := `{"at":{"frontier":` + strings.TrimSpace(string(frontier)) + `}}`
	s.do(call{op: "listStatesAt", body: at})
	s.do(call{op: "listTransitionsAt", body: at})
	for _, op := range []string{"listStates", "listTransitions"} {
		s.do(call{op: op, query: "frontier=" + url.QueryEscape(string(frontier))})
	}
	s.do(call{op: "getFrontier", head: map[string]string{"Accept": "text/plain"}})
	s.do(call{op: "listStatesAt", body: `{"at":{"frontier":{"hash":"","authors":[],"more":1}}}`, code: "invalid"})
}

// ready waits until the node has caught up, and calls what says so.
func (s session) ready() {
	s.t.Helper()
	for begun := time.Now(); time.Since(begun) < patience; {
		response, err := s.node.RoundTrip(s.j.request(s.t, call{op: "getReady"}))
		if err != nil {
			s.t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			break
		}
	}
	s.do(call{op: "getReady"})
}

// followers calls what is about followers.
func (s session) followers() {
	mailer := map[string]string{"name": "mail/er"}
	s.follow(mailer, `{"kinds":["order.paid"],"once":true}`, "", nil)
	s.follow(mailer, `{"once":true,"retry":true,"parkAfter":1}`, "", nil)
	s.do(call{op: "listFollowers"})
	s.do(call{op: "getFollower", path: mailer})
	s.do(call{op: "resetFollower", path: mailer, query: "to=start"})
	s.follow(mailer, `{"kinds":["order.paid"],"once":true,"retry":true,"parkAfter":1}`, "no", nil)
	if parked := s.do(call{op: "listParked", path: mailer}); len(parked) == 0 {
		s.t.Error("nothing is parked")
	}
	s.do(call{op: "dropParked", path: mailer})
	s.do(call{op: "resetFollower", path: mailer, query: "to=start"})
	s.do(call{op: "skipEntries", path: mailer, query: "entries=1"})
	printer := map[string]string{"name": "printer"}
	s.follow(printer, `{"once":true}`, "no, and it stops at that", func() {
		s.do(call{op: "follow", path: printer, media: mediaLines, body: `{"once":true}` + "\n", code: "busy"})
	})
	s.do(call{op: "removeFollower", path: printer}) // it would keep back what is pruned
	s.do(call{op: "removeFollower", path: mailer})
	s.do(call{op: "getFollower", path: mailer, code: "not-found"})
}

// follow follows with a handler that answers each batch alike, and calls meanwhile before it does. Where it fails and is
// not to go on, that is what the call ends with.
func (s session) follow(name map[string]string, how, fails string, meanwhile func()) {
	s.t.Helper()
	c := call{op: "follow", path: name, media: mediaLines, body: how}
	if fails != "" && !strings.Contains(how, "retry") {
		c.code = "unhandled"
	}
	request := s.j.request(s.t, c)
	body, replies := io.Pipe()
	request.Body, request.ContentLength = body, -1
	defer replies.Close()
	go func() { _, _ = fmt.Fprintln(replies, how) }() // it ends when the request does
	response, err := s.node.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		refusal, _ := io.ReadAll(response.Body)
		s.t.Fatalf("follow: %d: %s", response.StatusCode, refusal)
	}
	code := ""
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if ended := s.j.line(s.t, c.op, lines.Bytes()); ended != "" {
			code = ended
		}
		var end struct {
			Batch *struct{ After string }
		}
		if json.Unmarshal(lines.Bytes(), &end) != nil || end.Batch == nil {
			continue
		}
		if meanwhile != nil {
			meanwhile()
		}
		reply, _ := json.Marshal(map[string]string{"after": end.Batch.After, "error": fails})
		if _, err := fmt.Fprintf(replies, "%s\n", reply); err != nil {
			break // the node has said why in a line
		}
	}
	s.j.ended(s.t, c, code, nil)
}

// consumers fetches batches of a follower, and says what became of them.
func (s session) consumers() {
	mailer := map[string]string{"name": "mail/er"}
	fetch := func() string {
		s.t.Helper()
		var b struct{ Lease string }
		answer := s.do(call{op: "fetch", path: mailer, body: `{"maxEntries":1,"consumer":"one","wait":"1m"}`})
		if err := json.Unmarshal(answer, &b); err != nil || b.Lease == "" {
			s.t.Fatalf("fetched %s, %v", answer, err)
		}
		return fmt.Sprintf(`{"lease":%q`, b.Lease)
	}
	lease := fetch()
	s.do(call{op: "fetch", path: mailer, code: "leased"})
	s.do(call{op: "extendLease", path: mailer, body: lease + `,"by":"1m"}`})
	s.do(call{op: "nack", path: mailer, body: lease + `,"error":"no","delay":"1ms"}`})
	s.do(call{op: "ack", path: mailer, body: lease + "}", code: "lease-lost"})
	s.do(call{op: "nack", path: mailer, body: fetch() + `,"untouched":true}`})
	s.do(call{op: "ack", path: mailer, body: fetch() + "}"})
	s.do(call{op: "resetFollower", path: mailer, query: "to=end"})
	s.do(call{op: "fetch", path: mailer})
	s.do(call{op: "removeFollower", path: mailer})
}

// token makes a token and returns its secret.
func (s session) token(request string) string {
	s.t.Helper()
	var made struct{ Secret string }
	if err := json.Unmarshal(s.do(call{op: "createToken", body: request}), &made); err != nil {
		s.t.Fatal(err)
	}
	return made.Secret
}

// tokens calls what is about tokens.
func (s session) tokens() {
	s.token(`{"name":"orders","scopes":["append"],"kinds":["order.*"],"ttl":"1h"}`)
	s.do(call{op: "createToken", body: `{"name":"orders","scopes":["read"]}`, code: "exists"})
	s.do(call{op: "listTokens"})
	s.do(call{op: "revokeToken", path: map[string]string{"name": "orders"}})
}

// page signs in to the page of a node, and reads with the session.
func (s session) page(node *node) {
	s.t.Helper()
	var made struct{ Code string }
	if err := json.Unmarshal(s.do(call{op: "createPageCode"}), &made); err != nil {
		s.t.Fatal(err)
	}
	nobody := session{s.t, s.j, node.network}
	body := fmt.Sprintf(`{"code":%q}`, made.Code)
	var signedIn struct{ Token string }
	if err := json.Unmarshal(nobody.do(call{op: "createPageSession", body: body}), &signedIn); err != nil {
		s.t.Fatal(err)
	}
	page := session{s.t, s.j, with{signedIn.Token, node.network}}
	page.do(call{op: "listEntries"})
	page.do(call{op: "ack", path: map[string]string{"name": "mailer"}, body: `{"lease":"x"}`, code: "forbidden"})
	page.do(call{op: "createPageCode", code: "forbidden"})
	page.do(call{op: "endPageSessions"})
	page.do(call{op: "listEntries", code: "unauthorized"})
	nobody.do(call{op: "createPageSession", body: body, code: "unauthorized"})
}

// asked makes calls that are answered by who asks, and where from.
func (s session) asked(node *node) {
	reader := session{s.t, s.j, with{s.token(`{"name":"reader","scopes":["read"]}`), node.network}}
	reader.do(call{op: "listEntries"})
	reader.do(call{op: "compact", code: "forbidden"})
	var ticket struct{ URL string }
	if err := json.Unmarshal(reader.do(call{op: "createTicket", body: `{"url":"/v1/entries?kind=quipu.prune"}`}), &ticket); err != nil {
		s.t.Fatal(err)
	}
	_, query, _ := strings.Cut(ticket.URL, "?")
	nobody := session{s.t, s.j, node.network}
	nobody.do(call{op: "listEntries", query: query})
	nobody.do(call{op: "listEntries", code: "unauthorized"})
	nobody.do(call{op: "getLive"})
	s.do(call{op: "listEntries", head: map[string]string{"Host": "stranger.example"}, code: "misdirected"})
	s.do(call{op: "listEntries", head: map[string]string{"Origin": "https://stranger.example"}, code: "cross-origin"})
}

// tooMany calls until a node that takes a call a second has had enough.
func (s session) tooMany() {
	c := call{op: "getStatus", code: "too-many"}
	for range 1000 {
		request := s.j.request(s.t, c)
		response, err := s.node.RoundTrip(request)
		if err != nil {
			s.t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK {
			s.j.hold(s.t, c, request, response, body)
			return
		}
	}
	s.t.Error("a thousand calls in a row were answered")
}

// keeping calls what is about the file, and about what other nodes have.
func (s session) keeping(other *node) {
	s.do(call{op: "rebuildIndex"})
	s.do(call{op: "rebuild", body: `{"name":"transitions"}`})
	s.do(call{op: "listRebuilds"})
	s.do(call{op: "verify"})
	s.do(call{op: "repair"})
	s.do(call{op: "sync", body: `{"addr":"` + other.Addr + `"}`})
	s.do(call{op: "sync", body: `{"addr":"127.0.0.1:1"}`, code: "not-synced"})
	bundle := s.do(call{op: "createBundle", body: `{}`})
	s.do(call{op: "applyBundle", media: "application/vnd.quipu.bundle", body: string(bundle)})
	s.do(call{op: "backup", body: `{}`})
	s.do(call{op: "recover", code: "not-found"})
	s.do(call{op: "trim", body: `{"minAge":"0","minCount":0,"force":true}`})
	s.do(call{op: "trim", body: `{"minAge":"` + strings.Repeat("1", 1<<17) + `"}`, code: "too-large"})
	s.do(call{op: "getTrim"})
	s.do(call{op: "prune", body: `{"keep":2,"reason":"a test","plan":true}`})
	s.do(call{op: "prune", body: `{"keep":1,"reason":"a test"}`})
	s.do(call{op: "trim"})
	s.do(call{op: "listGone"})
	s.do(call{op: "listEntries", query: "gone=show"})
	s.do(call{op: "listEntries", query: "gone=stop", code: "trimmed"})
	s.do(call{op: "compact"})
}
