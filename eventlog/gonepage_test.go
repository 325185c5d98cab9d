package eventlog_test

import (
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// TestPagesShowTheRestOfAnOpThatIsGone trims the op in the middle of which a page has ended: the next page
// shows what is gone of the rest, neither less nor more.
func TestPagesShowTheRestOfAnOpThatIsGone(t *testing.T) {
	for i := range 6 {
		k := newKeeper(t, "keeper")
		events := slices.Repeat([]crdt.Event{{Kind: "note", Retention: crdt.Trimmable}}, 5)
		if _, err := k.AppendBatch(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		q := eventlog.Query{Order: eventlog.Order(i / 2), Reverse: i%2 == 1, Gone: eventlog.ShowGone, Limit: 2}
		entries, page, err := k.Page(t.Context(), q)
		if err != nil || len(entries) != 2 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		k.now = k.now.Add(2 * time.Hour)
		k.trim(eventlog.TrimOptions{Policy: &eventlog.TrimPolicy{MinAge: time.Hour, MinCount: eventlog.NoCount}})
		q.Page = page
		rest, next, err := k.Page(t.Context(), q)
		if err != nil || next != "" || len(rest) != 1 {
			t.Errorf("%s reverse %t: %d entries and page %q, %v", q.Order, q.Reverse, len(rest), next, err)
			continue
		}
		want := eventlog.Entry{Entry: crdt.Entry{Seq: 2, Gone: 3}, Offset: 2}
		if q.Reverse {
			want = eventlog.Entry{Entry: crdt.Entry{Gone: 3}}
		}
		if e := rest[0]; e.Seq != want.Seq || e.Gone != want.Gone || e.Offset != want.Offset {
			t.Errorf("%s reverse %t: %d entries are gone from %d on, at offset %d", q.Order, q.Reverse, e.Gone, e.Seq, e.Offset)
		}
	}
}
