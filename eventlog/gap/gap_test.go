package gap_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// entryOf returns the entry that a gap's payload stands in.
func entryOf(payload string) eventlog.Entry {
	return eventlog.Entry{Entry: crdt.Entry{Event: crdt.Event{Kind: gap.Kind, Module: "till", Payload: []byte(payload)}}}
}

// The payload's form is final: these bytes never change.
func TestPayloadBytes(t *testing.T) {
	for _, test := range []struct {
		gap  gap.Gap
		want string
	}{
		{gap.Gap{Source: "till", Count: 1}, `{"count":1}`},
		{
			gap.Gap{
				Source: "till", Reason: `full: <>&"`, Count: 3, First: 4, Last: 6, From: noon, Until: noon.Add(1500 * time.Millisecond),
				Kinds: []gap.KindCount{{Kind: "returned", Count: 1}, {Kind: "sold", Count: 2}}, AtMost: true,
			},
			`{"reason":"full: <>&\"","count":3,"first":4,"last":6,"from":"2026-01-02T12:00:00.000000000Z",` +
				`"until":"2026-01-02T12:00:01.500000000Z","kinds":[{"kind":"returned","count":1},{"kind":"sold","count":2}],"atMost":true}`,
		},
	} {
		e, err := test.gap.Event()
		if err != nil {
			t.Fatal(err)
		}
		if string(e.Payload) != test.want || e.Kind != gap.Kind || e.Module != "till" || !e.Time.Equal(test.gap.Until) {
			t.Errorf("got  %+v\n%s\nwant %s", e, e.Payload, test.want)
		}
		back, err := gap.Parse(entryOf(test.want))
		if diff := cmp.Diff(test.gap, back); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", test.want, err, diff)
		}
	}
}

func TestGapsThatCannotBeAppended(t *testing.T) {
	many := make([]gap.KindCount, gap.MaxKinds+1)
	for i := range many {
		many[i] = gap.KindCount{Kind: fmt.Sprintf("k%03d", i), Count: 1}
	}
	for name, g := range map[string]gap.Gap{
		"empty":             {},
		"no source":         {Count: 1},
		"long source":       {Source: strings.Repeat("a", 256), Count: 1},
		"not UTF-8":         {Source: "\xff", Count: 1},
		"reason":            {Source: "a", Count: 1, Reason: "\xff"},
		"long reason":       {Source: "a", Count: 1, Reason: strings.Repeat("a", gap.MaxReason+1)},
		"none":              {Source: "a"},
		"more than numbers": {Source: "a", Count: 4, First: 4, Last: 6},
		"no first":          {Source: "a", Count: 1, Last: 6},
		"backward":          {Source: "a", Count: 1, First: 6, Last: 4},
		"great count":       {Source: "a", Count: math.MaxUint64},
		"great number":      {Source: "a", Count: 1, First: 1, Last: gap.MaxNumber},
		"one time":          {Source: "a", Count: 1, From: noon},
		"time of no entry":  {Source: "a", Count: 1, From: noon.AddDate(-500, 0, 0), Until: noon},
		"times backward":    {Source: "a", Count: 1, From: noon.Add(1), Until: noon},
		"empty kind":        {Source: "a", Count: 1, Kinds: []gap.KindCount{{Count: 1}}},
		"kind of none":      {Source: "a", Count: 1, Kinds: []gap.KindCount{{Kind: "k"}}},
		"kind twice":        {Source: "a", Count: 2, Kinds: []gap.KindCount{{Kind: "k", Count: 1}, {Kind: "k", Count: 1}}},
		"kinds are more":    {Source: "a", Count: 2, Kinds: []gap.KindCount{{Kind: "k", Count: 2}, {Kind: "l", Count: 1}}},
		"kinds overflow":    {Source: "a", Count: 2, Kinds: []gap.KindCount{{Kind: "k", Count: 2}, {Kind: "l", Count: math.MaxUint64}}},
		"many kinds":        {Source: "a", Count: 1000, Kinds: many},
	} {
		if _, err := g.Event(); !errors.Is(err, gap.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEntriesThatAreNoGap(t *testing.T) {
	for _, text := range []string{
		``, `null`, `[]`, `"x"`, `{`, `{}`, `{"count":0}`, `{"count":-1}`, `{"count":1.5}`, `{"count":"1"}`, `{"count":1}x`,
		`{"count":1,"from":"noon","until":"noon"}`, `{"count":1,"from":"2026-01-02T12:00:00.000000000Z"}`,
		`{"count":1,"from":"0001-01-01T00:00:00.000000000Z","until":"0001-01-01T00:00:00.000000000Z"}`,
		`{"count":1,"until":"x"}`, `{"count":3,"first":4,"last":5}`, `{"count":1,"kinds":[{}]}`,
		"{\"count\":1,\"reason\":\"\xff\"}", `{"count":18446744073709551616}`, strings.Repeat("[", 100_000),
		`{"count":1000,"kinds":[` + strings.Repeat(`{"kind":"a","count":1},`, 999) + `{"kind":"b","count":1}]}`,
		`{"count":1,"x":"` + strings.Repeat("a", 600<<10) + `"}`,
	} {
		if g, err := gap.Parse(entryOf(text)); !errors.Is(err, gap.ErrInvalid) {
			t.Errorf("%.60s: %v, read as %+v", text, err, g)
		}
	}
	for _, e := range []crdt.Event{
		{Kind: "sold", Module: "till", Payload: []byte(`{"count":1}`)},
		{Kind: gap.Kind, Payload: []byte(`{"count":1}`)},
		{Kind: gap.Kind, Module: "till", Payload: []byte(`{"count":1}`), ContentType: "text/plain"},
	} {
		if g, err := gap.Parse(eventlog.Entry{Entry: crdt.Entry{Event: e}}); !errors.Is(err, gap.ErrInvalid) {
			t.Errorf("%+v: %v, read as %+v", e, err, g)
		}
	}
	if _, err := gap.Parse(entryOf(`{"count":1,"later":{"x":[1]}}`)); err != nil {
		t.Errorf("a field of a later version: %v", err)
	}
}

// What is added up is always a gap, which says the numbers, the times and the kinds of what was added.
func TestAddedUpGapsAreValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := gap.Gap{Source: "till"}
		kinds := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("k", rapid.IntRange(0, 400).Draw(t, "kind")) }), 1, 600).Draw(t, "kinds")
		number, listed := uint64(rapid.IntRange(1, 10).Draw(t, "first")), make(map[string]uint64)
		first := number
		for i, kind := range kinds {
			if kind == "k0" {
				g.AddRange(number, number+2)
				number += 3
				continue
			}
			g.Add(number, kind, noon.Add(time.Duration(i%7)*time.Second))
			number++
			if listed[kind] > 0 || len(listed) < gap.MaxKinds {
				listed[kind]++
			}
		}
		if g.First != first || g.Last != number-1 || g.Count != number-first {
			t.Fatalf("numbers %d to %d: %s", first, number-1, &g)
		}
		for _, k := range g.Kinds {
			if listed[k.Kind] != k.Count {
				t.Fatalf("%s: %d, want %d", k.Kind, k.Count, listed[k.Kind])
			}
		}
		if len(listed) != len(g.Kinds) {
			t.Fatalf("%d kinds, want %d", len(g.Kinds), len(listed))
		}
		e, err := g.Event()
		if err != nil {
			t.Fatal(err)
		}
		back, err := gap.Parse(entryOf(string(e.Payload)))
		if diff := cmp.Diff(g, back); diff != "" || err != nil {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
	})
}

func TestGapStandsInTheLogWhereItWasAppended(t *testing.T) {
	l := eventlogtest.Open(t)
	want := gap.Gap{Source: "till", Reason: "queue full", Count: 2, First: 4, Last: 5}
	if err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		if _, err := gap.AppendTx(tx, gap.Gap{}); !errors.Is(err, gap.ErrInvalid) {
			t.Errorf("an empty gap: %v", err)
		}
		if _, err := gap.AppendTx(tx, want); err != nil {
			return err
		}
		_, err := tx.Append(crdt.Event{Kind: "sold", Subject: "6"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	e, err := l.Lookup(t.Context(), crdt.Place{Author: l.Author()})
	if err != nil {
		t.Fatal(err)
	}
	got, err := gap.Parse(e)
	if diff := cmp.Diff(want, got); diff != "" || err != nil || e.Retention != crdt.Persistent {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got.String() != "till lost 2, 4 to 5: queue full" {
		t.Error(got.String())
	}
	if _, err := l.Append(t.Context(), e.Event); !errors.Is(err, eventlog.ErrReserved) {
		t.Errorf("anybody can append a gap: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"reason":"full","count":3,"first":4,"last":6,"from":"2026-01-02T12:00:00.000000000Z","until":"2026-01-02T12:00:00.000000000Z","kinds":[{"kind":"a","count":1}],"atMost":true}`))
	f.Add([]byte(`{"count":1,"x":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := gap.Parse(entryOf(string(b)))
		if err != nil {
			return
		}
		e, err := g.Event()
		if err != nil {
			t.Fatalf("%q was read and cannot be appended: %v", b, err)
		}
		again, err := gap.Parse(entryOf(string(e.Payload)))
		if diff := cmp.Diff(g, again); diff != "" || err != nil {
			t.Fatalf("%q: %v (-want +got):\n%s", b, err, diff)
		}
	})
}
