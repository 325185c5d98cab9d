package follower

import (
	"crypto/ed25519"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

var records = map[string]Record{
	"zero": {},
	"some": {Since: time.Unix(1, 0).UTC(), Handled: 5, Parked: 1, Loose: true, Filter: Filter{Kinds: []string{"a,\"sum\":\"5d41402a\"}"}},
		Failure: &Failure{Error: "}", Time: time.Unix(2, 0).UTC(), Attempts: 3, First: 7, Last: 9}},
}

// TestEachFlipIsTold changes each byte of what is kept of a follower into each other one: none is another cursor or record.
func TestEachFlipIsTold(t *testing.T) {
	for name, r := range records {
		v, err := r.Encode(name, 4711)
		if err != nil {
			t.Fatal(err)
		}
		cursor, got, err := Parse(name, v)
		if diff := cmp.Diff(r, got); diff != "" || cursor != 4711 || err != nil {
			t.Errorf("%s: %d, %v: %s", name, cursor, err, diff)
		}
		eachFlip(v, func(at int, v []byte) {
			if cursor, got, err := Parse(name, v); err == nil {
				t.Errorf("%s, byte %d: %q is taken for cursor %d, %+v", name, at, v, cursor, got)
			}
		})
		if _, _, err := Parse(name+"x", v); err == nil {
			t.Errorf("%s: it is that of another follower, too", name)
		}
	}
}

// TestEachFlipOfAParkedEntryIsTold does the same with what is kept of a parked entry, and its key.
func TestEachFlipOfAParkedEntryIsTold(t *testing.T) {
	p := ParkedEntry{Offset: 300, Author: crdt.AuthorOf(ed25519.NewKeyFromSeed(make([]byte, 32))), Seq: 8, Kind: "k", Subject: "s", Failure: *records["some"].Failure}
	k, v, err := p.Encode("f")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseParked("f", k, v)
	if diff := cmp.Diff(p, got); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	eachFlip(v, func(at int, v []byte) {
		if got, err := ParseParked("f", k, v); err == nil {
			t.Errorf("byte %d: %q is taken for %+v", at, v, got)
		}
	})
	eachFlip(k, func(at int, k []byte) {
		if got, err := ParseParked("f", k, v); err == nil {
			t.Errorf("byte %d of its key: it is taken for %+v", at, got)
		}
	})
}

// eachFlip calls do with v as it is with each of its bytes changed into each other one.
func eachFlip(v []byte, do func(at int, v []byte)) {
	for at := range v {
		for by := 1; by < 256; by++ {
			flipped := slices.Clone(v)
			flipped[at] ^= byte(by)
			do(at, flipped)
		}
	}
}

// TestWhatIsOfBeforeSums is read as it always was, and is sealed once it is written.
func TestWhatIsOfBeforeSums(t *testing.T) {
	for name, r := range records {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		at := record.Offset(12)
		old := append(at[:], text...)
		cursor, got, err := Parse(name, old)
		if diff := cmp.Diff(r, got); diff != "" || cursor != 12 || err != nil {
			t.Errorf("%s: %d, %v: %s", name, cursor, err, diff)
		}
		// What a program of before makes of it is what it has written itself.
		v, err := r.Encode(name, 12)
		if err != nil {
			t.Fatal(err)
		}
		var as Record
		if err := json.Unmarshal(v[8:], &as); err != nil || cmp.Diff(r, as) != "" {
			t.Errorf("%s: one that knows no sums reads %+v, %v", name, as, err)
		}
	}
	at := record.Offset(12)
	if cursor, text, err := Open("f", at[:]); cursor != 12 || len(text) > 0 || err != nil {
		t.Errorf("a cursor alone: %d, %q, %v", cursor, text, err)
	}
	if cursor, r, err := Parse("f", Seal("f", 12, nil)); cursor != 12 || cmp.Diff(r, Record{}) != "" || err != nil {
		t.Errorf("a cursor that is set: %d, %+v, %v", cursor, r, err)
	}
	for _, short := range [][]byte{nil, at[:7], append(at[:], '{'), append(at[:], "{}x"...), append(at[:], "{}{}"...)} {
		if _, _, err := Parse("f", short); err == nil {
			t.Errorf("%q is taken for a follower", short)
		}
	}
}
