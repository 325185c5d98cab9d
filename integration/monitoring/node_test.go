package monitoring

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/integration/daemon"
)

// node is a daemon that is scraped and used.
type node struct {
	*daemon.Daemon
	name   string
	reader string // the token of Prometheus
	writer string // the token of a program
}

// newCluster returns three nodes of a log that run.
func newCluster(t *testing.T) (nodes []*node) {
	t.Helper()
	log, join := "", []string(nil)
	for _, name := range []string{"a", "b", "c"} {
		n := newNode(t, name, log, join...)
		log, join = n.Log, []string{"--join", n.Addr}
		nodes = append(nodes, n)
	}
	return nodes
}

// newNode makes a node of a log, or of a new one, and starts it.
func newNode(t *testing.T, name, log string, flags ...string) *node {
	t.Helper()
	n := tokened(t, name, daemon.New(t, name, log))
	n.Start(t, flags...)
	return n
}

// tokened returns the node of a daemon, for which it makes tokens.
func tokened(t *testing.T, name string, d *daemon.Daemon) *node {
	t.Helper()
	n := &node{Daemon: d, name: name}
	n.reader = strings.TrimSpace(n.Quipu(t, "token", "create", "--name", "prometheus", "--scope", "metrics"))
	n.writer = strings.TrimSpace(n.Quipu(t, "token", "create", "--name", "program", "--scope", "append,read"))
	return n
}

// call makes a call that must succeed, and returns what is answered.
func (n *node) call(ctx context.Context, method, path, token, body string, head ...string) (answer map[string]any, err error) {
	response, err := n.begin(ctx, method, path, token, body, head...)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	if len(text) > 0 {
		err = json.Unmarshal(text, &answer)
	}
	return answer, err
}

// post makes a call as a program, which must succeed.
func (n *node) post(t *testing.T, path, body string) map[string]any {
	t.Helper()
	answer, err := n.call(t.Context(), http.MethodPost, path, n.writer, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// begin makes a call, and returns its answer once that begins.
func (n *node) begin(ctx context.Context, method, path, token, body string, head ...string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, n.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(head); i += 2 {
		request.Header.Set(head[i], head[i+1])
	}
	return http.DefaultClient.Do(request)
}

// use has programs append to a node and consume from it, until the test ends.
func (n *node) use(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- n.useUntil(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-failed; err != nil {
			t.Errorf("node %s: %v", n.name, err)
		}
	})
}

// useUntil appends an entry and consumes the next, again and again until ctx ends, with a stream open all the while.
func (n *node) useUntil(ctx context.Context) error {
	stream, err := n.begin(ctx, http.MethodGet, "/v1/tail", n.writer, "", "Accept", "text/event-stream")
	if err != nil {
		return err
	}
	defer stream.Body.Close()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := n.useOnce(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

func (n *node) useOnce(ctx context.Context) error {
	if _, err := n.call(ctx, http.MethodPost, "/v1/entries", n.writer, `{"kind":"note"}`); err != nil {
		return err
	}
	batch, err := n.call(ctx, http.MethodPost, "/v1/followers/mailer/fetch", n.writer, `{"wait":"10s"}`)
	if err != nil {
		return err
	}
	_, err = n.call(ctx, http.MethodPost, "/v1/followers/mailer/ack", n.writer, fmt.Sprintf(`{"lease":%q}`, batch["lease"]))
	return err
}
