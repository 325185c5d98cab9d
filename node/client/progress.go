package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/quipulog/quipu/node/api"
)

// progressPrefix begins the line of a stream that is a [api.ProgressLine]. No other line begins with it.
const progressPrefix = `{"progress":`

// Progress reports whether a line says how far the node is, and how far.
func (l Line) Progress() (api.Progress, bool) {
	var told api.ProgressLine
	if !bytes.HasPrefix(l, []byte(progressPrefix)) || json.Unmarshal(l, &told) != nil || told.Progress == nil {
		return api.Progress{}, false
	}
	return *told.Progress, true
}

// watch makes a call with one JSON value as its body, none where it is nil, whose answer takes long: lines that say
// how far the node is, and one JSON value as the last. It calls told, unless that is nil, with each of those lines, and
// no more once it has returned.
func watch[T any](ctx context.Context, c *Client, what, path string, value any, told func(api.Progress)) (answer T, err error) {
	var body io.Reader
	if value != nil {
		b, err := json.Marshal(value)
		if err != nil {
			return answer, wrap(what, err)
		}
		body = bytes.NewReader(b)
	}
	answered := false
	for line, err := range c.stream(ctx, what, http.MethodPost, path, body) {
		if err != nil {
			return answer, err
		}
		if p, ok := line.Progress(); ok {
			if told != nil {
				told(p)
			}
			continue
		}
		if answered = true; json.Unmarshal(line, &answer) != nil {
			return answer, fmt.Errorf("%s: read the node's answer: %.100q is neither progress nor what was asked for", what, line)
		}
	}
	if !answered {
		return answer, wrap(what, cutOff(ctx, io.ErrUnexpectedEOF))
	}
	return answer, nil
}
