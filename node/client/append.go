package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"iter"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// Append appends the events that lines holds, one JSON form a line, and yields the place of each, in
// order, once it is durable. It reads from lines while it yields. It ends with an [api.Error] that names
// the line at the first one that cannot be appended; those before it are durable and were yielded.
//
// Lines is read until it ends or the iteration does; a Read that waits then is left behind.
//
// A client that [Dial] has made sends again, while the node is away, what has no place yet. So that nothing is appended twice
// for that, it names each event, unless it is [Client.Keyed] with a random key, which costs an entry some 40 bytes. Up to
// [maxUnplaced] bytes of lines are kept for it.
func (c *Client) Append(ctx context.Context, lines io.Reader) iter.Seq2[crdt.Place, error] {
	if c.key == "" && c.retries == 0 {
		return c.places(ctx, "append", "/v1/entries", lines)
	}
	keyed := *c
	if keyed.key == "" {
		keyed.key = api.Key(rand.Text())
	}
	return func(yield func(crdt.Place, error) bool) {
		u := newUnplaced(lines)
		defer u.stop()
		for n := 1; ; n++ {
			first := u.first()
			goes := true
			err := keyed.send(ctx, u, func(p placed) bool {
				u.placed()
				goes = yield(p.Place, nil)
				return goes
			})
			if !goes || err == nil {
				return
			}
			if u.first() > first {
				n = 1
			}
			if n > c.retries || u.failed() || !passes(err, true) {
				yield(crdt.Place{}, wrap("append", err))
				return
			}
			if !c.rest(ctx, n, err) {
				yield(crdt.Place{}, wrap("append", context.Cause(ctx)))
				return
			}
		}
	}
}

// send sends what has no place yet, and goes on as more comes. It ends when all has one, with an error, or when place
// returns false.
func (c *Client) send(ctx context.Context, u *unplaced, place func(placed) bool) error {
	ctx, cancel := context.WithCancel(ctx) // ending the call also ends the sending of the body
	defer cancel()
	body := u.body()
	defer body.Close()
	resp, err := c.once(ctx, http.MethodPost, "/v1/entries"+api.FromLine(c.wait.Query(), u.first()), body, false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for p, err := range decoded[placed](readLines(ctx, resp.Body)) {
		if err != nil || !place(p) {
			return err
		}
	}
	return nil
}

// placed is what the node tells of an event: its place, or that as [api.Placed].
type placed struct{ crdt.Place }

func (p *placed) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte{'{'}) {
		var told api.Placed
		err := json.Unmarshal(b, &told)
		p.Place = told.Place
		return err
	}
	return json.Unmarshal(b, &p.Place)
}
