package crdt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// hardEvents are events at the edges of the format.
func hardEvents() []Event {
	at := func(ns int64) time.Time { return time.Unix(0, ns).UTC() }
	events := []Event{
		{Kind: "a", Time: vectorTime},
		{Kind: strings.Repeat("k", MaxKind), Module: strings.Repeat("m", MaxModule), Subject: strings.Repeat("s", MaxSubject), ContentType: strings.Repeat("c", MaxContentType), Time: vectorTime},
		{Kind: "quipu.x", Module: "é\u2028\x00", Subject: "<>&", Time: vectorTime, Payload: []byte(`{"a":[1,1e400,"<>&\u2028"],"a":null}`)},
		{Kind: "bytes", ContentType: "application/octet-stream", Time: vectorTime, Payload: []byte{0xff, 0, '"'}},
		{Kind: "headers", Time: vectorTime, Headers: []EventHeader{{"a", ""}, {"b", strings.Repeat("v", 300)}}},
		{Kind: "payload", Time: vectorTime, ContentType: "text/plain", Payload: bytes.Repeat([]byte("p"), 70_000)},
	}
	for i := range 16 {
		events[4].Headers = append(events[4].Headers, EventHeader{Name: "z" + string(rune('a'+i)), Value: "v"})
	}
	events[4].Headers = append(events[4].Headers, EventHeader{"é", "<"})
	for _, count := range []int{15, 16} { // array widths
		e := Event{Kind: "array", Time: vectorTime}
		for i := range count {
			e.Headers = append(e.Headers, EventHeader{Name: string(rune('a' + i)), Value: "v"})
		}
		events = append(events, e)
	}
	// Both sides of each width of the time.
	for _, ns := range []int64{
		0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffffffff, 0x100000000, 1<<63 - 1,
		-1, -32, -33, -0x80, -0x81, -0x8000, -0x8001, -0x80000000, -0x80000001, -1 << 63,
	} {
		events = append(events, Event{Kind: "time", Time: at(ns)})
	}
	for _, size := range []int{31, 32, 255, 256} { // str widths
		events = append(events, Event{Kind: "text", Subject: strings.Repeat("s", size), Time: vectorTime})
	}
	for _, size := range []int{1, 255, 256, 65_535, 65_536, MaxPayload} { // bin widths
		events = append(events, Event{Kind: "bin", ContentType: "a/b", Payload: make([]byte, size), Time: vectorTime})
	}
	return events
}

// hardOps are ops that hold hardEvents, alone and together.
func hardOps(t testing.TB) []Op {
	var ops []Op
	for _, e := range hardEvents() {
		ops = append(ops, sealed(t, 0, e))
	}
	first := sealed(t, 1, hardEvents()[:5]...)
	second := sealedAfter(t, 1, first.Signed, Event{Kind: "next", Retention: Trimmable}, Event{Kind: "last", Retention: Trimmable})
	return append(ops, first, second, second.Trim())
}

// smallOps are those of hardOps that a fuzzer can change quickly.
func smallOps(t testing.TB) []Op {
	return slices.DeleteFunc(hardOps(t), func(op Op) bool { return op.Size() > 4<<10 })
}

// FuzzOp holds ParseOp against encoding: what it accepts is the one encoding of what it read, every
// entry passes the checks of an event, and no byte can change without changing the id or the root.
func FuzzOp(f *testing.F) {
	for _, op := range smallOps(f) {
		f.Add(op.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		op, err := ParseOp(b)
		if err != nil {
			if version, ok := errors.AsType[*VersionError](err); !ok && !errors.Is(err, ErrMalformed) || ok && version.Version == Version {
				t.Fatalf("error of no known kind: %v", err)
			}
			return
		}
		checkCanonical(t, op, b)
		if cut, rest, err := CutOp(b); !op.Trimmed() && (err != nil || len(rest) > 0 || cut.ID != op.ID) {
			t.Fatalf("CutOp leaves %d bytes of what ParseOp reads: %v", len(rest), err)
		}
	})
}

// checkCanonical fails the test unless b, which parsed as op, is the only encoding of what op says.
func checkCanonical(t *testing.T, op Op, b []byte) {
	t.Helper()
	if !bytes.Equal(op.Bytes(), b) || !bytes.HasPrefix(b, op.Signed.Bytes()) {
		t.Fatal("the op does not keep its bytes")
	}
	raw := op.Signed.Bytes()
	again := append(op.append(nil), raw[len(raw)-signatureSize:]...)
	for e, err := range op.Entries() {
		if err != nil {
			t.Fatalf("shape passes, decoding does not: %v", err)
		}
		if err := e.checkFields(); err != nil {
			t.Fatalf("entry %d breaks a limit: %v", e.Seq, err)
		}
		if cap(e.Payload) != len(e.Payload) {
			t.Fatal("the payload's capacity runs on into the op")
		}
		again = append(again, appendEvent(nil, &e.Event)...)
	}
	if !bytes.Equal(again, b) {
		t.Fatalf("accepted %x, which encodes as %x", b, again)
	}
	if op.Trimmed() != (len(b) == len(raw)) || op.Count == 0 || op.Next() >= MaxSeq || op.Floor > op.First || op.Clock >= MaxClock {
		t.Fatalf("header breaks a law: %+v", op.Header)
	}
}

// TestOpMalleability changes every bit of an op: each change is an error, another id or a body that
// does not match. The signature of system A covered part of an op.
func TestOpMalleability(t *testing.T) {
	op := sealed(t, 0, Event{Kind: "a", Payload: []byte("1"), Headers: []EventHeader{{"n", "v"}}}, Event{Kind: "b", Subject: "s"})
	good := Run{Ops: []Op{op}}
	if n, err := good.Verify(vectorLog); n != 1 || err != nil {
		t.Fatalf("the unchanged op: %d, %v", n, err)
	}
	for i := range 8 * op.Size() {
		b := bytes.Clone(op.Bytes())
		b[i/8] ^= 1 << (i % 8)
		changed, err := ParseOp(b)
		if err != nil {
			continue
		}
		if changed.ID == op.ID && changed.CheckBody() == nil {
			t.Errorf("bit %d can change", i)
		}
		if n, err := (Run{Ops: []Op{changed}}).Verify(vectorLog); n != 0 || err == nil {
			t.Errorf("bit %d can change and the op still verifies", i)
		}
		checkCanonical(t, changed, b)
	}
	for i := range op.Size() {
		if _, err := ParseOp(op.Bytes()[:i:i]); err == nil {
			t.Errorf("an op cut after %d bytes parses", i)
		}
	}
	if _, err := ParseOp(append(bytes.Clone(op.Bytes()), 0xc0)); err == nil {
		t.Error("an op with a byte after it parses")
	}
}

// FuzzSigned is FuzzOp for headers alone.
func FuzzSigned(f *testing.F) {
	for _, op := range smallOps(f) {
		f.Add(op.Signed.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		signed, err := ParseSigned(b)
		if err != nil {
			return
		}
		if again := append(signed.append(nil), b[len(b)-signatureSize:]...); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x, which encodes as %x", b, again)
		}
	})
}

// FuzzGenesis is FuzzOp for a genesis.
func FuzzGenesis(f *testing.F) {
	for _, g := range someGeneses() {
		f.Add(g.Encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := ParseGenesis(b)
		if err != nil {
			return
		}
		if again := g.Encode(); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x, which encodes as %x", b, again)
		}
	})
}

// FuzzEventJSON holds the JSON form against itself: an event that was read is written and read again
// the same, whatever its payload.
func FuzzEventJSON(f *testing.F) {
	for _, e := range hardEvents() {
		if len(e.Payload) > 4<<10 {
			continue
		}
		f.Add(e.AppendJSON(nil), e.Payload)
	}
	f.Add([]byte(`{"kind":"\ud83d\ude00","headers":{"b":"2","a":"1"},"time":"2024-05-01T12:00:00.5+02:00"}`), []byte("1e400"))
	f.Fuzz(func(t *testing.T, line, payload []byte) {
		e, err := ParseEventJSON(line)
		if err != nil {
			if !errors.Is(err, ErrEvent) {
				t.Fatalf("error of no known kind: %v", err)
			}
			e = Event{Kind: "k", Time: vectorTime}
		}
		checkEventJSON(t, e)
		e.Payload = payload
		checkEventJSON(t, e)
	})
}

// FuzzProofJSON shows that no bytes break the reading or verifying of a proof.
func FuzzProofJSON(f *testing.F) {
	proof, err := sampleProof(f).MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(proof)
	f.Fuzz(func(t *testing.T, b []byte) {
		var p EntryProof
		if err := p.UnmarshalJSON(b); err != nil {
			return
		}
		e, err := p.Verify()
		if err != nil && !errors.Is(err, ErrProof) {
			t.Fatalf("error of no known kind: %v", err)
		}
		if err == nil && !bytes.Equal(appendEvent(nil, &e.Event), p.Entry) {
			t.Fatal("the proven entry is not the one in the proof")
		}
	})
}

// hostileBytes are inputs that the codec alone would choke on.
func hostileBytes() [][]byte {
	nested := bytes.Repeat([]byte{0x91}, 4<<20)
	announce := func(head byte) []byte { return binary.BigEndian.AppendUint32([]byte{head}, 1<<32-1) }
	inHeader := func(b []byte) []byte { return append([]byte{0x9a, 1}, b...) }
	inBroadcast := func(b []byte) []byte { return append([]byte{0x96, 1}, b...) }
	return [][]byte{
		nil, {0x9a}, nested, inHeader(nested), bytes.Repeat([]byte{0x81}, 1<<20), bytes.Repeat([]byte{0xdc, 0xff}, 1<<20),
		announce(0xc6), announce(0xdb), announce(0xdd), announce(0xdf), announce(0xc9),
		inHeader(announce(0xc6)), inHeader(announce(0xdb)), inHeader(announce(0xdd)),
		inBroadcast(nested), inBroadcast(announce(0xc6)),
	}
}

// FuzzShapeNeverPanics runs every walk of the shape over any bytes: none panics, takes more bytes than
// there are or goes on after a fault.
func FuzzShapeNeverPanics(f *testing.F) {
	for _, op := range smallOps(f) {
		f.Add(op.Signed.Bytes())
		f.Add(op.body())
	}
	for _, b := range hostileBytes() {
		f.Add(b[:min(len(b), 1<<10)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, walk := range []func(s *shape){
			func(s *shape) { s.header() },
			func(s *shape) { s.entry(&Event{}, nil) },
			func(s *shape) { s.entry(&Event{Retention: Trimmable}, &headerRoom{left: 1}) },
			func(s *shape) { s.broadcast() },
			func(s *shape) { s.int("int") },
			func(s *shape) { s.uint("uint", 1<<63) },
			func(s *shape) { s.str("str", 0, MaxSubject) },
			func(s *shape) { s.bin("bin", 0, MaxPayload) },
			func(s *shape) { s.array("array", MaxHeaders) },
		} {
			s := shape{b: b}
			walk(&s)
			if s.at > len(b) {
				t.Fatalf("walked %d bytes of %d", s.at, len(b))
			}
			if err, at := s.err, s.at; err != nil {
				walk(&s)
				if s.err != err || s.at != at {
					t.Fatalf("went on after %v", err)
				}
			}
		}
	})
}

// TestHostileBytesAreCheap shows that bytes which nest or announce without bound cost no memory.
func TestHostileBytesAreCheap(t *testing.T) {
	for _, b := range hostileBytes() {
		var err error
		allocated := testing.AllocsPerRun(1, func() { _, err = ParseOp(b) })
		if err == nil || allocated > 50 {
			t.Errorf("%.8x: %d bytes: %.0f allocations, %v", b, len(b), allocated, err)
		}
		allocated = testing.AllocsPerRun(1, func() { _, err = ParseBroadcast(b) })
		if err == nil || allocated > 50 {
			t.Errorf("%.8x: as a transient event: %.0f allocations, %v", b, allocated, err)
		}
		if _, err := ParseGenesis(b); err == nil {
			t.Errorf("%.8x parses as a genesis", b)
		}
	}
}
