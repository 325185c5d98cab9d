package api

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
)

// Client calls a node. Its methods may be called by many goroutines at once; each call has a
// connection of its own.
//
// No call outlives its context. One whose node goes away, or says nothing for [Silence], ends with an
// error that wraps [ErrLeft]; what it asked for may then have been done or not, unless its answer has
// said so.
type Client struct {
	dial  func(context.Context) (net.Conn, error)
	close func() error
	wait  Wait
}

// NewClient returns a client that reaches its node through connections that dial makes. Close, which
// may be nil, is called by [Client.Close].
func NewClient(dial func(context.Context) (net.Conn, error), close func() error) *Client {
	return &Client{dial: dial, close: close}
}

// Waiting returns a client of the same node whose [Client.Append], [Client.Transition] and
// [Client.GuardedTransition] wait for other nodes, and end with an [ErrNotReplicated] where these do not hold the
// entries in time. Where others are waited for and no daemon runs, they are refused with [NotRunning] before anything
// is appended.
func (c *Client) Waiting(w Wait) *Client { return &Client{dial: c.dial, close: c.close, wait: w} }

// Close gives back what the client was made with. Calls under way fail.
func (c *Client) Close() error {
	if c.close == nil {
		return nil
	}
	return c.close()
}

// Status returns who the node is and what it holds.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return get[Status](ctx, c, "status", "/v1/status")
}

// Members returns the members that the node knows of, itself first.
func (c *Client) Members(ctx context.Context) ([]Member, error) {
	return get[[]Member](ctx, c, "members", "/v1/members")
}

// Frontier returns exactly what the node holds.
func (c *Client) Frontier(ctx context.Context) (Frontier, error) {
	return get[Frontier](ctx, c, "frontier", "/v1/frontier")
}

// Verify has the node walk its whole log, and returns what it found. Told hears meanwhile how far it is; nil for nobody.
func (c *Client) Verify(ctx context.Context, told func(Progress)) (Report, error) {
	return watch[Report](ctx, c, "verify", "/v1/verify", nil, told)
}

// Prove returns the proof of the entry at p. It returns [ErrNotFound] when none stands there.
func (c *Client) Prove(ctx context.Context, p crdt.Place) (crdt.EntryProof, error) {
	return get[crdt.EntryProof](ctx, c, "prove", "/v1/proof/"+url.PathEscape(p.String()))
}

// get is call for what the node has at hand: it takes no longer than [CallFor].
func get[T any](ctx context.Context, c *Client, what, path string) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, CallFor, fmt.Errorf("the node lives, but has not answered for %s", CallFor))
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
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return answer, wrap(what, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer, wrap(what, cutOff(ctx, err))
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return answer, fmt.Errorf("%s: read the node's answer: %w", what, err)
	}
	return answer, nil
}

// do makes a call and returns the answer's head, its body unread, or why the node refused. A body that may
// wait is an [io.Closer] whose Close ends that, see [piped]; it is closed when the call ends.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	// A node that lives may say so any number of times before it answers.
	living := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { return nil },
	})
	// The host is no name of anything: dial knows where the node is.
	req, err := http.NewRequestWithContext(living, method, "http://quipu"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set(NodeHeader, "1")
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, left(ctx, "before it took the call", err)
	}
	call := &watched{Conn: conn}
	call.body, _ = body.(io.Closer)
	transport := http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return call, nil },
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		_ = call.Close() // it is closed already, unless the call ended before it began
		if call.silent.Load() {
			err = ErrSilent // and not that the body was closed for it
		}
		return nil, left(ctx, "before it answered", err)
	}
	if resp.Header.Get(NodeHeader) == "" {
		return nil, errors.Join(ErrStranger, resp.Body.Close())
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var refusal Envelope
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, cutOff(ctx, err)
	}
	if json.Unmarshal(b, &refusal) == nil && refusal.Error != nil {
		return nil, refusal.Error
	}
	return nil, fmt.Errorf("the node answered %s", resp.Status)
}

// NodeHeader is in every answer of a node, with the version of these calls, and in every request of a [Client]:
// it asks the node to say each [KeepAlive] that it lives.
const NodeHeader = "Quipu-Node"

// ErrStranger is returned by every call that was answered by some other program than a node.
var ErrStranger = errors.New("what answers at the socket is no quipu node, but another program: find and stop it, or remove the socket")

// cutOff says that the node went away while it answered.
func cutOff(ctx context.Context, err error) error {
	return left(ctx, "before its answer was complete", err)
}

// left says that the node went away, and when, unless it was the caller who ended the call.
func left(ctx context.Context, when string, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, ErrSilent):
		return &leftError{ErrSilent.Error(), ErrSilent}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &leftError{fmt.Sprintf("%v %s", ErrLeft, when), err}
	}
	return &leftError{fmt.Sprintf("%v %s: %v", ErrLeft, when, err), err}
}

// leftError is [ErrLeft] in words.
type leftError struct {
	text string
	err  error
}

func (e *leftError) Error() string   { return e.text }
func (e *leftError) Unwrap() []error { return []error{ErrLeft, e.err} }

// wrap says which call failed. A refusal speaks for itself.
func wrap(what string, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
