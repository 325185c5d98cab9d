package client_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// moment is how far a node comes in a call before it leaves, or is stopped.
type moment struct {
	name string
	// says is what the node answers, after it has read the head of the request if reads is set.
	reads bool
	says  string
}

const (
	// head begins an answer of which two chunks of 16 bytes, and their end, would be all.
	head    = "HTTP/1.1 200 OK\r\nQuipu-Node: 1\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
	refused = "HTTP/1.1 503 Service Unavailable\r\nQuipu-Node: 1\r\nContent-Length: 100\r\n\r\n"
)

var moments = []moment{
	{"before it reads", false, ""},
	{"before it answers", true, ""},
	{"after it said that it lives", true, "HTTP/1.1 102 Processing\r\n\r\n"},
	{"in the head of its answer", true, head[:30]},
	{"after the head", true, head},
	{"after an empty line", true, head + "1\r\n\n\r\n"},
	{"in a chunk", true, head + "10\r\n{\"pl"},
	{"in a line", true, head + "3\r\n{\"p\r\n"},
	{"in a refusal", true, refused + `{"error":`},
}

// double is a node that comes as far as a moment in every call, and is then gone or stopped.
type double struct {
	moment
	stopped bool
	over    chan struct{} // closed at the end of the test
}

func (d *double) dial(context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	go d.serve(far)
	return near, nil
}

func (d *double) serve(conn net.Conn) {
	defer conn.Close()
	if d.reads {
		for lines := bufio.NewReader(conn); ; {
			if line, err := lines.ReadString('\n'); err != nil || line == "\r\n" {
				break
			}
		}
	}
	if _, err := io.WriteString(conn, d.says); err != nil {
		return
	}
	if d.stopped {
		<-d.over
	}
}

// each runs every call against a double at every moment, in fake time.
func each(t *testing.T, stopped bool, fn func(t *testing.T, call func(context.Context) error)) {
	for _, m := range moments {
		for name, call := range calls {
			t.Run(m.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := &double{m, stopped, make(chan struct{})}
					c := client.New(d.dial, nil)
					stdin, typist := io.Pipe() // whoever types says nothing
					fn(t, func(ctx context.Context) error { return call(ctx, c, stdin) })
					typist.Close()
					close(d.over)
				})
			})
		}
	}
}

// TestNoCallOutlivesItsNode: whenever a node dies in a call, the call ends with a word, at once.
func TestNoCallOutlivesItsNode(t *testing.T) {
	each(t, false, func(t *testing.T, call func(context.Context) error) {
		ended := make(chan error, 1)
		go func() { ended <- call(t.Context()) }()
		synctest.Wait() // no time passes
		select {
		case err := <-ended:
			if !errors.Is(err, api.ErrLeft) || !strings.Contains(err.Error(), "went away before ") {
				t.Errorf("it ended with %v", err)
			}
		default:
			t.Fatal("it has not ended")
		}
	})
}

// TestNoCallOutlivesASilentNode: whenever a node stops in a call, the call ends with a word in time.
func TestNoCallOutlivesASilentNode(t *testing.T) {
	each(t, true, func(t *testing.T, call func(context.Context) error) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*api.Silence)
		defer cancel()
		if err := call(ctx); !errors.Is(err, api.ErrLeft) || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("it ended with %v", err)
		}
	})
}

// TestNoCallOutlivesItsContext: whenever a call is ended, as by a signal, it ends at once.
func TestNoCallOutlivesItsContext(t *testing.T) {
	interrupt := errors.New("interrupt")
	each(t, true, func(t *testing.T, call func(context.Context) error) {
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- call(ctx) }()
		synctest.Wait()
		cancel(interrupt)
		synctest.Wait()
		select {
		case err := <-ended:
			if !errors.Is(err, interrupt) {
				t.Errorf("it ended with %v", err)
			}
		default:
			t.Fatal("it has not ended")
		}
	})
}

// TestNoCallWithoutANode: a node that takes no connections is one that has left.
func TestNoCallWithoutANode(t *testing.T) {
	refuse := func(context.Context) (net.Conn, error) { return nil, errors.New("connection refused") }
	c := client.New(refuse, nil)
	for name, call := range calls {
		if err := call(t.Context(), c, strings.NewReader("")); !errors.Is(err, api.ErrLeft) || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%s: it ended with %v", name, err)
		}
	}
}
