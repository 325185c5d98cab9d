package record_test

import (
	"bytes"
	"crypto/ed25519"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// TestFindsValues looks for values among other bytes: with their bodies, without them, and with the stamp of a sweep.
func TestFindsValues(t *testing.T) {
	op := sealed(t)
	whole := record.NewOp(nil, 7, op)
	values := []record.Op{whole, record.NewTrimmed(8, op.Signed, 3), record.NewOp(nil, 9, op.Trim()), whole}
	rng := rand.New(rand.NewPCG(1, 2))
	var all []byte
	var at []int
	junk := func() {
		for range 1 + rng.IntN(300) {
			all = append(all, byte(rng.Uint32()))
		}
	}
	for _, v := range values {
		junk()
		all = append(all, op.Bytes()[:rng.IntN(len(op.Bytes()))]...) // one that is cut off
		at = append(at, len(all))
		all = append(all, v...)
	}
	junk()
	for _, marker := range [][]byte{record.Marker(op.Log), record.Marker(crdt.LogID{})} {
		from := 0
		for i, want := range values {
			place, v, found := record.Find(all[from:], marker)
			if place+from != at[i] || !bytes.Equal(v, want) || found.ID != op.ID || found.Trimmed() != want.Bodiless() {
				t.Fatalf("value %d is found at %d as %d bytes, it has %d at %d", i, place+from, len(v), len(want), at[i])
			}
			from = at[i] + len(v)
		}
		if place, _, _ := record.Find(all[from:], marker); place != -1 {
			t.Errorf("one more at %d", place)
		}
	}
	if place, _, _ := record.Find(all, record.Marker(crdt.LogID{2})); place != -1 {
		t.Errorf("an op of another log is found at %d", place)
	}
}

// TestFindsNothingThatWasChanged flips each bit of a value.
func TestFindsNothingThatWasChanged(t *testing.T) {
	op := sealed(t)
	v := record.NewOp(nil, 7, op)
	for i := range 8 * len(v) {
		b := append(bytes.Clone(v), v[:20]...)
		b[i/8] ^= 1 << (i % 8)
		if at, _, _ := record.Find(b, record.Marker(op.Log)); at >= 0 {
			t.Errorf("with bit %d of byte %d flipped it is found at %d", i%8, i/8, at)
		}
	}
}

// TestFindsNoOpInsideOfAnother: a payload may be the value of an op.
func TestFindsNoOpInsideOfAnother(t *testing.T) {
	inner := record.NewOp(nil, 7, sealed(t))
	d, err := crdt.NewDraft(crdt.Event{Kind: "k", Time: time.Unix(1, 0), ContentType: "application/octet-stream", Payload: inner})
	if err != nil {
		t.Fatal(err)
	}
	outer, err := crdt.Seal(ed25519.NewKeyFromSeed(make([]byte, 32)), crdt.Header{Log: crdt.LogID{1}, Clock: 7}, []crdt.Draft{d})
	if err != nil {
		t.Fatal(err)
	}
	v := record.NewOp(nil, 0, outer)
	at, found, _ := record.Find(v, record.Marker(outer.Log))
	if at != 0 || !bytes.Equal(found, v) {
		t.Errorf("found at %d: %d bytes of %d", at, len(found), len(v))
	}
}
