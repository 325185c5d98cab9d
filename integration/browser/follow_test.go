package browser

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/quipulog/quipu/integration/daemon"
)

// node is a daemon that pages of one origin may ask.
type node struct {
	*daemon.Daemon
	t      *testing.T
	origin string
	writer string // a token that appends
	wrote  int    // entries, of which the last may not have been appended
	acked  []string
}

func newNode(t *testing.T, origin string) *node {
	t.Helper()
	n := &node{Daemon: daemon.New(t, "node", ""), t: t, origin: origin}
	n.writer = n.token("writer", "append")
	n.start()
	return n
}

func (n *node) start() {
	n.t.Helper()
	n.Start(n.t, "--http-origin", n.origin)
}

func (n *node) token(name, scope string) string {
	n.t.Helper()
	return strings.TrimSpace(n.Quipu(n.t, "token", "create", "--name", name, "--scope", scope))
}

// post makes a call with a token, and returns what it answers.
func (n *node) post(token, path, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodPost, n.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %d: %s", request.Method, path, response.StatusCode, answer)
	}
	return answer, err
}

// ticket returns the URL at which a page reads what a token may.
func (n *node) ticket(token, target string) string {
	n.t.Helper()
	answer, err := n.post(token, "/v1/tickets", fmt.Sprintf(`{"url":%q}`, target))
	var made struct{ URL string }
	if err == nil {
		err = json.Unmarshal(answer, &made)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return n.URL + made.URL
}

// append appends an entry that may be trimmed, and whose subject is its number.
func (n *node) append() error {
	n.wrote++
	subject := fmt.Sprint(n.wrote)
	_, err := n.post(n.writer, "/v1/entries", fmt.Sprintf(`{"kind":"note","subject":%q,"retention":"trimmable"}`, subject))
	if err == nil {
		n.acked = append(n.acked, subject)
	}
	return err
}

// appendUntil appends until that fails, as it does when the daemon is killed, and returns why. It waits where a page is so far
// behind as ahead has room.
func (n *node) appendUntil(killed <-chan struct{}, ahead chan<- struct{}) error {
	for {
		select {
		case ahead <- struct{}{}:
		case <-killed:
			return nil
		}
		if err := n.append(); err != nil {
			return err
		}
	}
}

// entry is what the tests read of one.
type entry struct {
	Subject string
	Offset  uint64
}

// log returns the subjects of the entries that the node has, in the order in which they came.
func (n *node) log() (subjects []string) {
	n.t.Helper()
	for line := range strings.Lines(n.Quipu(n.t, "log", "--order", "arrival", "--kind", "note", "--format", "ndjson")) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			n.t.Fatalf("%s: %v", line, err)
		}
		subjects = append(subjects, e.Subject)
	}
	return subjects
}

// entry reads what an event of an entry has.
func (s said) entry(t *testing.T) (e entry) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.Data), &e); err != nil || s.ID == "" {
		t.Fatalf("%+v: %v", s, err)
	}
	return e
}
