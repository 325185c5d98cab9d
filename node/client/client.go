package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// Client calls a node. Its methods may be called by many goroutines at once. Each call has a connection of its own, but for
// short ones of a client that [Dial] has made, which share some.
//
// No call outlives its context. One whose node goes away, or says nothing for [api.Silence], ends with an
// error that wraps [api.ErrLeft]; what it asked for may then have been done or not, unless its answer has
// said so. A client that [Dial] has made makes a call again, after a pause, whose node is away or asks to wait: one that only
// reads, as long as nothing of its answer was passed on, and any other while no connection was made. [Client.Tail] goes
// on where it was, and so does [Client.Append], which names what it sends.
type Client struct {
	dial    func(context.Context) (net.Conn, error)
	close   func() error
	wait    api.Wait
	base    string          // before the path of each call
	token   api.Secret      // "" for none
	key     api.Key         // that names what is appended; "" for none
	kept    *http.Transport // whose connections short calls share; nil where each call has its own
	retries int
}

// base is that of a node whose connections say where it is: the host is no name of anything.
const base = "http://quipu"

// New returns a client that reaches its node through connections that dial makes. Close, which
// may be nil, is called by [Client.Close].
func New(dial func(context.Context) (net.Conn, error), close func() error) *Client {
	return &Client{dial: dial, close: close, base: base}
}

// Waiting returns a client of the same node whose [Client.Append], [Client.Transition] and
// [Client.GuardedTransition] wait for other nodes, and end with an [api.ErrNotReplicated] where these do not hold the
// entries in time. Where others are waited for and no daemon runs, they are refused with [api.NotRunning] before anything
// is appended.
func (c *Client) Waiting(w api.Wait) *Client {
	waiting := *c
	waiting.wait = w
	return &waiting
}

// Keyed returns a client of the same node whose [Client.Append] names the event of line i by key/i: one of that name that was
// appended before is not appended again. The error says what is wrong with the key.
func (c *Client) Keyed(key string) (*Client, error) {
	k, err := api.ParseKey(key)
	keyed := *c
	keyed.key = k
	return &keyed, err
}

// Close gives back what the client was made with. Calls under way fail.
func (c *Client) Close() error {
	if c.close == nil {
		return nil
	}
	return c.close()
}

// Status returns who the node is and what it holds.
func (c *Client) Status(ctx context.Context) (api.Status, error) {
	return get[api.Status](ctx, c, "status", "/v1/status")
}

// Members returns the members that the node knows of, itself first.
func (c *Client) Members(ctx context.Context) ([]api.Member, error) {
	return get[[]api.Member](ctx, c, "members", "/v1/members")
}

// Frontier returns exactly what the node holds.
func (c *Client) Frontier(ctx context.Context) (api.Frontier, error) {
	return get[api.Frontier](ctx, c, "frontier", "/v1/frontier")
}

// Verify has the node walk its whole log, and returns what it found. Told hears meanwhile how far it is; nil for nobody.
func (c *Client) Verify(ctx context.Context, told func(api.Progress)) (api.Report, error) {
	return watch[api.Report](ctx, c, "verify", "/v1/verify", nil, told)
}

// Prove returns the proof of the entry at p. It returns [api.ErrNotFound] when none stands there.
func (c *Client) Prove(ctx context.Context, p crdt.Place) (crdt.EntryProof, error) {
	return get[crdt.EntryProof](ctx, c, "prove", "/v1/entries/"+url.PathEscape(p.String())+"/proof")
}

// Text returns what the node answers a path with where that is no JSON: its metrics, or what its goroutines do.
func (c *Client) Text(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, api.CallFor)
	defer cancel()
	resp, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, wrap("read "+path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, wrap("read "+path, cutOff(ctx, err))
	}
	return text, nil
}

// get is call for what the node has at hand: it takes no longer than [api.CallFor].
func get[T any](ctx context.Context, c *Client, what, path string) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, api.CallFor, fmt.Errorf("the node lives, but has not answered for %s", api.CallFor))
	defer cancel()
	return call[T](ctx, c, what, http.MethodGet, path)
}

// call makes a call that has no body and one JSON value as its answer.
func call[T any](ctx context.Context, c *Client, what, method, path string) (T, error) {
	return callWith[T](ctx, c, what, method, path, nil)
}

// post makes a call with one JSON value as its body and one as its answer.
func post[T any](ctx context.Context, c *Client, what, path string, value any) (T, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return *new(T), wrap(what, err)
	}
	return callWith[T](ctx, c, what, http.MethodPost, path, bytes.NewReader(body))
}

// callWith is call with a body.
func callWith[T any](ctx context.Context, c *Client, what, method, path string, body io.Reader) (answer T, err error) {
	var b []byte
	err = c.again(ctx, method == http.MethodGet, func() error {
		resp, err := c.once(ctx, method, path, body, method == http.MethodGet)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if b, err = io.ReadAll(resp.Body); err != nil {
			return cutOff(ctx, err)
		}
		return nil
	})
	if err != nil {
		return answer, wrap(what, err)
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return answer, fmt.Errorf("%s: read the node's answer: %w", what, err)
	}
	return answer, nil
}

// do makes a call and returns the answer's head, its body unread, or why the node refused. A body that may
// wait is an [io.Closer] whose Close ends that, see [piped]; it is closed when the call ends.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader) (resp *http.Response, err error) {
	err = c.again(ctx, method == http.MethodGet, func() error {
		resp, err = c.once(ctx, method, path, body, false)
		return err
	})
	return resp, err
}

// once is do for one time. A short call may share a connection with others.
func (c *Client) once(ctx context.Context, method, path string, body io.Reader, short bool) (*http.Response, error) {
	// A node that lives may say so any number of times before it answers.
	living := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { return nil },
	})
	req, err := http.NewRequestWithContext(living, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set(api.NodeHeader, "1")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+string(c.token))
	}
	if c.key != "" {
		req.Header.Set(api.KeyHeader, string(c.key))
	}
	var resp *http.Response
	if short && c.kept != nil {
		if resp, err = c.kept.RoundTrip(req); err != nil && !untaken(err) {
			err = left(ctx, "before it answered", err)
		}
	} else {
		resp, err = c.alone(ctx, req, body)
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK && resp.Header.Get(api.NodeHeader) != "" {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, c.refused(ctx, resp)
}

// connect makes a connection. Nothing of the call was sent where none is made.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	within, cancel := context.WithTimeoutCause(ctx, api.Silence, api.ErrSilent)
	defer cancel()
	conn, err := c.dial(within)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() == nil && within.Err() != nil:
		err = api.ErrSilent
	}
	return nil, &untakenError{left(ctx, "before it took the call", err)}
}

// alone makes a call over a connection of its own.
func (c *Client) alone(ctx context.Context, req *http.Request, body io.Reader) (*http.Response, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	call := &watched{Conn: conn}
	call.body, _ = body.(io.Closer)
	dial := func(context.Context, string, string) (net.Conn, error) { return call, nil }
	transport := http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true, DisableCompression: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		_ = call.Close() // it is closed already, unless the call ended before it began
		if call.silent.Load() {
			err = api.ErrSilent // and not that the body was closed for it
		}
		return nil, left(ctx, "before it answered", err)
	}
	return resp, nil
}

// refused returns why a node has refused a call, or what else has answered in its place.
func (c *Client) refused(ctx context.Context, resp *http.Response) error {
	if resp.Header.Get(api.NodeHeader) == "" && resp.Header.Get(api.RequestHeader) == "" {
		switch {
		case c.base == base:
			return api.ErrStranger
		case resp.StatusCode >= http.StatusBadGateway && resp.StatusCode <= http.StatusGatewayTimeout:
			return left(ctx, "before it answered", fmt.Errorf("what stands before it at %s answers %s", c.base, resp.Status))
		}
		return &strangerError{c.base, resp.Status}
	}
	var refusal api.Error
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return cutOff(ctx, err)
	}
	if json.Unmarshal(b, &refusal) == nil && refusal.Code != "" {
		refusal.RetryAfter = retryAfter(resp.Header)
		return &refusal
	}
	return fmt.Errorf("the node answered %s", resp.Status)
}

// strangerError is [api.ErrStranger] of an address.
type strangerError struct{ base, status string }

func (e *strangerError) Error() string {
	return fmt.Sprintf("what answers at %s is no quipu node, but says %s: give the address that quipu start --http has", e.base, e.status)
}

func (e *strangerError) Unwrap() error { return api.ErrStranger }

// cutOff says that the node went away while it answered.
func cutOff(ctx context.Context, err error) error {
	return left(ctx, "before its answer was complete", err)
}

// left says that the node went away, and when, unless it was the caller who ended the call.
func left(ctx context.Context, when string, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, api.ErrSilent):
		return &leftError{api.ErrSilent.Error(), api.ErrSilent}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &leftError{fmt.Sprintf("%v %s", api.ErrLeft, when), err}
	}
	return &leftError{fmt.Sprintf("%v %s: %v", api.ErrLeft, when, err), err}
}

// leftError is [api.ErrLeft] in words.
type leftError struct {
	text string
	err  error
}

func (e *leftError) Error() string { return e.text }

func (e *leftError) Unwrap() []error { return []error{api.ErrLeft, e.err} }

// wrap says which call failed. A refusal speaks for itself.
func wrap(what string, err error) error {
	if _, ok := errors.AsType[*api.Error](err); ok {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
