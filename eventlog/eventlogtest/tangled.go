package eventlogtest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Add appends n entries of a class to l, each with an id.
func Add(tb testing.TB, l *eventlog.Log, n int, class crdt.Retention) {
	tb.Helper()
	for i := range n {
		e := crdt.Event{Kind: "k", Subject: fmt.Sprint("s", i%3), ContentType: "text/plain", Payload: bytes.Repeat([]byte{byte('a' + i)}, 10+i), Retention: class}
		e.Headers = []crdt.EventHeader{{Name: eventlog.HeaderID, Value: fmt.Sprint(l.Author().Short(), "/", l.Feed(l.Author()).Next())}}
		if _, err := l.Append(tb.Context(), e); err != nil {
			tb.Fatalf("append: %v", err)
		}
	}
}

// Tangle brings to l a forked feed and one that its author has pruned, with entries of l's own before and behind them,
// of which some are trimmable; follows is called before l is trimmed. Its policy trims what is older than nothing, but
// for the last 3 of a feed.
func Tangle(tb testing.TB, l *eventlog.Log, follows func(tx *eventlog.Tx) error) {
	tb.Helper()
	one, two := OpenAs(tb, "forked"), OpenAs(tb, "forked")
	Add(tb, one, 3, crdt.Trimmable)
	Exchange(tb, one, l)
	Add(tb, l, 5, crdt.Trimmable)
	Add(tb, two, 4, crdt.Persistent)
	Exchange(tb, two, l)
	Add(tb, one, 2, crdt.Persistent)
	Exchange(tb, one, l)
	pruned := OpenAs(tb, "pruned")
	Add(tb, pruned, 6, crdt.Persistent)
	Exchange(tb, pruned, l)
	if _, err := pruned.Prune(tb.Context(), eventlog.PruneRequest{Keep: 2}); err != nil {
		tb.Fatalf("prune: %v", err)
	}
	Exchange(tb, pruned, l)
	Add(tb, l, 3, crdt.Persistent)
	if err := l.Update(tb.Context(), follows); err != nil {
		tb.Fatalf("follow: %v", err)
	}
	report, err := l.Trim(tb.Context(), eventlog.TrimOptions{})
	if err != nil || report.Trimmed.Ops == 0 || report.Pruned.Ops == 0 {
		tb.Fatalf("trim: %+v, %v", report, err)
	}
	Add(tb, l, 3, crdt.Persistent)
}
