package crdt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// chain holds one feed that is not forked, as the ops themselves.
type chain []Signed

func (c chain) Feed(a Author) (Feed, error) { return Feed{Author: a}, nil }

func (c chain) Get(_ Author, key Key) (Signed, bool, error) {
	for _, op := range c {
		if op.Key() == key {
			return op, true, nil
		}
	}
	return Signed{}, false, nil
}

func (c chain) Find(_ Author, head Head) (Signed, bool, error) {
	for _, op := range c {
		if op.Head() == head {
			return op, true, nil
		}
	}
	return Signed{}, false, nil
}

func (c chain) Ops(_ Author, first uint64) iter.Seq2[Signed, error] {
	return func(yield func(Signed, error) bool) {
		for _, op := range c {
			if op.First >= first && !yield(op, nil) {
				return
			}
		}
	}
}

// spoiled returns op with a signature that does not verify; what names it covers it all the same.
func spoiled(t testing.TB, op Op) Op {
	t.Helper()
	b := bytes.Clone(op.Bytes())
	b[len(op.Signed.Bytes())-signatureSize] ^= 1
	bad, err := ParseOp(b)
	if err != nil {
		t.Fatal(err)
	}
	return bad
}

// coveredChain returns an op of five entries and the chain it stands in, where two covered ops and
// one anchor follow; the op itself is covered too.
func coveredChain(t testing.TB) (Op, chain) {
	var events []Event
	for i := range 5 {
		events = append(events, Event{Kind: "e", Subject: fmt.Sprint(i), Payload: []byte("1")})
	}
	op := spoiled(t, sealed(t, 0, events...))
	held := chain{op.Signed}
	last := op
	for i := range 3 {
		last = sealedAfter(t, 0, last.Signed, Event{Kind: "later"})
		if i < 2 {
			last = spoiled(t, last)
		}
		held = append(held, last.Signed)
	}
	return op, held
}

// sampleProof returns the proof of a covered entry.
func sampleProof(t testing.TB) EntryProof {
	op, held := coveredChain(t)
	p, err := ProveEntry(held, op, 3)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProveEntry(t *testing.T) {
	for _, count := range []int{1, 2, 3, 5, 8, 13, 100} {
		var events []Event
		for i := range count {
			events = append(events, Event{Kind: "e", Subject: fmt.Sprint(i)})
		}
		first := sealed(t, 0, Event{Kind: "first"})
		op := sealedAfter(t, 0, first.Signed, events...)
		for e, err := range op.Entries() {
			if err != nil {
				t.Fatal(err)
			}
			p, err := ProveEntry(chain{first.Signed, op.Signed}, op, e.Seq)
			if err != nil {
				t.Fatal(err)
			}
			checkProof(t, p, e)
			if len(p.Headers) != 1 {
				t.Errorf("the proof of an anchor's entry has %d headers", len(p.Headers))
			}
		}
	}
}

// checkProof fails the test unless p proves want, before and after a trip through JSON.
func checkProof(t *testing.T, p EntryProof, want Entry) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back EntryProof
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, proof := range []EntryProof{p, back} {
		got, err := proof.Verify()
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("proven (-want +got):\n%s", diff)
		}
		if proof.Author() != want.Author || proof.Seq() != want.Seq {
			t.Errorf("the proof is of %s/%d, want %s/%d", proof.Author(), proof.Seq(), want.Author, want.Seq)
		}
	}
}

func TestProveCoveredEntry(t *testing.T) {
	op, held := coveredChain(t)
	for e, err := range op.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		p, err := ProveEntry(held, op, e.Seq)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Headers) != 4 {
			t.Errorf("%d headers lead to the anchor, want 4", len(p.Headers))
		}
		checkProof(t, p, e)
	}
}

func TestProveEntryRefuses(t *testing.T) {
	op, held := coveredChain(t)
	if _, err := ProveEntry(held, op, 5); err == nil {
		t.Error("an entry beyond the op was proven")
	}
	if _, err := ProveEntry(held[:3], op, 0); !errors.Is(err, ErrSignature) {
		t.Errorf("without an anchor: %v, want ErrSignature", err)
	}
	trimmable := sealed(t, 0, Event{Kind: "a", Retention: Trimmable})
	if _, err := ProveEntry(chain{trimmable.Signed}, trimmable.Trim(), 0); err == nil {
		t.Error("an entry of a trimmed op was proven")
	}
}

// TestVerifyProofRefuses changes one thing at a time in a proof that holds.
func TestVerifyProofRefuses(t *testing.T) {
	other := sealed(t, 1, Event{Kind: "a"})
	beside := sealedAfter(t, 0, sealed(t, 0, hardEvents()[:5]...).Signed, Event{Kind: "later"})
	for name, change := range map[string]func(p *EntryProof){
		"another log":            func(p *EntryProof) { p.Log[0] ^= 1 },
		"another entry":          func(p *EntryProof) { p.Entry = other.body() },
		"entry changed":          func(p *EntryProof) { p.Entry[len(p.Entry)-1] ^= 1 },
		"bytes after the entry":  func(p *EntryProof) { p.Entry = append(p.Entry, 0) },
		"no entry":               func(p *EntryProof) { p.Entry = nil },
		"an inner node as entry": func(p *EntryProof) { p.Entry, p.Path = append(p.Path[0][:], p.Path[1][:]...), p.Path[2:] },
		"another index":          func(p *EntryProof) { p.Index-- },
		"index past the op":      func(p *EntryProof) { p.Index = 5 },
		"greatest index":         func(p *EntryProof) { p.Index = 1<<64 - 1 },
		"path changed":           func(p *EntryProof) { p.Path[0][0] ^= 1 },
		"path cut":               func(p *EntryProof) { p.Path = p.Path[1:] },
		"path longer":            func(p *EntryProof) { p.Path = append(p.Path, Hash{}) },
		"no headers":             func(p *EntryProof) { p.Headers = nil },
		"no anchor":              func(p *EntryProof) { p.Headers = p.Headers[:3] },
		"a header left out":      func(p *EntryProof) { p.Headers = append(p.Headers[:1:1], p.Headers[2:]...) },
		"a header of a branch":   func(p *EntryProof) { p.Headers[1] = beside.Signed },
		"first header left out":  func(p *EntryProof) { p.Headers = p.Headers[1:] },
		"another author's end":   func(p *EntryProof) { p.Headers[3] = other.Signed },
		"headers of another":     func(p *EntryProof) { p.Headers = []Signed{other.Signed} },
	} {
		t.Run(name, func(t *testing.T) {
			p := sampleProof(t)
			p.Entry = bytes.Clone(p.Entry)
			change(&p)
			if e, err := p.Verify(); !errors.Is(err, ErrProof) {
				t.Errorf("proven: %+v, %v: want ErrProof", e, err)
			}
		})
	}
}

func TestProofRefusesChainThatBreaksTheLaws(t *testing.T) {
	op := spoiled(t, sealed(t, 0, Event{Kind: "a"}))
	// The anchor names op, but begins one too high.
	h := Header{Log: vectorLog, First: op.Next() + 1, Prev: op.ID, Clock: op.Clock + 1}
	anchor, err := NewOp(rfcKey(0), h, vectorTime, Event{Kind: "b"})
	if err != nil {
		t.Fatal(err)
	}
	p := EntryProof{Log: vectorLog, Entry: op.body(), Headers: []Signed{op.Signed, anchor.Signed}}
	if _, err := p.Verify(); !errors.Is(err, ErrInvalid) {
		t.Errorf("Verify: %v, want ErrInvalid", err)
	}
}

// An author can sign a root over bytes that are no entry; no proof makes one of them.
func TestProofRefusesBytesThatAreNoEntry(t *testing.T) {
	op := sealed(t, 0, Event{Kind: "a"})
	for about, entry := range map[string][]byte{
		"nothing":              {},
		"a byte after the end": append(bytes.Clone(op.body()), 0),
		"cut off":              op.body()[:op.Size()-len(op.Signed.Bytes())-1],
		"nested arrays":        bytes.Repeat([]byte{0x91}, 1<<10),
	} {
		h := op.Header
		h.Root = leafHash(entry)
		header := h.append(nil)
		signed, err := ParseSigned(append(header, signWith(rfcKey(0), opContext, header)...))
		if err != nil {
			t.Fatal(err)
		}
		p := EntryProof{Log: vectorLog, Entry: entry, Headers: []Signed{signed}}
		if e, err := p.Verify(); !errors.Is(err, ErrProof) || !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: proven: %+v, %v: want ErrProof for ErrMalformed", about, e, err)
		}
	}
	large := Header{Log: vectorLog, Count: 2, Clock: 1, Author: op.Author}
	e := Event{Kind: "a", Time: vectorTime, ContentType: "a/b", Payload: make([]byte, MaxOp)}
	first, second := leafHash(appendEvent(nil, &e)), Hash{1}
	large.Root = merkleRoot([]Hash{first, second})
	header := large.append(nil)
	signed, err := ParseSigned(append(header, signWith(rfcKey(0), opContext, header)...))
	if err != nil {
		t.Fatal(err)
	}
	p := EntryProof{Log: vectorLog, Entry: appendEvent(nil, &e), Path: []Hash{second}, Headers: []Signed{signed}}
	if e, err := p.Verify(); !errors.Is(err, ErrMalformed) {
		t.Errorf("an entry larger than its op may be: proven: %v, %v", e.Place(), err)
	}
}

func TestProofJSONRefuses(t *testing.T) {
	text, err := json.Marshal(sampleProof(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ old, new, reason string }{
		{`"version":1`, `"version":2`, "version 2"},
		{`"version":1,`, ``, `field "version" is missing`},
		{`"index":3,`, ``, `field "index" is missing`},
		{`"index":3`, `"index":2`, "place is"},
		{`"index":3`, `"index":-3`, "cannot unmarshal"},
		{`"index":3`, `"index":3,"index":3`, "twice"},
		{`"index":3`, `"index":3,"indx":3`, `did you mean "index"? (the fields are version, log, place, index, entry, path, headers)`},
		{`/3"`, `/4"`, "place is"},
		{`"entry":"`, `"entry":"!`, "base64"},
		{`"path":["`, `"path":["0`, "expected 64 hex digits"},
		{`"path":[`, `"path":[` + strings.Repeat(`"`+Hash{}.String()+`",`, maxPath), "at most 12"},
		{`"headers":["`, `"headers":["AAAA`, "malformed"},
		{`"log":"`, `"log":"0`, "expected 32 hex digits"},
	} {
		changed := strings.Replace(string(text), tt.old, tt.new, 1)
		if changed == string(text) {
			t.Fatalf("%s is not in %s", tt.old, text)
		}
		var p EntryProof
		if err := p.UnmarshalJSON([]byte(changed)); !errors.Is(err, ErrProof) || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%s → %s: %v, want an error with %q", tt.old, tt.new, err, tt.reason)
		}
	}
	if err := new(EntryProof).UnmarshalJSON(make([]byte, MaxProof+1)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a proof of too many bytes: %v", err)
	}
	if _, err := json.Marshal(EntryProof{}); err != nil {
		t.Errorf("the zero proof has no JSON form: %v", err)
	}
}
