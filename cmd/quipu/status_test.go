package main

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// TestCaughtUpIsWhatTheNodeSays: the line for people says yes exactly where the node has said when. Of the
// conditions, only the clock stands beside that.
func TestCaughtUpIsWhatTheNodeSays(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	clock, stuck := []api.Condition{{Condition: "clock"}}, []api.Condition{{Condition: "stuck"}}
	for want, s := range map[string]api.Status{
		"yes, first at 2026-11-29T12:00:00Z":         {CaughtUp: at, Linked: 1, Conditions: clock, Behind: &api.Behind{}},
		"yes: no other node is known":                {CaughtUp: at, Alone: true, Behind: &api.Behind{}},
		"not well: see below":                        {Linked: 1, Conditions: stuck, Behind: &api.Behind{}},
		"not known: no member is linked":             {Behind: &api.Behind{}},
		"not yet":                                    {Linked: 1, Behind: &api.Behind{}},
		"no: behind by 3 entries of 1 author":        {CaughtUp: at, Linked: 1, Behind: &api.Behind{Entries: 3, Authors: 1}},
		"no: behind by at least 1 entry of 1 author": {Linked: 1, Conditions: stuck, Behind: &api.Behind{Entries: 1, Authors: 1, AtLeast: true}},
	} {
		if got := caughtUpLine(s); got != want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
}
