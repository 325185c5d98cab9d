package crdt

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The vectors below are what docs/PROTOCOL.md promises: bytes, and what is to be made of them. Each is
// made by this package and read back by it before it is compared with the file.

// hexBytes are bytes that JSON shows in hex.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

// refusedVector is bytes that are refused, and by which rule.
type refusedVector struct {
	About string   `json:"about"`
	By    string   `json:"by"` // "form", "version", "key", "root", "signature" or "log"
	Bytes hexBytes `json:"bytes"`
}

// refusal returns the rule that an error belongs to.
func refusal(err error) string {
	if _, other := errors.AsType[*VersionError](err); other {
		return "version"
	}
	for _, rule := range []struct {
		err error
		by  string
	}{{ErrMalformed, "form"}, {ErrAuthor, "key"}, {ErrBody, "root"}, {ErrSignature, "signature"}, {ErrInvalid, "log"}} {
		if errors.Is(err, rule.err) {
			return rule.by
		}
	}
	return fmt.Sprint(err)
}

type genesisVector struct {
	Genesis   hexBytes `json:"genesis"`
	Random    hexBytes `json:"random"`
	Admission uint64   `json:"admission"`
	Admins    []Author `json:"admins"`
	Log       LogID    `json:"log"`
	Annotated []string `json:"annotated"`
}

func TestVectorsGenesis(t *testing.T) {
	var file struct {
		About   string          `json:"about"`
		Valid   []genesisVector `json:"valid"`
		Refused []refusedVector `json:"refused"`
	}
	file.About = "What a log begins with, and the log's id."
	for _, g := range someGeneses() {
		b := g.Encode()
		back, err := ParseGenesis(b)
		if err != nil || back.Log() != g.Log() {
			t.Fatalf("genesis of %s reads as that of %s, %v", g.Log(), back.Log(), err)
		}
		file.Valid = append(file.Valid, genesisVector{
			Genesis: b, Random: back.Random[:], Admission: uint64(back.Admission),
			Admins: append([]Author{}, back.Admins...), Log: back.Log(), Annotated: annotateGenesis(g),
		})
	}
	open, admin := someGeneses()[0].Encode(), someGeneses()[2]
	changed := func(change func(g *Genesis)) []byte {
		g := admin
		g.Admins = slices.Clone(g.Admins)
		change(&g)
		return g.Encode()
	}
	for _, r := range []refusedVector{
		{About: "version 2", Bytes: append([]byte{open[0], 2}, open[2:]...)},
		{About: "a byte after the end", Bytes: append(slices.Clone(open), 0)},
		{About: "cut off", Bytes: open[:30]},
		{About: "random of 31 bytes", Bytes: slices.Concat(open[:2], []byte{0xc4, 31}, open[5:])},
		{About: "unknown admission", Bytes: changed(func(g *Genesis) { g.Admission = 2 })},
		{About: "open with admins", Bytes: changed(func(g *Genesis) { g.Admission = AdmitOpen })},
		{About: "admin without admins", Bytes: changed(func(g *Genesis) { g.Admins = nil })},
		{About: "admins not ascending", Bytes: changed(func(g *Genesis) { slices.Reverse(g.Admins) })},
		{About: "an admin twice", Bytes: changed(func(g *Genesis) { g.Admins[1] = g.Admins[0] })},
		{About: "an admin of small order", Bytes: changed(func(g *Genesis) { g.Admins = []Author{Author(unhex(smallOrder[0]))} })},
		{About: "more than 64 admins", Bytes: changed(func(g *Genesis) { g.Admins = make([]Author, MaxAdmins+1) })},
	} {
		_, err := ParseGenesis(r.Bytes)
		if r.By = refusal(err); err == nil {
			t.Errorf("%s: not refused", r.About)
		}
		file.Refused = append(file.Refused, r)
	}
	checkVectors(t, "genesis.json", file)
}

type (
	keyVector struct {
		Author string `json:"author"`
		Seed   string `json:"seed,omitempty"`
		Usable bool   `json:"usable"`
		Why    string `json:"why,omitempty"`
	}
	signatureVector struct {
		About     string `json:"about"`
		Author    string `json:"author"`
		Usable    bool   `json:"usable"`
		Message   string `json:"message"`
		Signature string `json:"signature"`
		Verifies  bool   `json:"verifies"`
	}
)

func TestVectorsKeys(t *testing.T) {
	var file struct {
		About      string            `json:"about"`
		Keys       []keyVector       `json:"keys"`
		Signatures []signatureVector `json:"signatures"`
	}
	file.About = "Which keys are authors, and which signatures verify under RFC 8032 without the cofactor. Where usable is false the key is refused whatever the signature says."
	for i, v := range rfc8032 {
		file.Keys = append(file.Keys, keyVector{Author: v.public, Seed: v.seed})
		file.Signatures = append(file.Signatures, signatureVector{
			About: fmt.Sprintf("RFC 8032, section 7.1, test %d", i+1), Author: v.public, Message: v.message, Signature: v.signature,
		})
	}
	for _, s := range smallOrder {
		file.Keys = append(file.Keys, keyVector{Author: s, Why: "small order"})
	}
	for low := 0xed; low <= 0xff; low++ {
		file.Keys = append(file.Keys, keyVector{Author: fmt.Sprintf("%02x%s7f", low, strings.Repeat("ff", 30)), Why: "not canonical, or no point"})
	}
	file.Keys = append(file.Keys, keyVector{Author: "02" + strings.Repeat("00", 31), Why: "no point of the curve"})
	for _, v := range speccheck {
		file.Signatures = append(file.Signatures, signatureVector{About: "speccheck: " + v.about, Author: v.public, Message: v.message, Signature: v.signature})
	}
	for i := range file.Keys {
		k := &file.Keys[i]
		_, err := ParseAuthor(k.Author)
		if k.Usable = err == nil; k.Usable != (k.Why == "") {
			t.Errorf("%s, %s: %v", k.Author, k.Why, err)
		}
	}
	for i := range file.Signatures {
		s := &file.Signatures[i]
		_, err := ParseAuthor(s.Author)
		s.Usable = err == nil
		s.Verifies = ed25519.Verify(unhex(s.Author), unhex(s.Message), unhex(s.Signature))
	}
	checkVectors(t, "keys.json", file)
}

type (
	opVector struct {
		About     string        `json:"about"`
		Op        hexBytes      `json:"op"`
		Header    headerVector  `json:"header"`
		Signed    hexBytes      `json:"signed"` // what the signature covers
		Signature hexBytes      `json:"signature"`
		ID        OpID          `json:"id"`
		Trimmed   bool          `json:"trimmed"`
		Entries   []entryVector `json:"entries"`
		Annotated []string      `json:"annotated,omitempty"`
	}
	headerVector struct {
		Log       LogID  `json:"log"`
		Author    Author `json:"author"`
		First     uint64 `json:"first"`
		Count     uint64 `json:"count"`
		Prev      OpID   `json:"prev"`
		Root      Hash   `json:"root"`
		Clock     Clock  `json:"clock"`
		Retention uint64 `json:"retention"`
		Floor     uint64 `json:"floor"`
	}
	entryVector struct {
		Time        string      `json:"time"` // ns since 1970
		Kind        string      `json:"kind"`
		Module      string      `json:"module"`
		Subject     string      `json:"subject"`
		ContentType string      `json:"contentType"`
		Headers     [][2]string `json:"headers"`
		Payload     hexBytes    `json:"payload"`
		Encoded     hexBytes    `json:"encoded"`
		Leaf        Hash        `json:"leaf"`
		JSON        string      `json:"json"` // the entry as programs print it
	}
)

// vectorOf describes an op as it reads back from its bytes.
func vectorOf(t *testing.T, about string, b []byte) opVector {
	t.Helper()
	op, err := ParseOp(b)
	if err != nil {
		t.Fatalf("%s: %v", about, err)
	}
	if op.Verify() != nil || op.CheckBody() != nil {
		t.Fatalf("%s: %v, %v", about, op.Verify(), op.CheckBody())
	}
	h := op.Header
	v := opVector{
		About: about, Op: b, ID: op.ID, Trimmed: op.Trimmed(), Entries: []entryVector{},
		Header:    headerVector{h.Log, h.Author, h.First, h.Count, h.Prev, h.Root, h.Clock, uint64(h.Retention), h.Floor},
		Signed:    append([]byte(opContext), op.raw[:len(op.raw)-signatureSize]...),
		Signature: op.raw[len(op.raw)-signatureSize:],
	}
	encoded := make(map[uint64][]byte)
	for i, b := range op.encoded() {
		encoded[op.First+i] = b
	}
	for e, err := range op.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		w := entryVector{
			Time: strconv.FormatInt(e.Time.UnixNano(), 10), Kind: e.Kind, Module: e.Module, Subject: e.Subject, ContentType: e.ContentType,
			Headers: [][2]string{}, Payload: e.Payload, Encoded: encoded[e.Seq], Leaf: leafHash(encoded[e.Seq]), JSON: string(e.AppendJSON(nil, nil)),
		}
		for _, h := range e.Headers {
			w.Headers = append(w.Headers, [2]string{h.Name, h.Value})
		}
		back, err := ParseEventJSON([]byte(w.JSON))
		if err != nil || !bytes.Equal(appendEvent(nil, &back), w.Encoded) {
			t.Errorf("%s: entry %d reads from its JSON form as %x, %v", about, e.Seq, appendEvent(nil, &back), err)
		}
		v.Entries = append(v.Entries, w)
	}
	return v
}

// formsOp is an op whose entries have numbers, texts and bytes around every border between two forms.
func formsOp(t *testing.T) Op {
	var events []Event
	for _, ns := range []int64{
		0, 127, 128, 255, 256, 65535, 65536, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64,
		-1, -32, -33, -128, -129, -32768, -32769, math.MinInt32, math.MinInt32 - 1, math.MinInt64,
	} {
		events = append(events, Event{Kind: "time", Time: time.Unix(0, ns)})
	}
	for _, n := range []int{31, 32, 255, 256, MaxSubject} {
		events = append(events, Event{Kind: "text", Subject: strings.Repeat("s", n), Time: vectorTime})
	}
	for _, n := range []int{255, 256} {
		events = append(events, Event{Kind: "bytes", ContentType: "a/b", Payload: make([]byte, n), Time: vectorTime})
	}
	for _, n := range []int{15, 16} {
		e := Event{Kind: "headers", Time: vectorTime}
		for i := range n {
			e.Headers = append(e.Headers, EventHeader{Name: fmt.Sprintf("h%02d", i), Value: "v"})
		}
		events = append(events, e)
	}
	op, err := NewOp(rfcKey(1), Header{Log: vectorLog, Clock: MaxClock - 1}, vectorTime, events...)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func TestVectorsOps(t *testing.T) {
	var file struct {
		About string     `json:"about"`
		Ops   []opVector `json:"ops"`
	}
	file.About = "Ops of the authors in keys.json. Each verifies."
	golden := goldenOps(t)
	for _, v := range []struct {
		about string
		op    Op
	}{
		{"every field in use", golden[0]},
		{"the same, trimmed", golden[0].Trim()},
		{"the op after it, with every field at its least, and a floor", golden[1]},
		{"numbers, texts and bytes at the borders of their forms", formsOp(t)},
	} {
		w := vectorOf(t, v.about, v.op.Bytes())
		if v.op.Size() < 2<<10 && !v.op.Trimmed() {
			w.Annotated = annotateOp(v.op)
		}
		file.Ops = append(file.Ops, w)
	}
	checkVectors(t, "ops.json", file)
}
