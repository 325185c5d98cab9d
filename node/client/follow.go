package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/node/api"
)

// batchPrefix begins the line of a stream that is a [api.BatchEnd]. No other line begins with it.
const batchPrefix = `{"batch":`

// maxReply bounds the text of the error in a reply or a nack, in bytes.
const maxReply = 4 << 10

// Follow gives the handler the entries that the request takes, in arrival order, batch by batch, from the
// place that the follower of that name had reached, and new ones as they come, until ctx ends, which is
// an error. The node keeps the follower's cursor, and moves it once the handler has returned nil: a batch
// whose handler was cut off comes again. An error of the handler moves nothing; the request says what
// then, and an [api.Error] with the code [api.Unhandled] ends the call where it is to stop.
//
// With Once in the request it returns nil when all is handled that was there when it began.
func (c *Client) Follow(ctx context.Context, r api.FollowRequest, handler func(ctx context.Context, b api.Batch) error) error {
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
	for line, err := range c.stream(ctx, "follow", http.MethodPost, followerPath("follow", r.Name, nil), body) {
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(line, []byte(batchPrefix)) {
			lines = append(append(lines, line...), '\n')
			continue
		}
		var end api.BatchEnd
		if err := json.Unmarshal(line, &end); err != nil {
			return fmt.Errorf("follow: read the node's answer: %w", err)
		}
		failed := handler(ctx, api.Batch{Lines: lines, Entries: end.Batch.Entries, After: end.Batch.After})
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

// reasonOf returns what the node is told of why a handler has failed.
func reasonOf(failed error) string {
	return cmp.Or(clip.Start(strings.ToValidUTF8(failed.Error(), "?"), maxReply), "failed without a word")
}

// reply sends what became of the batch that ends with the cursor after.
func reply(w io.Writer, after string, failed error) error {
	r := api.BatchReply{After: after}
	if failed != nil {
		r.Error = reasonOf(failed)
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
