package server

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/node/api"
)

// What was held before an offset is found again, whatever has arrived since.
func TestHeldBefore(t *testing.T) {
	a, b, c := eventlogtest.OpenAs(t, "a"), eventlogtest.OpenAs(t, "b"), eventlogtest.OpenAs(t, "c")
	var offsets []uint64
	var frontiers []crdt.Frontier
	for i := range 4 {
		offsets, frontiers = append(offsets, a.Stats().Next), append(frontiers, a.Frontier())
		for j, l := range []*eventlog.Log{a, b, c}[:min(i+1, 3)] {
			for range i + 1 {
				if _, err := l.AppendBatch(t.Context(), make3(i, j)); err != nil {
					t.Fatal(err)
				}
			}
			if l != a {
				eventlogtest.Exchange(t, l, a)
			}
		}
	}
	offsets, frontiers = append(offsets, a.Stats().Next), append(frontiers, a.Frontier())
	for i, offset := range offsets {
		got, err := heldBefore(t.Context(), a, offset)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(frontiers[i], got); diff != "" {
			t.Errorf("before offset %d (-want +got):\n%s", offset, diff)
		}
	}
}

// TestHeldBeforeWhatIsGone: entries whose bodies were trimmed since were taken for such as had been there
// before, and a bundle left their ops out.
func TestHeldBeforeWhatIsGone(t *testing.T) {
	l := eventlogtest.Open(t)
	for range 6 {
		if _, err := l.Append(t.Context(), crdt.Event{Kind: "k", Retention: crdt.Trimmable}); err != nil {
			t.Fatal(err)
		}
	}
	policy := eventlog.TrimPolicy{MinAge: -1, MinCount: eventlog.NoCount}
	if r, err := l.Trim(t.Context(), eventlog.TrimOptions{Policy: &policy}); err != nil || r.Trimmed.Entries != 6 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got, err := heldBefore(t.Context(), l, 3); err != nil || len(got[l.Author()]) != 0 {
		t.Errorf("%v, %v: the ops from offset 3 on would be left out", got, err)
	}
	if got, err := heldBefore(t.Context(), l, 6); err != nil || !cmp.Equal(got, l.Frontier()) {
		t.Errorf("%v, %v: nothing has arrived since", got, err)
	}
}

func make3(i, j int) []crdt.Event {
	events := make([]crdt.Event, 3)
	for n := range events {
		events[n] = crdt.Event{Kind: "k", Payload: fmt.Appendf(nil, "[%d,%d,%d]", i, j, n)}
	}
	return events
}

// However much there is to say, a trailer has room for it.
func TestTrailer(t *testing.T) {
	s := bundle.Summary{Unknown: make([]crdt.Author, 500)}
	for range 500 {
		s.Left = append(s.Left, bundle.Lack{Reason: strings.Repeat("\x01ü", 500)})
	}
	for name, end := range map[string]api.BundleEnd{
		"much": {Summary: &s}, "little": {Summary: &bundle.Summary{}}, "error": {Error: problem(errors.New(strings.Repeat("\x01", 9999)))},
	} {
		if text := trailer(end); len(text) > maxTrailer {
			t.Errorf("%s: %d bytes", name, len(text))
		}
	}
	if end := shorten(api.BundleEnd{Summary: &s}, 16, 512); end.Unknown != 484 || end.Left != 484 || len(s.Left) != 500 {
		t.Errorf("%d and %d left out", end.Unknown, end.Left)
	}
}
