package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strconv"
	"strings"

	"github.com/quipulog/quipu/node/api"
)

// What api.Query's Gone says: see there.
const (
	goneSkip = "skip"
	goneStop = "stop"
)

// Tail yields the entries that the query takes, in arrival order, and then new ones until ctx ends,
// which is an error. It begins at the query's offset; without one it yields new entries only.
//
// With Transient set in the query it also yields the transient events that are heard from then on, which
// [Line.Broadcast] parses, and before one of them a line that [Line.Missed] reads where some were missed.
//
// A tail of a client that [Dial] has made goes on by itself when its node was away, behind the last line that it has yielded:
// nothing is left out and nothing comes twice. Where what it had still to read is not there any more by then, that ends it
// with [api.ErrTrimmed], which says where to go on, even if the query skips what is gone; and so does a node whose arrivals
// are others. One with Transient set does not go on, since nobody knows what it would have heard.
func (c *Client) Tail(ctx context.Context, q api.Query) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		t := tailing{c: c, q: q, gone: q.Gone}
		for failures := 1; ; failures++ {
			t.began, t.some = false, false
			more, err := t.read(ctx, yield)
			if t.some {
				failures = 1
			}
			switch {
			case !more:
				return
			case errors.Is(err, errCaughtUp):
				err = t.goOn(false)
			case failures > c.retries || !t.goesOn(err):
			case !c.rest(ctx, failures, err):
				err = wrap("tail", context.Cause(ctx))
			default:
				err = t.goOn(t.met && (t.gone == "" || t.gone == goneSkip))
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// errCaughtUp ends a reading that was gone on with where it has come to what was there when it began.
var errCaughtUp = errors.New("caught up")

// tailing is a tail that goes on where it was.
type tailing struct {
	c      *Client
	q      api.Query // what is asked for
	gone   string    // what the caller's query says of what is gone
	cursor string    // the node's, without the number at its end; "" until it has told it
	next   uint64    // the offset behind what was yielded
	end    uint64    // where the log ended when this reading began
	last   []byte    // the last line that was yielded since next was known
	began  bool      // this reading has begun
	some   bool      // it has yielded a line
	met    bool      // something was yielded, or nothing was there when the tail began: what is gone now went meanwhile
	// careful says that this reading goes on with an earlier one: what is gone from between the two ends it.
	careful bool
}

// head takes what the node says of a reading.
func (t *tailing) head(h http.Header) {
	t.began = true
	at := h.Get(api.CursorHeader)
	dot := strings.LastIndexByte(at, '.')
	next, err := strconv.ParseUint(at[dot+1:], 10, 64)
	end, endErr := strconv.ParseUint(h.Get(api.EndHeader), 10, 64)
	if err != nil || endErr != nil || dot < 0 {
		t.cursor = "" // it cannot be gone on with
		return
	}
	t.cursor, t.next, t.end = at[:dot+1], next, end
	t.met = t.met || next >= end
}

// read yields what the node tells until that ends, and returns why, or that the caller wants no more.
func (t *tailing) read(ctx context.Context, yield func(Line, error) bool) (more bool, err error) {
	for line, err := range t.c.streamed(ctx, "tail", http.MethodGet, "/v1/tail?"+t.q.Values().Encode(), nil, t.head) {
		switch {
		case err == nil:
		case t.careful && t.next >= t.end && errors.Is(err, api.ErrTrimmed):
			return true, errCaughtUp // it came, or went, behind what had to be told
		default:
			return true, err
		}
		t.some, t.met = true, true
		t.last = append(t.last[:0], line...)
		if !yield(line, nil) {
			return false, nil
		}
		if t.q.Limit > 0 {
			if t.q.Limit--; t.q.Limit == 0 {
				return false, nil
			}
		}
		if !t.careful {
			continue
		}
		if err := t.reach(); err != nil {
			return true, err
		}
		if t.next >= t.end {
			return true, errCaughtUp
		}
	}
	return false, nil
}

// reach takes the offset behind the last line.
func (t *tailing) reach() error {
	if len(t.last) == 0 {
		return nil
	}
	e, offset, err := Line(t.last).Entry()
	if err != nil || offset == nil {
		return errors.Join(errors.New("read the node's answer: a line of a tail is no entry with an offset"), err)
	}
	t.next, t.last = *offset+max(1, e.Gone), t.last[:0]
	return nil
}

// goOn makes the next reading one behind what was yielded. What is gone ends it where it is to be careful, and is what the
// caller's query says anywhere else.
func (t *tailing) goOn(careful bool) error {
	if err := t.reach(); err != nil {
		return err
	}
	t.q.Offset, t.q.After, t.q.Gone = nil, t.cursor+strconv.FormatUint(t.next, 10), t.gone
	if t.careful = careful; careful {
		t.q.Gone = goneStop
	}
	return nil
}

// goesOn reports whether a reading that has ended so may be gone on with.
func (t *tailing) goesOn(err error) bool {
	return t.began && t.cursor != "" && !t.q.Transient && passes(err, true)
}
