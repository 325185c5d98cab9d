package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/transition/machine"
	"github.com/quipulog/quipu/node/api"
)

// Line is an item of a stream as the node wrote it: one JSON value without white space between its
// parts. It is valid until the iteration goes on.
type Line []byte

// Entry parses a line of [Client.Entries] or [Client.Tail]. The offset is nil when the line has none.
func (l Line) Entry() (e crdt.Entry, offset *uint64, err error) { return crdt.ParseEntryJSON(l) }

// Transition appends the transitions that lines holds, one [api.Move] a line; see [Client.Append].
func (c *Client) Transition(ctx context.Context, lines io.Reader) iter.Seq2[crdt.Place, error] {
	return c.places(ctx, "transition", "/v1/transitions", lines)
}

// GuardedTransition is [Client.Transition] for moves that a machine has to allow: it ends with an [api.Error]
// of code [api.Refused] at the first one that it does not. Whether it does is looked at in the transaction that
// appends the move.
func (c *Client) GuardedTransition(ctx context.Context, m machine.Machine, lines io.Reader) iter.Seq2[crdt.Place, error] {
	first, err := json.Marshal(m)
	if err != nil {
		return func(yield func(crdt.Place, error) bool) { yield(crdt.Place{}, wrap("transition", err)) }
	}
	return c.places(ctx, "transition", "/v1/transitions/guarded", io.MultiReader(bytes.NewReader(append(first, '\n')), lines))
}

func (c *Client) places(ctx context.Context, what, path string, lines io.Reader) iter.Seq2[crdt.Place, error] {
	return func(yield func(crdt.Place, error) bool) {
		body := piped(lines)
		defer body.Close()
		places := decoded[placed](c.stream(ctx, what, http.MethodPost, path+c.wait.Query(), body))
		places(func(p placed, err error) bool { return yield(p.Place, err) })
	}
}

// Entries yields the entries that the query takes. The node's snapshot is taken when it starts.
func (c *Client) Entries(ctx context.Context, q api.Query) iter.Seq2[Line, error] {
	return c.stream(ctx, "read entries", http.MethodGet, "/v1/entries?"+q.Values().Encode(), nil)
}

// Entry returns the entry at p. It returns [api.ErrNotFound] when none stands there, and [api.ErrTrimmed] when it is
// gone.
func (c *Client) Entry(ctx context.Context, p crdt.Place) (Line, error) {
	line, err := get[json.RawMessage](ctx, c, "look up", "/v1/entries/"+url.PathEscape(p.String()))
	return Line(line), err
}

// stream makes a call whose answer is a stream of lines.
func (c *Client) stream(ctx context.Context, what, method, path string, body io.Reader) iter.Seq2[Line, error] {
	return c.streamed(ctx, what, method, path, body, func(http.Header) {})
}

// streamed is stream that passes on the head of the answer.
func (c *Client) streamed(ctx context.Context, what, method, path string, body io.Reader, head func(http.Header)) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		// Ending the call also ends the sending of the body.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		resp, err := c.do(ctx, method, path, body)
		if err != nil {
			yield(nil, wrap(what, err))
			return
		}
		defer resp.Body.Close()
		head(resp.Header)
		for line, err := range readLines(ctx, resp.Body) {
			if err != nil {
				yield(nil, wrap(what, err))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

// readLines yields the lines of an answer, and the error that ended it.
func readLines(ctx context.Context, r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		lines := bufio.NewReaderSize(r, 64<<10)
		var long []byte // a line that is longer than the reader's buffer, so far
		for {
			line, err := lines.ReadSlice('\n')
			switch {
			case errors.Is(err, bufio.ErrBufferFull) && len(long) < 2*api.MaxLine:
				long = append(long, line...)
				continue
			case errors.Is(err, io.EOF) && len(line)+len(long) == 0:
				return
			case errors.Is(err, io.EOF):
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				yield(nil, cutOff(ctx, err))
				return
			}
			if long != nil {
				line, long = append(long, line...), nil
			}
			line = line[:len(line)-1]
			if len(line) == 0 {
				continue // the node lives, and says nothing else
			}
			if bytes.HasPrefix(line, []byte(envelopePrefix)) {
				yield(nil, parseEnvelope(line))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

func parseEnvelope(line []byte) error {
	var last api.Envelope
	if err := json.Unmarshal(line, &last); err != nil || last.Error == nil {
		return fmt.Errorf("read the node's answer: %q is no error", line)
	}
	return last.Error
}

// decoded yields the values that lines write.
func decoded[T any](lines iter.Seq2[Line, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for line, err := range lines {
			var value T
			if err == nil {
				if err = json.Unmarshal(line, &value); err != nil {
					err = fmt.Errorf("read the node's answer: %w", err)
				}
			}
			if !yield(value, err) || err != nil {
				return
			}
		}
	}
}

// envelopePrefix begins the line of a stream that is an [api.Envelope]. No entry, place or other item
// begins with it.
const envelopePrefix = `{"error":`
