package record_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// wantBytes wants b to be what a golden text says, in hex with spaces and lines between the fields.
func wantBytes(t *testing.T, about string, b []byte, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.Join(strings.Fields(want), ""), hex.EncodeToString(b)); diff != "" {
		t.Errorf("%s: %s", about, diff)
	}
}

// unhex returns the bytes of a golden text.
func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// id returns an op id that is one byte over and over.
func id(b byte) crdt.OpID { return crdt.OpID(bytes.Repeat([]byte{b}, 32)) }

var key = crdt.Key{First: 0x0102, ID: id(0xab)}

const keyHex = "0000000000000102 abababababababababababababababababababababababababababababababab"

// sealed returns an op of an author of its own with two entries, which begins its feed.
func sealed(t *testing.T) crdt.Op {
	t.Helper()
	var drafts []crdt.Draft
	for range 2 {
		d, err := crdt.NewDraft(crdt.Event{Kind: "k", Time: time.Unix(1, 0), Retention: crdt.Trimmable})
		if err != nil {
			t.Fatal(err)
		}
		drafts = append(drafts, d)
	}
	op, err := crdt.Seal(ed25519.NewKeyFromSeed(make([]byte, 32)), crdt.Header{Log: crdt.LogID{1}, Clock: 7, Retention: crdt.Trimmable}, drafts)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func TestKeys(t *testing.T) {
	offset := record.Offset(0x010203)
	wantBytes(t, "offset", offset[:], "0000000000010203")
	if n, err := record.ParseOffset(offset[:]); err != nil || n != 0x010203 {
		t.Errorf("offset reads as %d, %v", n, err)
	}
	opKey := record.OpKey(key)
	wantBytes(t, "op key", opKey[:], keyHex)
	if k, err := record.ParseOpKey(opKey[:]); err != nil || k != key {
		t.Errorf("op key reads as %v, %v", k, err)
	}
	n, rest, err := record.CutOffset(append(offset[:], "rest"...))
	if err != nil || n != 0x010203 || string(rest) != "rest" {
		t.Errorf("offset is cut to %d, %q, %v", n, rest, err)
	}
	for _, b := range [][]byte{nil, offset[:7], opKey[:39], append(opKey[:], 0)} {
		_, errOffset := record.ParseOffset(b)
		_, errKey := record.ParseOpKey(b)
		if !errors.Is(errOffset, record.ErrLength) || !errors.Is(errKey, record.ErrLength) {
			t.Errorf("%d bytes read as an offset: %v; as an op key: %v", len(b), errOffset, errKey)
		}
	}
	if _, _, err := record.CutOffset(offset[:7]); !errors.Is(err, record.ErrLength) {
		t.Errorf("an offset is cut from 7 bytes: %v", err)
	}
}

// Keys sort as the numbers in them do.
func TestKeysSort(t *testing.T) {
	for _, pair := range [][2]uint64{{0, 1}, {255, 256}, {1<<32 - 1, 1 << 32}} {
		a, b := record.Offset(pair[0]), record.Offset(pair[1])
		low, high := record.OpKey(crdt.Key{First: pair[0], ID: id(0xff)}), record.OpKey(crdt.Key{First: pair[1]})
		if bytes.Compare(a[:], b[:]) >= 0 || bytes.Compare(low[:], high[:]) >= 0 {
			t.Errorf("%d sorts behind %d", pair[0], pair[1])
		}
	}
}

func TestArrival(t *testing.T) {
	a := record.Arrival{Offset: 5, Author: crdt.Author(id(0xcd)), Key: key, Count: 3}
	k, v := record.Offset(5), a.Encode()
	wantBytes(t, "arrival", v, "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"+keyHex+"0000000000000003")
	if got, err := record.ParseArrival(k[:], v); err != nil || got != a || len(v) != record.ArrivalSize {
		t.Errorf("arrival reads as %+v, %v", got, err)
	}
	for _, count := range []uint64{0, crdt.MaxOpEntries + 1} {
		bad := record.Arrival{Key: key, Count: count}
		if _, err := record.ParseArrival(k[:], bad.Encode()); err == nil {
			t.Errorf("an arrival of %d entries reads", count)
		}
	}
	far := record.Offset(crdt.MaxSeq)
	if _, err := record.ParseArrival(far[:], v); err == nil {
		t.Error("an arrival beyond all offsets reads")
	}
	_, short := record.ParseArrival(k[:], v[1:])
	_, noKey := record.ParseArrival(k[1:], v)
	if !errors.Is(short, record.ErrLength) || !errors.Is(noKey, record.ErrLength) {
		t.Errorf("a short value reads: %v; a short key: %v", short, noKey)
	}
}

func TestArrivalTime(t *testing.T) {
	began, ended := time.UnixMilli(0x0200), time.UnixMilli(0x0100)
	v := record.ArrivalTime{Began: began, Ended: ended}.Encode()
	wantBytes(t, "times", v, "0000000000000200 0000000000000100")
	if got, err := record.ParseArrivalTime(v); err != nil || !got.Began.Equal(began) || !got.Ended.Equal(ended) {
		t.Errorf("times read as %v, %v", got, err)
	}
	for _, n := range []int{0, 7, 8, 9, 15} {
		if _, err := record.ParseArrivalTime(v[:n]); !errors.Is(err, record.ErrLength) {
			t.Errorf("times of %d bytes read: %v", n, err)
		}
	}
}

// An op is kept as it came; of one that is trimmed the header, the signature and the sweep are left.
func TestOp(t *testing.T) {
	op := sealed(t)
	stripped, err := crdt.ParseOp(op.Signed.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	signed := hex.EncodeToString(op.Signed.Bytes())
	for _, tt := range []struct {
		about string
		v     record.Op
		bytes string
		body  bool
		sweep uint64
	}{
		{"an op", record.NewOp(nil, 9, op), "0000000000000009 9e856a04" + hex.EncodeToString(op.Bytes()), true, 0},
		{"one that came without its body", record.NewOp(nil, 9, stripped), "0000000000000009 4ef3b84f" + signed, false, 0},
		{"a trimmed one", record.NewTrimmed(9, op.Signed, 0x0102), "0000000000000009 0ad24013" + signed + "c1 0000000000000102", false, 0x0102},
	} {
		wantBytes(t, tt.about, tt.v, tt.bytes)
		if tt.v.Offset() != 9 || tt.v.Size() != len(tt.v)-12 || tt.v.Bodiless() == tt.body || tt.v.Sweep() != tt.sweep {
			t.Errorf("%s: offset %d, size %d, bodiless %t, sweep %d", tt.about, tt.v.Offset(), tt.v.Size(), tt.v.Bodiless(), tt.v.Sweep())
		}
		clone := bytes.Clone(tt.v)
		kept, err := tt.v.CloneSigned(op.Author, op.Key())
		shared, errShared := tt.v.Signed(op.Author, op.Key())
		if err != nil || errShared != nil || kept.ID != op.ID || shared.ID != op.ID {
			t.Errorf("%s: %v, %v", tt.about, err, errShared)
		}
		got, err := tt.v.Open(op.Author, op.Key())
		verified, errVerified := tt.v.Verify(op.Author, op.Key())
		if err != nil || got.ID != op.ID || got.Trimmed() == tt.body || errVerified != nil || !bytes.Equal(verified.Bytes(), got.Bytes()) {
			t.Errorf("%s opens as %s, trimmed %t, %v, %v", tt.about, got.ID, got.Trimmed(), err, errVerified)
		}
		clear(tt.v)
		if !bytes.Equal(kept.Bytes(), op.Signed.Bytes()) || bytes.Equal(shared.Bytes(), op.Signed.Bytes()) || !bytes.Equal(clone[12:12+len(kept.Bytes())], kept.Bytes()) {
			t.Errorf("%s: the clone of its header shares memory, or what is to share it does not", tt.about)
		}
	}
}

// What lies at a key and is another op is refused, and so are bytes that are none.
func TestOpRefuses(t *testing.T) {
	op := sealed(t)
	value := func(change func(v []byte)) record.Op {
		v := record.NewOp(nil, 9, op)
		change(v)
		return v
	}
	as := func(v record.Op) func() error {
		return func() error {
			_, err := v.Open(op.Author, op.Key())
			return err
		}
	}
	good := record.NewOp(nil, 9, op)
	for about, read := range map[string]func() error{
		"a flip in the body":      as(value(func(v []byte) { v[len(v)-1] ^= 1 })),
		"a flip in the signature": as(value(func(v []byte) { v[12+len(op.Signed.Bytes())-1] ^= 1 })),
		"no offset":               as(good[:7]),
		"no sum":                  as(good[:11]),
		"nothing":                 as(nil),
		"half an op":              as(good[:len(good)-1]),
		"another author": func() error {
			_, err := good.Signed(crdt.Author{1}, op.Key())
			return err
		},
		"another key": func() error {
			_, err := good.CloneSigned(op.Author, key)
			return err
		},
		"no op": func() error {
			_, err := good[:20].Signed(op.Author, op.Key())
			return err
		},
	} {
		if read() == nil {
			t.Errorf("%s is taken for the op", about)
		}
	}
	for _, v := range []record.Op{nil, good[:7], good[:8], good[:12], good[:20]} {
		if v.Bodiless() || v.Sweep() != 0 {
			t.Errorf("%d bytes pass for an op without a body, of sweep %d", len(v), v.Sweep())
		}
	}
}

// The sum of a value tells every byte of it that was changed, and another op's place.
func TestOpSum(t *testing.T) {
	op := sealed(t)
	for about, good := range map[string]record.Op{"an op": record.NewOp(nil, 9, op), "a trimmed one": record.NewTrimmed(9, op.Signed, 1)} {
		if err := good.Check(op.Author, op.Key()); err != nil {
			t.Errorf("%s: %v", about, err)
		}
		for i := range good {
			v := bytes.Clone(good)
			v[i] ^= 0x10
			if record.Op(v).Check(op.Author, op.Key()) == nil {
				t.Errorf("%s passes with byte %d flipped", about, i)
			}
		}
		if _, err := record.ParseOp(good[:12]); err != nil || good[:12].Check(op.Author, op.Key()) == nil {
			t.Errorf("%s: its head alone: %v", about, err)
		}
		if _, err := record.ParseOp(good[:11]); !errors.Is(err, record.ErrLength) || !errors.Is(good[:11].Check(op.Author, op.Key()), record.ErrLength) {
			t.Errorf("%s: less than its head: %v", about, err)
		}
		for i := range 32 {
			a, k := op.Author, op.Key()
			a[i]++
			k.ID[i]++
			if good.Check(a, op.Key()) == nil || good.Check(op.Author, k) == nil {
				t.Errorf("%s passes for that of another author, or for another, at byte %d", about, i)
			}
		}
		if good.Check(op.Author, crdt.Key{First: 1, ID: op.ID}) == nil {
			t.Errorf("%s passes at another seq", about)
		}
	}
}

// A body that was exchanged before the value was made has the right sum: only Verify finds it.
func TestOpVerify(t *testing.T) {
	op := sealed(t)
	b := bytes.Clone(op.Bytes())
	b[bytes.LastIndexByte(b, 'k')] = 'x' // the kind of the last entry
	other, err := crdt.ParseOp(b)
	if err != nil || other.ID != op.ID {
		t.Fatal(err)
	}
	v := record.NewOp(nil, 9, other)
	if _, err := v.Open(op.Author, op.Key()); err != nil {
		t.Errorf("open: %v", err)
	}
	if _, err := v.Verify(op.Author, op.Key()); !errors.Is(err, crdt.ErrBody) {
		t.Errorf("verify: %v", err)
	}
}
