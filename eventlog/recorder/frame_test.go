package recorder

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
)

// An event comes out of a spill file as it went in.
func TestAFrameKeepsTheEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := crdt.Event{
			Kind: rapid.StringN(1, -1, 200).Draw(t, "kind"), Module: rapid.StringN(0, -1, 200).Draw(t, "module"),
			Subject: rapid.StringN(0, -1, 200).Draw(t, "subject"), Time: time.Unix(0, rapid.Int64().Draw(t, "time")).UTC(),
			ContentType: rapid.SampledFrom([]string{"", "a/b"}).Draw(t, "type"),
			Payload:     []byte(rapid.SampledFrom([]string{"", "{}", ` { "a" : 1 } `, `"<&>"`, "null"}).Draw(t, "payload")),
			Retention:   rapid.SampledFrom([]crdt.Retention{crdt.Persistent, crdt.Trimmable}).Draw(t, "retention"),
		}
		if rapid.Bool().Draw(t, "bytes") {
			e.ContentType, e.Payload = "a/b", rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		}
		if rapid.Bool().Draw(t, "header") {
			e.Headers = []crdt.EventHeader{{Name: rapid.StringN(1, -1, 20).Draw(t, "name"), Value: rapid.String().Draw(t, "value")}}
		}
		if check(&e) != nil {
			t.Skip("no event")
		}
		number := rapid.Uint64Range(1, 1<<52).Draw(t, "number")
		b, err := appendFrame(nil, &item{number: number, event: e})
		if err != nil {
			t.Fatal(err)
		}
		frames := frameReader{r: bytes.NewReader(b)}
		got, err := frames.nextItem()
		if err != nil || got.number != number || got.lost != nil || frames.read != int64(len(b)) {
			t.Fatalf("%+v, %v", got, err)
		}
		if diff := cmp.Diff(e, got.event, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("event (-want +got):\n%s", diff)
		}
	})
}

func TestSpans(t *testing.T) {
	for _, tt := range []struct {
		x      span
		others spans
		want   spans
	}{
		{span{1, 9}, nil, spans{{1, 9}}},
		{span{1, 9}, spans{{1, 9}}, nil},
		{span{3, 9}, spans{{1, 3}, {5, 5}, {8, 12}}, spans{{4, 4}, {6, 7}}},
		{span{3, 4}, spans{{1, 2}, {5, 9}}, spans{{3, 4}}},
		{span{3, 4}, spans{{3, 3}}, spans{{4, 4}}},
	} {
		if diff := cmp.Diff(tt.want, tt.x.without(tt.others)); diff != "" {
			t.Errorf("%v without %v (-want +got):\n%s", tt.x, tt.others, diff)
		}
	}
	s := spans(nil).add(span{2, 3}).add(span{4, 6}).add(span{9, 9})
	if diff := cmp.Diff(spans{{2, 6}, {9, 9}}, s); diff != "" || s.last() != 9 {
		t.Errorf("added (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(spans{{5, 6}, {9, 9}}, s.above(4)); diff != "" {
		t.Errorf("above 4 (-want +got):\n%s", diff)
	}
}
