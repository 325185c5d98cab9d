package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Progress says how far something is that takes long.
type Progress struct {
	Done uint64 `json:"done"`
	// Total is where it ends; 0 where that is not known.
	Total uint64 `json:"total"`
	// Unit is what is counted, in the plural: "entries", "ops", [Bytes].
	Unit string `json:"unit"`
}

// TellEvery is how often a client hears how far the answer to its call is.
const TellEvery = 250 * time.Millisecond

// Telling calls tell again and again, in one goroutine, until it returns false or end is called. End returns when tell is
// called no more.
func Telling(tell func() (goOn bool)) (end func()) {
	over := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		tick := time.NewTicker(TellEvery)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			if !tell() {
				return
			}
		}
	})
	return func() {
		close(over)
		telling.Wait()
	}
}

// Bytes is the Unit of a [Progress] that counts bytes.
const Bytes = "bytes"

// ProgressLine is a line of a stream that is no part of the answer: how far the node is with it.
type ProgressLine struct {
	Progress *Progress `json:"progress"`
}

// progressPrefix begins the line of a stream that is a [ProgressLine]. No other line begins with it.
const progressPrefix = `{"progress":`

// Progress reports whether a line says how far the node is, and how far.
func (l Line) Progress() (Progress, bool) {
	var told ProgressLine
	if !bytes.HasPrefix(l, []byte(progressPrefix)) || json.Unmarshal(l, &told) != nil || told.Progress == nil {
		return Progress{}, false
	}
	return *told.Progress, true
}

// watch makes a call with one JSON value as its body, none where it is nil, whose answer takes long: lines that say
// how far the node is, and one JSON value as the last. It calls told, unless that is nil, with each of those lines, and
// no more once it has returned.
func watch[T any](ctx context.Context, c *Client, what, path string, value any, told func(Progress)) (answer T, err error) {
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
