package crdt

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSequenceAndTimeAreNoFloats: system A kept sequence numbers and times as floats, in which
// neighbours become one number.
func TestSequenceAndTimeAreNoFloats(t *testing.T) {
	h := Header{Log: vectorLog, First: MaxSeq - 3, Prev: OpID{1}, Clock: MaxClock - 1, Floor: MaxSeq - 4}
	times := []time.Time{time.Unix(0, 1<<62+1).UTC(), time.Unix(0, 1<<62+2).UTC()}
	op, err := NewOp(rfcKey(0), h, vectorTime, Event{Kind: "a", Time: times[0]}, Event{Kind: "a", Time: times[1]})
	if err != nil {
		t.Fatal(err)
	}
	if op, err = ParseOp(op.Bytes()); err != nil || op.Clock != h.Clock || op.Floor != h.Floor {
		t.Errorf("read as clock %d, floor %d, %v", op.Clock, op.Floor, err)
	}
	seq := h.First
	for e, err := range op.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		offset := seq + 1
		read, at, err := ParseEntryJSON(e.AppendJSON(nil, &offset))
		if err != nil || at == nil || *at != offset {
			t.Fatalf("offset %d reads as %v, %v", offset, at, err)
		}
		for form, e := range map[string]Entry{"bytes": e, "JSON": read} {
			if want := times[seq-h.First]; e.Seq != seq || e.Clock != h.Clock || !e.Time.Equal(want) {
				t.Errorf("%s: seq %d, clock %d, time %d: want %d, %d, %d", form, e.Seq, e.Clock, e.Time.UnixNano(), seq, h.Clock, want.UnixNano())
			}
		}
		seq++
	}
}

// TestTimesAreNotCutToSeconds: system A kept whole seconds, so that what happened within one could
// not be put in order.
func TestTimesAreNotCutToSeconds(t *testing.T) {
	for _, ns := range []int64{1, 999_999_999, -1, 1_714_564_800_000_000_001, 1_714_564_800_999_999_999} {
		at := time.Unix(0, ns)
		op := sealed(t, 0, Event{Kind: "a", Time: at})
		for e, err := range op.Entries() {
			if err != nil || e.Time.UnixNano() != ns {
				t.Errorf("%d ns are read from an op as %d, %v", ns, e.Time.UnixNano(), err)
			}
		}
		if e, err := ParseEventJSON(Event{Kind: "a", Time: at}.AppendJSON(nil)); err != nil || e.Time.UnixNano() != ns {
			t.Errorf("%d ns are read from JSON as %d, %v", ns, e.Time.UnixNano(), err)
		}
	}
	if first, second := ClockAt(vectorTime), ClockAt(vectorTime.Add(time.Millisecond)); first >= second {
		t.Errorf("clocks of neighbouring milliseconds are %s and %s", first, second)
	}
}

// TestTheSignerIsTheAuthorNamedInside: system A checked that somebody had signed, and not that it was
// the author named inside.
func TestTheSignerIsTheAuthorNamedInside(t *testing.T) {
	victim, op := AuthorOf(rfcKey(1)), sealed(t, 0, Event{Kind: "a"})
	h := op.Header
	h.Author = victim
	message := h.append(nil)
	for i, want := range []error{ErrSignature, nil} {
		signed := forgedHeader(t, op, victim, signWith(rfcKey(i), opContext, message))
		signer := AuthorOf(rfcKey(i))
		if !ed25519.Verify(signer[:], append([]byte(opContext), message...), signed.raw[len(message):]) {
			t.Fatal("the signature is none at all: this test shows nothing")
		}
		whole, err := ParseOp(append(bytes.Clone(signed.Bytes()), op.body()...))
		if err != nil {
			t.Fatal(err)
		}
		if err := signed.Verify(); !errors.Is(err, want) {
			t.Errorf("key %d signs for author 1: %v, want %v", i, err, want)
		}
		set := NewSet(vectorLog)
		out := apply(t, set, Run{Ops: []Op{whole}})
		if f, _ := set.Feed(victim); !errors.Is(out.Err, want) || f.IsZero() == (want == nil) {
			t.Errorf("key %d signs for author 1: outcome %v, feed of %d entries", i, out.Err, f.Next())
		}
	}
}

// TestTheSignatureCoversTheWholeOp: the signature of system A covered part of an op, and the rest
// could be changed on its way.
func TestTheSignatureCoversTheWholeOp(t *testing.T) {
	event := Event{Kind: "k", Module: "m", Subject: "s", ContentType: "text/plain", Headers: []EventHeader{{"n", "v"}}, Payload: []byte("p"), Time: vectorTime}
	two := func(e Event) Op { return sealed(t, 0, event, e) }
	op := two(event)
	if err := admitted(op.Bytes()); err != nil {
		t.Fatalf("the op as it was signed: %v", err)
	}
	signature := op.raw[len(op.raw)-signatureSize:]
	for field, change := range map[string]func(h *Header){
		"log":       func(h *Header) { h.Log[0] ^= 1 },
		"author":    func(h *Header) { h.Author = AuthorOf(rfcKey(1)) },
		"first":     func(h *Header) { h.First, h.Prev = 1, OpID{1} },
		"count":     func(h *Header) { h.Count-- },
		"prev":      func(h *Header) { h.First, h.Prev = 1, OpID{2} },
		"root":      func(h *Header) { h.Root[0] ^= 1 },
		"clock":     func(h *Header) { h.Clock++ },
		"retention": func(h *Header) { h.Retention = Trimmable },
		"floor":     func(h *Header) { h.First, h.Prev, h.Floor = 1, OpID{1}, 1 },
	} {
		changed := op
		change(&changed.Header)
		if err := forgedHeader(t, changed, changed.Author, signature).Verify(); !errors.Is(err, ErrSignature) {
			t.Errorf("another %s: %v, want ErrSignature", field, err)
		}
	}
	for field, change := range map[string]func(e *Event){
		"time":         func(e *Event) { e.Time = e.Time.Add(1) },
		"kind":         func(e *Event) { e.Kind = "l" },
		"module":       func(e *Event) { e.Module = "" },
		"subject":      func(e *Event) { e.Subject = "t" },
		"content type": func(e *Event) { e.ContentType = "text/html" },
		"header name":  func(e *Event) { e.Headers = []EventHeader{{"o", "v"}} },
		"header value": func(e *Event) { e.Headers = []EventHeader{{"n", "w"}} },
		"payload":      func(e *Event) { e.Payload = []byte("q") },
	} {
		changed := event
		change(&changed)
		if err := admitted(append(bytes.Clone(op.raw), two(changed).body()...)); !errors.Is(err, ErrBody) {
			t.Errorf("another %s of the last entry: %v, want ErrBody", field, err)
		}
	}
}

// TestOneMissingOpLeavesNoHole: the clock of system A was a count for each author. Whoever missed one op
// and then took the next counted as many as the others and was never sent what it missed.
func TestOneMissingOpLeavesNoHole(t *testing.T) {
	p := draw(t, 0, "a-b-c-d")
	whole, holed := NewSet(vectorLog), NewSet(vectorLog)
	apply(t, whole, p.run("a b c d"))
	apply(t, holed, p.run("a"))
	if out := apply(t, holed, p.run("c d")); out.Ops != 0 || holed.pending != 2 {
		t.Fatalf("c and d came without b: %+v, %d wait", out, holed.pending)
	}
	author := AuthorOf(lawKey(0))
	if heads := p.heads(holed.Frontier()[author]); heads != "a" {
		t.Errorf("b is not here, and the heads are %s", heads)
	}
	all := wants(t, holed, whole.Frontier())
	if len(all) != 1 {
		t.Fatalf("%d wants", len(all))
	}
	segments, err := Plan(whole, all[0])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b c d"}, p.segments(t, whole, slices.Clone(segments), 1<<20)); diff != "" {
		t.Errorf("what is sent (-want +got):\n%s", diff)
	}
	for _, seg := range segments {
		apply(t, holed, whole.Read(&seg, 1<<20))
	}
	if !holed.Frontier().Equal(whole.Frontier()) || cmp.Diff(lines(t, whole), lines(t, holed)) != "" {
		t.Errorf("after an exchange: %v, want %v", holed.Frontier(), whole.Frontier())
	}
}

// noneHeld fails the test when it is asked for what is held.
type noneHeld struct{ t *testing.T }

func (n noneHeld) Feed(Author) (Feed, error) { n.t.Fatal("the feed is read"); return Feed{}, nil }

func (n noneHeld) Get(_ Author, key Key) (Signed, bool, error) {
	n.t.Fatalf("op %d is looked up", key.First)
	return Signed{}, false, nil
}

func (n noneHeld) Find(_ Author, head Head) (Signed, bool, error) {
	n.t.Fatalf("the op before %d is looked up", head.Next)
	return Signed{}, false, nil
}

func (n noneHeld) Ops(Author, uint64) iter.Seq2[Signed, error] {
	n.t.Fatal("the ops are read again")
	return nil
}

// TestAnOpIsPlacedWithoutThoseBeforeIt: system A looked through all that it had for each op that it
// took, so that 259,000 of them took 335 seconds. Here an op that goes on where its feed ends is placed
// by what is known of the end.
func TestAnOpIsPlacedWithoutThoseBeforeIt(t *testing.T) {
	f := Feed{Author: AuthorOf(lawKey(0))}
	var prev Signed
	for i := range uint64(5000) {
		op := Signed{Header: Header{Author: f.Author, First: i, Count: 1, Prev: prev.ID, Clock: Clock(i) + 1}}
		copy(op.ID[:], fmt.Sprintf("op %d", i))
		held := Held(noneHeld{t})
		if i == 0 {
			held = NewSet(vectorLog)
		}
		v, err := Decide(held, f, op)
		if err != nil || v.Decision != Accepted {
			t.Fatalf("op %d: %s, %v", i, v.Decision, err)
		}
		f.Add(v)
		prev = op
	}
	if f.Next() != 5000 || len(f.Branches) != 1 {
		t.Errorf("feed of %d entries and %d branches", f.Next(), len(f.Branches))
	}
}

// TestBytesComeBackFromJSONAsBytes: in the JSON form of system C bytes that were no JSON came back as a
// hex text.
func TestBytesComeBackFromJSONAsBytes(t *testing.T) {
	forms := make(map[string]string)
	for _, payload := range []string{"\x68\x69\xff", `"6869ff"`, "6869ff", `"0x6869ff"`, `"aGn/"`, "aGn/", "hi", `"hi"`, "\x00", ""} {
		e := Event{Kind: "k", Time: vectorTime, ContentType: "application/octet-stream", Payload: []byte(payload)}
		line := string(e.AppendJSON(nil))
		if back, err := ParseEventJSON([]byte(line)); err != nil || string(back.Payload) != payload {
			t.Errorf("%q comes back from %s as %q, %v", payload, line, back.Payload, err)
		}
		if other, taken := forms[line]; taken {
			t.Errorf("%q and %q have one form: %s", payload, other, line)
		}
		forms[line] = payload
	}
}

// TestABadTimeIsRefusedAndNotMade1970: in system A a time that could not be read became the first
// second of 1970.
func TestABadTimeIsRefusedAndNotMade1970(t *testing.T) {
	for _, bad := range []string{`""`, `"yesterday"`, `"1714564800"`, `1714564800`, `null`, `{}`, `"2024-05-01"`, `"2024-13-01T00:00:00Z"`, `"9999-01-01T00:00:00Z"`, `"0001-01-01T00:00:00Z"`} {
		if e, err := ParseEventJSON([]byte(`{"kind":"k","time":` + bad + `}`)); !errors.Is(err, ErrEvent) || !strings.Contains(err.Error(), "time") {
			t.Errorf("time %s is read as %s, %v", bad, e.Time, err)
		}
	}
	for _, bad := range []time.Time{{}, time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if _, err := NewDraft(Event{Kind: "k", Time: bad}); !errors.Is(err, ErrEvent) {
			t.Errorf("an entry of %s: %v", bad, err)
		}
	}
	for _, early := range []time.Time{time.Unix(0, 0), time.Unix(-1, 0)} {
		checkEventJSON(t, Event{Kind: "k", Time: early}) // 1970 itself is a time like others
	}
	op := sealed(t, 0, Event{Kind: "k"})
	end := bytes.Index(op.body(), []byte("\xa1k")) // where the kind begins: the time is what stands between
	for _, bad := range [][]byte{{0xc0}, {0xca, 0, 0, 0, 0}, {0xcb, 0, 0, 0, 0, 0, 0, 0, 0}, {0xa1, '0'}, {0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}} {
		b := slices.Concat(op.raw, op.body()[:1], bad, op.body()[end:])
		if parsed, err := ParseOp(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("an op with the time % x parses: %v, %v", bad, parsed.Header, err)
		}
	}
}
