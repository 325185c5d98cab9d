package crdt

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestEventCheck(t *testing.T) {
	fill := strings.Repeat
	for _, tt := range []struct {
		about  string
		change func(e *Event)
		reason string // empty: allowed
	}{
		{"least", func(*Event) {}, ""},
		{"no kind", func(e *Event) { e.Kind = "" }, "kind is empty"},
		{"kind at its limit", func(e *Event) { e.Kind = fill("k", MaxKind) }, ""},
		{"kind too long", func(e *Event) { e.Kind = fill("k", MaxKind+1) }, "kind has 256 bytes"},
		{"limits are of bytes", func(e *Event) { e.Kind = fill("é", 128) }, "kind has 256 bytes"},
		{"kind not UTF-8", func(e *Event) { e.Kind = "\xff" }, "kind \"\\xff\" is not valid UTF-8"},
		{"module too long", func(e *Event) { e.Module = fill("m", MaxModule+1) }, "module has 256 bytes"},
		{"subject at its limit", func(e *Event) { e.Subject = fill("s", MaxSubject) }, ""},
		{"subject too long", func(e *Event) { e.Subject = fill("s", MaxSubject+1) }, "subject has 1025 bytes"},
		{"content type too long", func(e *Event) { e.ContentType = fill("c", MaxContentType+1) }, "content type has 256 bytes"},
		{"year 1", func(e *Event) { e.Time = time.Time{}.Add(1) }, "expected a time between"},
		{"time past the format", func(e *Event) { e.Time = time.Unix(0, 1<<63-1).Add(1) }, "expected a time between"},
		{"last time", func(e *Event) { e.Time = time.Unix(0, 1<<63-1) }, ""},
		{"headers", func(e *Event) { e.Headers = []EventHeader{{"a", ""}, {"b", ""}} }, ""},
		{"header without a name", func(e *Event) { e.Headers = []EventHeader{{"", "v"}} }, "has no name"},
		{"header twice", func(e *Event) { e.Headers = []EventHeader{{"a", "1"}, {"a", "2"}} }, "each once"},
		{"headers not sorted", func(e *Event) { e.Headers = []EventHeader{{"b", ""}, {"a", ""}} }, "names are sorted"},
		{"header not UTF-8", func(e *Event) { e.Headers = []EventHeader{{"a", "\xff"}} }, "not valid UTF-8"},
		{"headers at their limit", func(e *Event) { e.Headers = []EventHeader{{"a", fill("v", MaxHeaders-1)}} }, ""},
		{"headers too long", func(e *Event) { e.Headers = []EventHeader{{"a", fill("v", MaxHeaders)}} }, "headers have 4097 bytes"},
		{"payload is JSON", func(e *Event) { e.Payload = []byte(` {"a": 1e400, "a": "<>&` + "\u2028" + `"} `) }, ""},
		{"payload is not JSON", func(e *Event) { e.Payload = []byte("hello") }, "not valid JSON"},
		{"payload of two values", func(e *Event) { e.Payload = []byte("1 2") }, "not valid JSON"},
		{"payload not UTF-8", func(e *Event) { e.Payload = []byte("\"\xff\"") }, "not valid UTF-8"},
		{"bytes of another type", func(e *Event) { e.Payload, e.ContentType = []byte{0xff}, "a/b" }, ""},
		{"payload at its limit", func(e *Event) { e.Payload, e.ContentType = make([]byte, MaxPayload), "a/b" }, ""},
		{"payload too long", func(e *Event) { e.Payload, e.ContentType = make([]byte, MaxPayload+1), "a/b" }, "payload has 1048577 bytes"},
		{"trimmable", func(e *Event) { e.Retention = Trimmable }, ""},
		{"unknown retention", func(e *Event) { e.Retention = 3 }, "retention(3)"},
		{"reserved kind", func(e *Event) { e.Kind = "quipu.x" }, ""},
		{"reserved and transient", func(e *Event) { e.Kind, e.Retention = "quipu.x", Transient }, "kept for ever"},
		{"reserved and trimmable", func(e *Event) { e.Kind, e.Retention = "quipu.x", Trimmable }, "kept for ever"},
	} {
		e := Event{Kind: "k", Time: vectorTime}
		tt.change(&e)
		err := e.Check()
		if tt.reason == "" && err != nil || tt.reason != "" && (!errors.Is(err, ErrEvent) || !strings.Contains(err.Error(), tt.reason)) {
			t.Errorf("%s: %v, want %q", tt.about, err, tt.reason)
		}
		if _, draft := NewDraft(e); (draft == nil) != (err == nil) {
			t.Errorf("%s: NewDraft says %v, Check %v", tt.about, draft, err)
		}
	}
}

// The zero time stands for the time of the call, which somebody must have put in before encoding.
func TestEventWithoutTime(t *testing.T) {
	e := Event{Kind: "k"}
	if err := e.Check(); err != nil {
		t.Errorf("Check: %v", err)
	}
	if _, err := NewDraft(e); !errors.Is(err, ErrEvent) {
		t.Errorf("NewDraft: %v, want ErrEvent", err)
	}
}

func TestEventHeader(t *testing.T) {
	e := Event{Kind: ReservedPrefix + "x", Headers: []EventHeader{{"a", "1"}, {"b", "2"}}}
	if e.Header("b") != "2" || e.Header("c") != "" || !e.Reserved() || (Event{Kind: "quipu"}).Reserved() {
		t.Error("Header or Reserved is wrong")
	}
}

func TestRetentionText(t *testing.T) {
	for _, r := range []Retention{Persistent, Trimmable, Transient} {
		if got, err := ParseRetention(r.String()); err != nil || got != r {
			t.Errorf("ParseRetention(%q) = %s, %v", r, got, err)
		}
	}
	if r, err := ParseRetention("Trimmable"); err == nil {
		t.Errorf("ParseRetention is lax about case: %s", r)
	}
}

// TestOrders sorts the same entries in the two orders that do not depend on a node.
func TestOrders(t *testing.T) {
	low, high := Author{1}, Author{2}
	want := []Entry{
		{Author: low, Seq: 0, Op: OpID{9}, Clock: 5},
		{Author: low, Seq: 1, Op: OpID{1}, Clock: 7},
		{Author: low, Seq: 1, Op: OpID{2}, Clock: 6},
		{Author: high, Seq: 0, Op: OpID{0}, Clock: 6},
		{Author: high, Seq: 1, Op: OpID{0}, Clock: 6},
	}
	same := func(a, b Entry) bool { return CompareEntries(a, b) == 0 && a.Clock == b.Clock }
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, CompareEntries)
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("author order is %v", got)
	}
	slices.SortFunc(got, CompareCausal)
	if causal := []Entry{want[0], want[2], want[3], want[4], want[1]}; !slices.EqualFunc(got, causal, same) {
		t.Errorf("causal order is %v", got)
	}
}

// anyEvent draws events that can be appended.
func anyEvent(t *rapid.T) Event {
	text := func(label string, most int) string {
		return rapid.StringN(0, -1, most).Draw(t, label)
	}
	e := Event{
		Kind:        "k" + text("kind", MaxKind-1),
		Module:      text("module", MaxModule),
		Subject:     text("subject", MaxSubject),
		Time:        time.Unix(0, rapid.Int64().Draw(t, "time")).UTC(),
		ContentType: "t" + text("content type", MaxContentType-1),
		Payload:     rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload"),
		Retention:   Retention(rapid.IntRange(0, 1).Draw(t, "retention")),
	}
	names := rapid.SliceOfNDistinct(rapid.StringN(1, -1, 50), 0, 20, rapid.ID).Draw(t, "names")
	slices.Sort(names)
	for _, name := range names {
		e.Headers = append(e.Headers, EventHeader{Name: name, Value: text("value", 50)})
	}
	return e
}

// TestAnyEventSurvives shows that whatever can be appended can be sealed, read, written as JSON and
// read again, and is the same event all along.
func TestAnyEventSurvives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := anyEvent(rt)
		d, err := NewDraft(e)
		if err != nil {
			rt.Fatal(err)
		}
		op, err := Seal(rfcKey(0), Header{Log: vectorLog, Clock: 1}, []Draft{d, d})
		if err != nil {
			rt.Fatal(err)
		}
		checkCanonical(t, op, op.Bytes())
		if d.Size() != len(op.body())/2 || d.Retention() != op.Retention {
			rt.Fatalf("a draft of %d bytes, %s, became %d bytes, %s", d.Size(), d.Retention(), len(op.body())/2, op.Retention)
		}
		checkEventJSON(t, e)
		if n, err := (Run{Ops: []Op{op}}).Verify(vectorLog); n != 1 || err != nil {
			rt.Fatal(n, err)
		}
		for entry, err := range op.Entries() {
			if err != nil || !sameEvent(entry.Event, e) {
				rt.Fatalf("%v reads as %v, %v", e, entry.Event, err)
			}
		}
	})
}
