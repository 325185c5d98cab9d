package client

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// last returns the error that ends a stream.
func last[T any](stream iter.Seq2[T, error]) (err error) {
	for _, err = range stream {
	}
	return err
}

// flaky is a node that is away at first: dials fail, and then calls meet what it answers, one after the other.
type flaky struct {
	refuses int      // so many dials
	answers []string // of each call; "" goes away without one
	dialled int
	bodies  []string // of the calls that came
}

const (
	fine    = "HTTP/1.1 200 OK\r\nQuipu-Node: 1\r\nContent-Length: 2\r\n\r\n[]"
	done    = "HTTP/1.1 200 OK\r\nQuipu-Node: 1\r\nContent-Length: 2\r\n\r\n{}"
	nothing = "HTTP/1.1 200 OK\r\nQuipu-Node: 1\r\nContent-Length: 0\r\n\r\n"
	half    = "HTTP/1.1 200 OK\r\nQuipu-Node: 1\r\nContent-Length: 2\r\n\r\n["
	stops   = "HTTP/1.1 503 Service Unavailable\r\nQuipu-Node: 1\r\nContent-Length: 33\r\n\r\n" + `{"code":"stopping","detail":"s."}`
	later   = "HTTP/1.1 429 Too Many Requests\r\nQuipu-Request: 1\r\nRetry-After: 3\r\nContent-Length: 29\r\n\r\n" + `{"code":"busy","detail":"b."}`
	full    = "HTTP/1.1 507 Insufficient Storage\r\nQuipu-Node: 1\r\nContent-Length: 32\r\n\r\n" + `{"code":"no-room","detail":"n."}`
	balance = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
)

func (f *flaky) dial(context.Context) (net.Conn, error) {
	f.dialled++
	if f.dialled <= f.refuses {
		return nil, errors.New("connection refused")
	}
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		r, err := http.ReadRequest(bufio.NewReader(far))
		if err != nil {
			return
		}
		body, _ := io.ReadAll(r.Body)
		f.bodies = append(f.bodies, string(body))
		_, _ = io.WriteString(far, f.answers[len(f.bodies)-1])
	}()
	return near, nil
}

// TestWhatIsSafeIsMadeAgain has calls meet a node that is away for a while, in fake time.
func TestWhatIsSafeIsMadeAgain(t *testing.T) {
	reads := func(ctx context.Context, c *Client) error { _, err := c.Authors(ctx); return err }
	streams := func(ctx context.Context, c *Client) error { return last(c.Forks(ctx)) }
	changes := func(ctx context.Context, c *Client) error { _, err := c.Sync(ctx, "addr"); return err }
	appends := func(ctx context.Context, c *Client) error { return last(c.Append(ctx, strings.NewReader("line\n"))) }
	tests := map[string]struct {
		f     flaky
		call  func(context.Context, *Client) error
		calls int // that come to the node
		least time.Duration
		fails string // "" for not at all
	}{
		"a read, of what is away":         {flaky{refuses: 3, answers: []string{fine}}, reads, 1, 350 * time.Millisecond, ""},
		"a read, cut before its answer":   {flaky{answers: []string{"", "", fine}}, reads, 3, 150 * time.Millisecond, ""},
		"a read, cut in its answer":       {flaky{answers: []string{half, fine}}, reads, 2, 50 * time.Millisecond, ""},
		"a read, of what is stopping":     {flaky{answers: []string{stops, fine}}, reads, 2, 50 * time.Millisecond, ""},
		"a read, behind a balancer":       {flaky{answers: []string{balance, fine}}, reads, 2, 50 * time.Millisecond, ""},
		"a read, told to wait":            {flaky{answers: []string{later, later, fine}}, reads, 3, 6 * time.Second, ""},
		"a read, refused":                 {flaky{answers: []string{full}}, reads, 1, 0, "n."},
		"a read, of what stays away":      {flaky{refuses: 99}, reads, 0, 750 * time.Millisecond, "connection refused"},
		"a stream, cut before its answer": {flaky{answers: []string{"", nothing}}, streams, 2, 50 * time.Millisecond, ""},
		"a change, of what is away":       {flaky{refuses: 2, answers: []string{done}}, changes, 1, 150 * time.Millisecond, ""},
		"a change, cut":                   {flaky{answers: []string{""}}, changes, 1, 0, "went away before it answered"},
		"a change, told to wait":          {flaky{answers: []string{later}}, changes, 1, 0, "b."},
		"an append, of what is away":      {flaky{refuses: 4, answers: []string{full}}, appends, 1, 750 * time.Millisecond, "n."},
		"an append, cut":                  {flaky{answers: []string{"", "", full}}, appends, 3, 150 * time.Millisecond, "n."},
		"an append, told to wait":         {flaky{answers: []string{later, full}}, appends, 2, 3 * time.Second, "n."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := tt.f
				c := &Client{dial: f.dial, base: "http://node", retries: 4}
				began := time.Now()
				err := tt.call(t.Context(), c)
				if tt.fails == "" && err != nil || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
					t.Errorf("it ended with %v", err)
				}
				synctest.Wait()
				if len(f.bodies) != tt.calls {
					t.Errorf("%d calls came to the node, want %d", len(f.bodies), tt.calls)
				}
				if took := time.Since(began); took < tt.least || took > 2*tt.least+time.Millisecond {
					t.Errorf("it paused for %s, want %s to twice as long", took, tt.least)
				}
				if last := len(f.bodies) - 1; strings.HasPrefix(name, "an append") && f.bodies[last] != "line\n" {
					t.Errorf("it sent %q", f.bodies[last])
				}
			})
		})
	}
}

// TestAPauseEndsWithItsContext: a call that waits until it is made again ends at once when its caller gives it up.
func TestAPauseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := flaky{refuses: 1 << 30}
		c := &Client{dial: f.dial, base: "http://node", retries: 1 << 30}
		given := errors.New("given up")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, given)
		defer cancel()
		began := time.Now()
		if err := last(c.Append(ctx, strings.NewReader("line\n"))); !errors.Is(err, given) || time.Since(began) != time.Hour {
			t.Errorf("it ended with %v after %s", err, time.Since(began))
		}
		if f.dialled < 700 || f.dialled > 1500 {
			t.Errorf("it dialled %d times in an hour, with pauses of up to %s", f.dialled, highPause)
		}
	})
}

// TestAHangingDialIsSilence: a dial that hangs ends in time, and is made again.
func TestAHangingDialIsSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dialled := 0
		c := &Client{base: "http://node", retries: 1, dial: func(ctx context.Context) (net.Conn, error) {
			dialled++
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		_, err := c.Authors(t.Context())
		if !errors.Is(err, api.ErrSilent) || !errors.Is(err, api.ErrLeft) || dialled != 2 {
			t.Errorf("after %d dials it ended with %v", dialled, err)
		}
	})
}
