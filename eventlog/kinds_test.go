package eventlog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestKindsWithAStar: one kind in a query may stand for all that begin alike, beside whole ones, with an index
// and without; a tail takes those that come later.
func TestKindsWithAStar(t *testing.T) {
	l := eventlogtest.Open(t)
	for _, kind := range []string{"order.paid", "order", "order.", "orders.paid", "order.shipped.late", "note", "order.*"} {
		if _, err := l.Append(t.Context(), crdt.Event{Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	kinds := func(q eventlog.Query) (got []string) {
		for e, err := range l.Entries(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Kind)
		}
		return got
	}
	for range 2 {
		for _, test := range []struct{ asked, want []string }{
			{[]string{"order.*"}, []string{"order.paid", "order.", "order.shipped.late", "order.*"}},
			{[]string{"note", "order.shipped.*"}, []string{"order.shipped.late", "note"}},
			{[]string{"orders*"}, nil},
		} {
			if diff := cmp.Diff(test.want, kinds(eventlog.Query{Kinds: test.asked})); diff != "" {
				t.Errorf("%q (-want +got):\n%s", test.asked, diff)
			}
		}
		if err := l.CatchUpIndex(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
