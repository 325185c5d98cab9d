package main

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
)

// TestWhatPasses: who waits for a daemon goes on waiting after each of its ends, and after nothing that
// waiting would not mend.
func TestWhatPasses(t *testing.T) {
	left := fmt.Errorf("tail: %w", api.ErrLeft)
	silent := fmt.Errorf("tail: %w", errors.Join(api.ErrLeft, api.ErrSilent))
	for _, c := range []struct {
		err    error
		passes bool
		told   int // how often it is told of, when it is met twice
	}{
		{left, true, 0}, // who looks for the next one says that there is none
		{&api.Error{Code: api.Stopping}, true, 0},
		{silent, true, 1},
		{&api.Error{Code: api.ReadOnly, Message: "a sync failed"}, true, 1},
		{&node.InUseError{Path: "quipu.db"}, true, 1},
		{nil, false, 1},
		{&api.Error{Code: api.Unhandled}, false, 1},
		{&api.Error{Code: api.Damaged}, false, 1},
		{&api.Error{Code: api.Busy}, false, 1},
		{errReaderLeft, false, 1},
	} {
		if got := passes(c.err); got != c.passes {
			t.Errorf("%v passes: %t", c.err, got)
		}
		if !c.passes {
			continue
		}
		var told []string
		o := outage{warn: func(text string) { told = append(told, text) }}
		o.met(c.err)
		o.met(c.err)
		if len(told) != c.told {
			t.Errorf("%v: told %q", c.err, told)
		}
		o.over()
		if o.tell("again"); !slices.Contains(told, "again") {
			t.Errorf("%v: nothing was told after it was over", c.err)
		}
	}
}
