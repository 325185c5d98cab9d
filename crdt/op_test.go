package crdt

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSealAndParse(t *testing.T) {
	for _, op := range hardOps(t) {
		back, err := ParseOp(bytes.Clone(op.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		checkCanonical(t, back, op.Bytes())
		if back.Header != op.Header || back.ID != op.ID || back.CheckBody() != nil || back.Verify() != nil {
			t.Errorf("read back %+v, want %+v", back.Header, op.Header)
		}
		if op.Head() != (Head{Next: op.First + op.Count, ID: op.ID}) || op.Key() != (Key{First: op.First, ID: op.ID}) {
			t.Errorf("head %v, key %v", op.Head(), op.Key())
		}
	}
}

func TestOpEntries(t *testing.T) {
	events := hardEvents()[:5]
	first := sealed(t, 1, Event{Kind: "first"})
	op := sealedAfter(t, 1, first.Signed, events...)
	var got []Entry
	for e, err := range op.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	var want []Entry
	for i, e := range events {
		want = append(want, Entry{Event: e, Author: AuthorOf(rfcKey(1)), Seq: uint64(1 + i), Op: op.ID, Clock: op.Clock})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-sealed +read):\n%s", diff)
	}
	for range op.Entries() {
		break // leaving early is allowed
	}
}

// TestCutOp reads an op from the front of bytes that go on, and none from fewer than it has.
func TestCutOp(t *testing.T) {
	for _, op := range hardOps(t) {
		if op.Trimmed() {
			continue
		}
		tail := []byte{0xc1, 0, 0}
		got, rest, err := CutOp(append(bytes.Clone(op.Bytes()), tail...))
		if err != nil || !bytes.Equal(rest, tail) {
			t.Fatalf("cut an op of %d bytes: %d follow, %v", op.Size(), len(rest), err)
		}
		checkCanonical(t, got, op.Bytes())
		if _, _, err := CutOp(op.Bytes()[:op.Size()-1]); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut an op that lacks a byte: %v", err)
		}
	}
}

// TestReopen reads back what was checked: the same op, for the id that the caller has.
func TestReopen(t *testing.T) {
	for _, op := range hardOps(t) {
		back, err := Reopen(op.ID, op.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		checkCanonical(t, back, op.Bytes())
		if back.Header != op.Header || back.ID != op.ID || back.Trimmed() != op.Trimmed() || back.CheckBody() != nil || back.Verify() != nil {
			t.Errorf("reopened %+v, want %+v", back.Header, op.Header)
		}
		signed := len(op.Signed.Bytes())
		if _, err := Reopen(op.ID, op.Bytes()[:signed-1]); !errors.Is(err, ErrMalformed) {
			t.Errorf("with its signature cut off: %v, want ErrMalformed", err)
		}
	}
	op := sealed(t, 0, Event{Kind: "a"})
	if back, err := Reopen(OpID{1}, op.Bytes()); err != nil || back.ID != (OpID{1}) {
		t.Errorf("under another id: %s, %v: the id was computed", back.ID, err)
	}
}

// TestReopenedEntries shows that a body which is not of the one form is no less an error where Reopen has
// not looked at it: whoever reads the entries or checks the body finds out.
func TestReopenedEntries(t *testing.T) {
	op := sealed(t, 0, Event{Kind: "a"}, Event{Kind: "b"}, Event{Kind: "c", Headers: []EventHeader{{"n", "v"}}})
	bodies := [][]byte{append(bytes.Clone(op.body()), 0), append(bytes.Clone(op.body()), 0xc1), op.body()[:1], {0xc1}}
	var ends []int // where each entry ends
	for _, b := range op.encoded() {
		ends = append(ends, len(b)+append([]int{0}, ends...)[len(ends)])
	}
	for _, end := range ends[:len(ends)-1] {
		bodies = append(bodies, op.body()[:end], op.body()[:end+1])
	}
	for _, tt := range []struct{ good, other string }{
		{"\xa1a", "\xc4\x01a"},           // a text as bytes
		{"\xa1a", "\xd9\x01a"},           // not in the shortest form
		{"\xa1a", "\xa1\xff"},            // not UTF-8
		{"\xa1a", "\xa0"},                // empty
		{"\x92\xa1n", "\x92\xa0"},        // a header without a name
		{"\x91\x92", "\xdc\x00\x01\x92"}, // an array's header that is not the shortest
		{"\xa1v\xc4\x00", "\xa1v\xc0"},   // no payload
		{"\x97", "\x96"},                 // an element less
	} {
		bodies = append(bodies, bytes.Replace(op.body(), []byte(tt.good), []byte(tt.other), 1))
	}
	for _, body := range bodies {
		back, err := Reopen(op.ID, append(bytes.Clone(op.Signed.Bytes()), body...))
		if err != nil {
			t.Fatal(err)
		}
		n, last := 0, error(nil)
		for _, err := range back.Entries() {
			if last != nil {
				t.Errorf("%x: an entry after %v", body, last)
			}
			if last = err; err == nil {
				n++
			}
		}
		if !errors.Is(last, ErrMalformed) || n >= 3 {
			t.Errorf("%x: %d entries, %v, want fewer than 3 and ErrMalformed", body, n, last)
		}
		if err := back.CheckBody(); !errors.Is(err, ErrBody) {
			t.Errorf("%x: %v, want ErrBody", body, err)
		}
	}
}

// TestEntryReader reads several ops by one reader, each to its end or not, and finds what it had read unchanged.
func TestEntryReader(t *testing.T) {
	ops := hardOps(t)
	var r EntryReader
	if e := (Entry{}); r.Next(&e) || r.Err() != nil {
		t.Errorf("the zero reader: %+v, %v", e, r.Err())
	}
	var got, want []Entry
	for i := range ops {
		r.Open(&ops[i])
		e := Entry{Disputed: true, Gone: 7} // of what was read before, nothing stays
		for n := 0; (i%3 > 0 || n == 0) && r.Next(&e); n++ {
			got = append(got, e)
		}
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		if i%3 > 0 && r.Next(&e) {
			t.Errorf("op %d goes on behind its end with %+v", i, e)
		}
		for e, err := range ops[i].Entries() {
			if want = append(want, e); err != nil || i%3 == 0 {
				break
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-one by one +by one reader):\n%s", diff)
	}
}

func TestNewOpSetsTime(t *testing.T) {
	op := sealed(t, 0, Event{Kind: "a"}, Event{Kind: "b", Time: vectorTime.Add(time.Hour)})
	var times []time.Time
	for e, err := range op.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, e.Time)
	}
	if diff := cmp.Diff([]time.Time{vectorTime, vectorTime.Add(time.Hour)}, times); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
}

func TestTrim(t *testing.T) {
	op := sealed(t, 0, Event{Kind: "a", Retention: Trimmable}, Event{Kind: "b", Retention: Trimmable})
	trimmed, err := ParseOp(bytes.Clone(op.Trim().Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if !trimmed.Trimmed() || op.Trimmed() || trimmed.ID != op.ID || trimmed.Header != op.Header || trimmed.CheckBody() != nil || trimmed.Verify() != nil {
		t.Errorf("trimmed op %+v, want %+v", trimmed.Header, op.Header)
	}
	for e := range trimmed.Entries() {
		t.Errorf("a trimmed op yields %+v", e)
	}
	persistent := sealed(t, 0, Event{Kind: "a"})
	if _, err := ParseOp(persistent.Signed.Bytes()); !errors.Is(err, ErrMalformed) {
		t.Errorf("a persistent op without its body: %v, want ErrMalformed", err)
	}
	if signed, err := ParseSigned(op.Signed.Bytes()); err != nil || signed.ID != op.ID {
		t.Errorf("ParseSigned: %+v, %v", signed, err)
	}
	if _, err := ParseSigned(op.Bytes()); !errors.Is(err, ErrMalformed) {
		t.Errorf("ParseSigned of a whole op: %v, want ErrMalformed", err)
	}
}

// TestSealRefuses shows that no op comes to be that breaks a law of its own.
func TestSealRefuses(t *testing.T) {
	draft := func(e Event) Draft {
		e.Time = time.Unix(0, 0) // one byte: 4,096 times of today would not fit
		d, err := NewDraft(e)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	small := draft(Event{Kind: "a"})
	trimmable := draft(Event{Kind: "a", Retention: Trimmable})
	half := draft(Event{Kind: "a", ContentType: "a/b", Payload: make([]byte, MaxOp/2)})
	whole := draft(Event{Kind: "a", ContentType: "a/b", Payload: make([]byte, MaxPayload)})
	many := func(n int) (drafts []Draft) {
		for range n {
			drafts = append(drafts, small)
		}
		return drafts
	}
	id := OpID{1}
	for _, tt := range []struct {
		about  string
		header Header
		drafts []Draft
		ok     bool
	}{
		{"one", Header{}, many(1), true},
		{"none", Header{}, nil, false},
		{"as many as allowed", Header{}, many(MaxOpEntries), true},
		{"too many", Header{}, many(MaxOpEntries + 1), false},
		{"a draft of no event", Header{}, []Draft{small, {}}, false},
		{"two classes", Header{}, []Draft{small, trimmable}, false},
		{"the largest payload alone", Header{}, []Draft{whole}, true},
		{"with another entry", Header{}, []Draft{whole, small}, false},
		{"two of half the limit", Header{}, []Draft{half, half}, false},
		{"one of half the limit and a small one", Header{}, []Draft{half, small}, true},
		{"last seq", Header{First: MaxSeq - 2, Prev: id}, many(1), true},
		{"seq beyond", Header{First: MaxSeq - 2, Prev: id}, many(2), false},
		{"first op with a prev", Header{Prev: id}, many(1), false},
		{"later op without a prev", Header{First: 1}, many(1), false},
		{"greatest clock", Header{Clock: MaxClock - 1}, many(1), true},
		{"clock beyond", Header{Clock: MaxClock}, many(1), false},
		{"floor at first", Header{First: 1, Prev: id, Floor: 1}, many(1), true},
		{"floor above first", Header{First: 1, Prev: id, Floor: 2}, many(1), false},
	} {
		op, err := Seal(rfcKey(0), tt.header, tt.drafts)
		if (err == nil) != tt.ok || err != nil && op.Size() > 0 {
			t.Errorf("%s: %v, want ok %t", tt.about, err, tt.ok)
		}
	}
}

func TestParseOpOfAnotherVersion(t *testing.T) {
	b := bytes.Clone(sealed(t, 0, Event{Kind: "a"}).Bytes())
	b[1] = 2
	_, err := ParseOp(b)
	if version, ok := errors.AsType[*VersionError](err); !ok || version.Version != 2 || !strings.Contains(err.Error(), "this program knows version 1") {
		t.Errorf("ParseOp: %v, want a *VersionError for version 2", err)
	}
	// A later version may have more fields; it is still one that is not known, not a bad op.
	if _, err := ParseOp([]byte{0x9b, 2, 0}); err == nil || errors.Is(err, ErrMalformed) {
		t.Errorf("a later version with more fields: %v, want a *VersionError", err)
	}
}

func TestCheckBodyRefuses(t *testing.T) {
	op := sealed(t, 0, Event{Kind: "a"}, Event{Kind: "b"})
	other := sealed(t, 0, Event{Kind: "b"}, Event{Kind: "a"})
	mixed, err := ParseOp(append(bytes.Clone(op.Signed.Bytes()), other.body()...))
	if err != nil {
		t.Fatal(err)
	}
	if err := mixed.CheckBody(); !errors.Is(err, ErrBody) {
		t.Errorf("a body in another order: %v, want ErrBody", err)
	}
}

func TestSignatureCoversContext(t *testing.T) {
	op := sealed(t, 0, Event{Kind: "a"})
	raw := op.Signed.Bytes()
	header := raw[:len(raw)-signatureSize]
	for _, context := range []string{"", "quipu/op/v1", "quipu/op/v2\x00", "quipu/transient/v1\x00"} {
		signature := signWith(rfcKey(0), context, header)
		if err := forgedHeader(t, op, op.Author, signature).Verify(); !errors.Is(err, ErrSignature) {
			t.Errorf("signed under %q: %v, want ErrSignature", context, err)
		}
	}
	if err := forgedHeader(t, op, op.Author, signWith(rfcKey(0), opContext, header)).Verify(); err != nil {
		t.Errorf("signed under the context of ops: %v", err)
	}
	if err := forgedHeader(t, op, AuthorOf(rfcKey(1)), raw[len(header):]).Verify(); !errors.Is(err, ErrSignature) {
		t.Errorf("in another author's name: %v, want ErrSignature", err)
	}
}
