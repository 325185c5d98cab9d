package server_test

import (
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// TestStats: what a query takes is counted by kind, module and author, the name with most entries first.
func TestStats(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		if made, err := c.Stats(t.Context(), api.Query{}); err != nil || made.Entries != 0 || made.First != nil || made.Kinds.Names == nil {
			t.Errorf("of an empty log: %+v, %v", made, err)
		}
		for _, kind := range []string{"a", "b", "b", "c"} {
			if _, err := log.Append(t.Context(), crdt.Event{Kind: kind, Module: "m"}); err != nil {
				t.Fatal(err)
			}
		}
		made, err := c.Stats(t.Context(), api.Query{Kinds: []string{"a", "b"}, Order: "causal", GoOn: true})
		if err != nil || made.Entries != 3 || made.First == nil || made.Last.Before(*made.First) {
			t.Fatalf("%+v, %v", made, err)
		}
		if k := made.Kinds.Names; len(k) != 2 || k[0] != (api.Count{Name: "b", Entries: 2}) || k[1] != (api.Count{Name: "a", Entries: 1}) {
			t.Errorf("kinds %v", k)
		}
		if a := made.Authors.Names; len(a) != 1 || a[0] != (api.Count{Name: log.Author().String(), Entries: 3}) {
			t.Errorf("authors %v", a)
		}
		if made, err = c.Stats(t.Context(), api.Query{Limit: 1}); err != nil || made.Entries != 1 {
			t.Errorf("with a limit: %+v, %v", made, err)
		}
	})
}
