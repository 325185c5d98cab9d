package eventlog

import (
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// TestALeaveOutlivesItsCommit: the header that gave leave is kept with the feed, in memory that no later commit writes to.
func TestALeaveOutlivesItsCommit(t *testing.T) {
	l := newForgetful(t, 0, 0)
	if _, err := l.Prune(t.Context(), PruneRequest{Below: 30}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := l.Append(t.Context(), crdt.Event{Kind: "later", Subject: "with other bytes"}); err != nil {
			t.Fatal(err)
		}
	}
	leave := l.Feed(l.Author()).Leave
	signed, err := crdt.ParseSigned(leave.Bytes())
	if err != nil || signed.ID != leave.ID || signed.Verify() != nil || signed.Floor != 30 {
		t.Errorf("the leave is of floor %d, %v, verified: %v", signed.Floor, err, signed.Verify())
	}
}
