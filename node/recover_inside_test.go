package node

import (
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// TestProgressIsToldAtIntervals: the log says how far a node has come each 30 s, where that has changed, and begins anew
// with each state. What is over in seconds is not told.
func TestProgressIsToldAtIntervals(t *testing.T) {
	asked := func(n byte) *api.Recovery {
		return &api.Recovery{Why: "copied", Asking: true, Asked: []api.Named{{Author: crdt.Author{n}}}}
	}
	var p progress
	var told []string
	began := time.Now()
	for _, look := range []struct {
		after time.Duration
		r     *api.Recovery
	}{
		{0, asked(1)}, {29 * time.Second, asked(1)}, {30 * time.Second, asked(1)}, {59 * time.Second, asked(2)},
		{60 * time.Second, asked(1)}, {90 * time.Second, asked(2)}, {91 * time.Second, nil},
		{150 * time.Second, asked(3)}, {180 * time.Second, asked(2)},
		{181 * time.Second, nil}, {200 * time.Second, &api.Recovery{Why: "moved", Asking: true}}, {300 * time.Second, &api.Recovery{Why: "moved", Asking: true}},
	} {
		if how := p.tell(look.r, began.Add(look.after)); how != "" {
			told = append(told, look.after.String()+" "+how)
		}
	}
	if want := []string{"30s asked: 01000000", "1m30s asked: 02000000", "3m0s asked: 02000000"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
