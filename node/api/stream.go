package api

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
)

// MaxLine bounds a line of a stream, in bytes, its end not counted: an entry whose payload is all
// characters that JSON writes as six has room, and then some.
const MaxLine = 8 << 20

// Line is an item of a stream as the node wrote it: one JSON value without white space between its
// parts. It is valid until the iteration goes on.
type Line []byte

// Entry parses a line of [Client.Entries] or [Client.Tail]. The offset is nil when the line has none.
func (l Line) Entry() (e crdt.Entry, offset *uint64, err error) { return crdt.ParseEntryJSON(l) }

// Append appends the events that lines holds, one JSON form a line, and yields the place of each, in
// order, once it is durable. It reads from lines while it yields. It ends with an [Error] that names
// the line at the first one that cannot be appended; those before it are durable and were yielded.
//
// Lines is read until it ends or the iteration does; a Read that waits then is left behind.
func (c *Client) Append(ctx context.Context, lines io.Reader) iter.Seq2[crdt.Place, error] {
	return c.places(ctx, "append", "/v1/entries", lines)
}

// Transition appends the transitions that lines holds, one [Move] a line; see [Client.Append].
func (c *Client) Transition(ctx context.Context, lines io.Reader) iter.Seq2[crdt.Place, error] {
	return c.places(ctx, "transition", "/v1/transitions", lines)
}

// GuardedTransition is [Client.Transition] for moves that a machine has to allow: it ends with an [Error]
// of code [Refused] at the first one that it does not. Whether it does is looked at in the transaction that
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
		decoded[crdt.Place](c.stream(ctx, what, http.MethodPost, path+c.wait.query(), body))(yield)
	}
}

// Entries yields the entries that the query takes. The node's snapshot is taken when it starts.
func (c *Client) Entries(ctx context.Context, q Query) iter.Seq2[Line, error] {
	return c.stream(ctx, "read entries", http.MethodGet, "/v1/entries?"+q.Values().Encode(), nil)
}

// Entry returns the entry at p. It returns [ErrNotFound] when none stands there, and [ErrTrimmed] when it is
// gone.
func (c *Client) Entry(ctx context.Context, p crdt.Place) (Line, error) {
	line, err := get[json.RawMessage](ctx, c, "look up", "/v1/entries/"+url.PathEscape(p.String()))
	return Line(line), err
}

// Tail yields the entries that the query takes, in arrival order, and then new ones until ctx ends,
// which is an error. It begins at the query's offset; without one it yields new entries only.
//
// With Transient set in the query it also yields the transient events that are heard from then on, which
// [Line.Broadcast] parses, and before one of them a line that [Line.Missed] reads where some were missed.
func (c *Client) Tail(ctx context.Context, q Query) iter.Seq2[Line, error] {
	return c.stream(ctx, "tail", http.MethodGet, "/v1/tail?"+q.Values().Encode(), nil)
}

// Transitions yields the transition log in causal order: all of it, or that of the given subjects.
func (c *Client) Transitions(ctx context.Context, subjects ...string) iter.Seq2[Transition, error] {
	q := Query{Subjects: subjects}
	return decoded[Transition](c.stream(ctx, "read transitions", http.MethodGet, "/v1/transitions?"+q.Values().Encode(), nil))
}

// stream makes a call whose answer is a stream of lines.
func (c *Client) stream(ctx context.Context, what, method, path string, body io.Reader) iter.Seq2[Line, error] {
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
			case errors.Is(err, bufio.ErrBufferFull) && len(long) < 2*MaxLine:
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
	var last Envelope
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
