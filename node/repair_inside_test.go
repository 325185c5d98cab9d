package node

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
)

// TestWhatASalvageHasNotFoundIsMissing: what a log knows nothing of, since the end of a feed is lost with it, is named until
// the feed is as long again.
func TestWhatASalvageHasNotFoundIsMissing(t *testing.T) {
	l := eventlogtest.Open(t)
	for range 3 {
		if _, err := l.Append(t.Context(), crdt.Event{Kind: "k"}); err != nil {
			t.Fatal(err)
		}
	}
	own, other := l.Author(), crdt.AuthorOf(eventlogtest.Key("other"))
	r := repairing{log: l}
	got, err := r.lacking(t.Context(), []api.Hole{holeOf(own, 0, 3), holeOf(own, 1, 5), holeOf(own, 7, 8), holeOf(other, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	want := []crdt.Span{{Author: own, From: 3, Upto: 5}, {Author: own, From: 7, Upto: 8}}
	if theirs := (crdt.Span{Author: other, Upto: 2}); string(own[:]) < string(other[:]) {
		want = append(want, theirs)
	} else {
		want = append([]crdt.Span{theirs}, want...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}
