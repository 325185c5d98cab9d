package ids

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
)

// anyEvent draws an event from few of each kind, so that two are often alike.
func anyEvent(t *rapid.T) crdt.Event {
	few := func(name string, most ...string) string { return rapid.SampledFrom(most).Draw(t, name) }
	e := crdt.Event{
		Kind: few("kind", "k", "kk"), Module: few("module", "", "m"), Subject: few("subject", "", "s", "ms"),
		ContentType: few("content type", "text/plain", "application/octet-stream"), Payload: []byte(few("payload", "", "p", "pp")),
		Retention: crdt.Retention(rapid.IntRange(0, 1).Draw(t, "retention")),
		Time:      time.Unix(0, int64(rapid.IntRange(1, 2).Draw(t, "time"))).UTC(),
	}
	for _, h := range []crdt.EventHeader{{Name: "a", Value: few("a", "", "x", "xb")}, {Name: Scope, Value: few("scope", "", "x", "xy")}, {Name: Header, Value: few("id", "", "y", "yx", "y1", "y01", "y10", "1", "y281474976710656", "y0")}} {
		if h.Value != "" {
			e.Headers = append(e.Headers, h)
		}
	}
	return e
}

// TestTheIDIsThatOfTheEntry: what an event says of its id is what the entry says that it becomes.
func TestTheIDIsThatOfTheEntry(t *testing.T) {
	key := make([]byte, 64)
	rapid.Check(t, func(rt *rapid.T) {
		e := anyEvent(rt)
		op, err := crdt.NewOp(key, crdt.Header{Clock: 1}, e.Time, e)
		if err != nil {
			rt.Fatal(err)
		}
		for entry, err := range op.Entries() {
			if is := Of(&entry.Event); err != nil || is != Of(&e) {
				rt.Fatalf("the entry of %+v has the id %+v, %v", e, is, err)
			}
		}
	})
}

// TestIDsTellEventsApart: two events have one key where scope and id are the same, and one sum where all but their times is.
func TestIDsTellEventsApart(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := anyEvent(rt), anyEvent(rt)
		one, other := Of(&a), Of(&b)
		if one.IsZero() != (a.Header(Header) == "") {
			rt.Fatalf("the id of %+v is %+v", a, one)
		}
		if one.IsZero() || other.IsZero() {
			return
		}
		if same := a.Header(Header) == b.Header(Header) && a.Header(Scope) == b.Header(Scope); same != (one.key == other.key) {
			rt.Fatalf("%+v and %+v: one id: %v", a, b, same)
		}
		a.Time = b.Time
		if same := alike(a, b); same != (one.sum == other.sum) {
			rt.Fatalf("%+v and %+v: one event: %v", a, b, same)
		}
	})
}

// alike reports whether two events become entries that are alike.
func alike(a, b crdt.Event) bool {
	one, _ := a.MarshalJSON()
	other, _ := b.MarshalJSON()
	return string(one) == string(other)
}

func TestRepeats(t *testing.T) {
	id := func(text, payload string) ID {
		return Of(&crdt.Event{Kind: "k", Payload: []byte(payload), Headers: []crdt.EventHeader{{Name: Header, Value: text}}})
	}
	none := ID{}
	repeats, _, same := Repeats([]ID{id("1", "a"), none, id("2", "a"), id("1", "a"), none, id("1", "a")})
	if !same || len(repeats) != 2 || repeats[3] != 0 || repeats[5] != 0 {
		t.Errorf("%v, %v", repeats, same)
	}
	if _, at, same := Repeats([]ID{id("2", "a"), id("1", "a"), id("1", "b")}); same || at != 2 {
		t.Errorf("another event with an id of before is event %d, %v", at, same)
	}
}
