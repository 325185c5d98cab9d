package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
)

// FollowRequest says which follower a client is, what it takes and how.
type FollowRequest struct {
	// Name is that under which the node keeps the follower's cursor.
	Name string `json:"name"`
	// Kinds, Modules, Subjects and Authors each take the entries that have one of the values; an empty
	// one takes all.
	Kinds    []string      `json:"kinds,omitempty"`
	Modules  []string      `json:"modules,omitempty"`
	Subjects []string      `json:"subjects,omitempty"`
	Authors  []crdt.Author `json:"authors,omitempty"`
	// FromNow gives a follower that has no cursor yet new entries only; else it begins with the first.
	FromNow bool `json:"fromNow,omitempty"`
	// Once ends the call when all is handled that was there when it began.
	Once bool `json:"once,omitempty"`
	// Parked gives the handler what the follower has parked, an entry at a time, and ends the call. What it
	// handles is parked no more. Nothing else of the request counts then but the name.
	Parked bool `json:"parked,omitempty"`
	// MaxEntries bounds the entries of a batch, 1,024 unless it is set.
	MaxEntries int `json:"maxEntries,omitempty"`
	// Retry has a batch come again, after a pause that grows, when the handler has failed; else that ends
	// the call. ParkAfter, beside it, parks the entry that fails after so many attempts.
	Retry     bool `json:"retry,omitempty"`
	ParkAfter int  `json:"parkAfter,omitempty"`
	// SkipTrimmed goes on behind entries that are gone, and counts them, instead of ending the call.
	SkipTrimmed bool `json:"skipTrimmed,omitempty"`
	// DoesNotHold lets entries be trimmed that were not handled.
	DoesNotHold bool `json:"doesNotHold,omitempty"`
}

// Batch is what a follower is given at once.
type Batch struct {
	// Lines are the entries, one JSON form a line. They are valid until the handler returns.
	Lines []byte
	// Entries is how many they are.
	Entries int
	// After is the text form of the cursor behind them.
	After string
}

// BatchEnd is the line that ends a batch.
type BatchEnd struct {
	Batch BatchSum `json:"batch"`
}

// BatchSum says what stood before it, see [Batch].
type BatchSum struct {
	Entries int    `json:"entries"`
	After   string `json:"after"`
}

// batchPrefix begins the line of a stream that is a [BatchEnd]. No other line begins with it.
const batchPrefix = `{"batch":`

// BatchReply is a follower's answer to a batch.
type BatchReply struct {
	// After says which batch it is: what stands in the line that ended that.
	After string `json:"after"`
	// Error is why it was not handled; empty when it was.
	Error string `json:"error,omitempty"`
}

// maxReply bounds the text of the error in a reply, in bytes.
const maxReply = 4 << 10

// Follow gives the handler the entries that the request takes, in arrival order, batch by batch, from the
// place that the follower of that name had reached, and new ones as they come, until ctx ends, which is
// an error. The node keeps the follower's cursor, and moves it once the handler has returned nil: a batch
// whose handler was cut off comes again. An error of the handler moves nothing; the request says what
// then, and an [Error] with the code [Unhandled] ends the call where it is to stop.
//
// With Once in the request it returns nil when all is handled that was there when it began.
func (c *Client) Follow(ctx context.Context, r FollowRequest, handler func(ctx context.Context, b Batch) error) error {
	first, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	replies, into := io.Pipe()
	defer into.Close()
	body := struct {
		io.Reader
		io.Closer // without it a reply would wait for a connection that has ended
	}{io.MultiReader(bytes.NewReader(append(first, '\n')), replies), replies}
	var lines []byte
	for line, err := range c.stream(ctx, "follow", http.MethodPost, "/v1/follow", body) {
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(line, []byte(batchPrefix)) {
			lines = append(append(lines, line...), '\n')
			continue
		}
		var end BatchEnd
		if err := json.Unmarshal(line, &end); err != nil {
			return fmt.Errorf("follow: read the node's answer: %w", err)
		}
		failed := handler(ctx, Batch{Lines: lines, Entries: end.Batch.Entries, After: end.Batch.After})
		if ctx.Err() != nil {
			return context.Cause(ctx) // an unanswered batch comes again
		}
		if err := reply(into, end.Batch.After, failed); err != nil {
			return wrap("follow", cutOff(ctx, err))
		}
		lines = lines[:0]
	}
	return nil
}

// reply sends what became of the batch that ends with the cursor after.
func reply(w io.Writer, after string, failed error) error {
	r := BatchReply{After: after}
	if failed != nil {
		r.Error = clip.Start(strings.ToValidUTF8(failed.Error(), "?"), maxReply)
		r.Error = cmp.Or(r.Error, "failed without a word")
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// ReadFollowRequest reads the first line that a follower sends.
func ReadFollowRequest(line []byte) (r FollowRequest, err error) {
	if err = Decode(line, &r); err != nil {
		return r, fmt.Errorf("request to follow: %w", err)
	}
	return r, nil
}

// ReadBatchReply reads a line that a follower sends after the first.
func ReadBatchReply(line []byte) (r BatchReply, err error) {
	if err = Decode(line, &r); err != nil {
		return r, fmt.Errorf("reply to a batch: %w", err)
	}
	return r, nil
}
