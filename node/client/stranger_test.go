package client_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// TestAnotherProgramAtTheSocketIsNoNode has a web server, and one that says yes to all, where a node should be.
func TestAnotherProgramAtTheSocketIsNoNode(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>hi</html>",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
	} {
		c := client.New(func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				call, err := http.ReadRequest(bufio.NewReader(theirs))
				if err == nil {
					_, err = io.Copy(io.Discard, call.Body)
				}
				if err == nil {
					_, _ = theirs.Write([]byte(answer))
				}
			}()
			return ours, nil
		}, nil)
		if _, err := c.Status(t.Context()); !errors.Is(err, api.ErrStranger) {
			t.Errorf("status, answered with %.20q: %v", answer, err)
		}
		var last error
		for _, err := range c.Append(t.Context(), strings.NewReader("{\"kind\":\"k\"}\n")) {
			last = err
		}
		if !errors.Is(last, api.ErrStranger) {
			t.Errorf("append, answered with %.20q: %v", answer, last)
		}
	}
}
