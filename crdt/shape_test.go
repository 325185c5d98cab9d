package crdt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/ugorji/go/codec"
)

// token cuts the first msgpack token from b: an array's header, or a whole value. It knows all of
// msgpack that quipu's format may hold, and is written apart from shape.
func token(b []byte) (head byte, content, rest []byte) {
	head = b[0]
	size, wide := 0, 0
	switch {
	case head < 0x80, head >= 0xe0, head >= 0x90 && head < 0xa0:
	case head >= 0xa0 && head < 0xc0:
		size = int(head & 31)
	case head == 0xcc, head == 0xd0:
		size = 1
	case head == 0xcd, head == 0xd1, head == 0xdc:
		size = 2
	case head == 0xce, head == 0xd2:
		size = 4
	case head == 0xcf, head == 0xd3:
		size = 8
	case head == 0xc4, head == 0xd9:
		wide = 1
	case head == 0xc5, head == 0xda:
		wide = 2
	case head == 0xc6, head == 0xdb:
		wide = 4
	default:
		panic("not in the format")
	}
	b = b[1:]
	if wide > 0 {
		size = int(bigEndian(b[:wide]))
		b = b[wide:]
	}
	return head, b[:size], b[size:]
}

func bigEndian(b []byte) uint64 {
	var eight [8]byte
	copy(eight[8-len(b):], b)
	return binary.BigEndian.Uint64(eight[:])
}

// otherForms returns msgpack that says the same as the token but is not its shortest form, and values
// that lenient decoders take for it.
func otherForms(head byte, content []byte) [][]byte {
	u16 := func(head byte, n uint64) []byte { return binary.BigEndian.AppendUint16([]byte{head}, uint16(n)) }
	u32 := func(head byte, n uint64) []byte { return binary.BigEndian.AppendUint32([]byte{head}, uint32(n)) }
	u64 := func(head byte, n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{head}, n) }
	ints := func(n int64) [][]byte {
		return [][]byte{
			{byte(n)}, {0xd0, byte(n)}, u16(0xd1, uint64(n)), u32(0xd2, uint64(n)), u64(0xd3, uint64(n)),
			{0xcc, byte(n)}, u16(0xcd, uint64(n)), u32(0xce, uint64(n)), u64(0xcf, uint64(n)),
			u64(0xcb, math.Float64bits(float64(n))), u32(0xca, uint64(math.Float32bits(float32(n)))), {0xc0},
		}
	}
	n := uint64(len(content))
	switch {
	case head < 0x80:
		return ints(int64(head))
	case head >= 0xe0:
		return ints(int64(int8(head)))
	case head >= 0xcc && head <= 0xcf:
		return ints(int64(bigEndian(content)))
	case head >= 0xd0 && head <= 0xd3:
		shift := 64 - 8*len(content)
		return ints(int64(bigEndian(content)) << shift >> shift)
	case head >= 0x90 && head < 0xa0:
		n = uint64(head & 15)
		return [][]byte{u16(0xdc, n), u32(0xdd, n), {0x80 | byte(n)}, {0xc0}}
	case head == 0xdc:
		return [][]byte{{0x9f}, u32(0xdd, bigEndian(content)), {0xc0}}
	}
	var forms [][]byte
	for _, h := range [][]byte{
		{0xa0 | byte(n&31)}, {0xd9, byte(n)}, u16(0xda, n), u32(0xdb, n), {0xc4, byte(n)}, u16(0xc5, n), u32(0xc6, n),
		{0xd4 + byte(n&7), 0}, {0xc7, byte(n), 0}, u32(0xdd, n), {0xc0},
	} {
		forms = append(forms, append(h, content...))
	}
	return forms
}

// walkTokens calls visit with where each token of an op begins and ends.
func walkTokens(op Op, visit func(from, to int)) {
	b := op.Bytes()
	signature := len(op.Signed.Bytes()) - signatureSize
	for at := 0; at < len(b); {
		if at == signature {
			at += signatureSize
			continue
		}
		_, _, rest := token(b[at:])
		visit(at, len(b)-len(rest))
		at = len(b) - len(rest)
	}
}

// TestShapeIsTight puts every other form of every token into ops: none parses.
func TestShapeIsTight(t *testing.T) {
	tried := 0
	for _, op := range smallOps(t) {
		b := op.Bytes()
		walkTokens(op, func(from, to int) {
			head, content, _ := token(b[from:to])
			for _, form := range otherForms(head, content) {
				if bytes.Equal(form, b[from:to]) {
					continue
				}
				changed, err := ParseOp(slices.Concat(b[:from], form, b[to:]))
				if err == nil && !sayAnother(op, changed) {
					t.Fatalf("%x at %d stands for %x and parses", form, from, b[from:to])
				}
				tried++
			}
		})
	}
	if tried < 1000 {
		t.Errorf("only %d forms were tried", tried)
	}
}

// sayAnother reports whether ops a and b differ in what they say, not only in their bytes: cutting
// a wide number to a narrow form is another number.
func sayAnother(a, b Op) bool {
	if a.Header != b.Header {
		return true
	}
	first := func(o Op) (events []Event) {
		for e := range o.Entries() {
			events = append(events, e.Event)
		}
		return events
	}
	return !slices.EqualFunc(first(a), first(b), sameEvent)
}

// TestCodecIsLenient keeps the reason for shape true: the codec alone takes what the format forbids.
func TestCodecIsLenient(t *testing.T) {
	for name, b := range map[string][]byte{
		"integer not shortest": {0x92, 0xa1, 'n', 0xd9, 1, 'v'},
		"nil":                  {0x92, 0xa1, 'n', 0xc0},
		"element missing":      {0x91, 0xa1, 'n'},
		"bytes after the end":  {0x92, 0xa1, 'n', 0xa1, 'v', 0},
	} {
		var h EventHeader
		if err := codec.NewDecoderBytes(b, handle).Decode(&h); err != nil || h.Name != "n" {
			t.Errorf("%s: %v: the codec has become strict", name, err)
		}
	}
}

func TestShapeLimits(t *testing.T) {
	text := func(n int) []byte { return encodeString(bytes.Repeat([]byte("x"), n)) }
	entry := func(at int, field []byte) []byte {
		fields := [][]byte{{0x97}, {0}, text(1), text(0), text(0), text(0), {0x90}, {0xc4, 0}}
		fields[at] = field
		return slices.Concat(fields...)
	}
	header := func(name, value []byte) []byte { return slices.Concat([]byte{0x91, 0x92}, name, value) }
	for _, tt := range []struct {
		about string
		bytes []byte
		ok    bool
	}{
		{"least", entry(1, []byte{0}), true},
		{"kind empty", entry(2, text(0)), false},
		{"kind at its limit", entry(2, text(MaxKind)), true},
		{"kind beyond", entry(2, text(MaxKind+1)), false},
		{"kind not UTF-8", entry(2, []byte{0xa1, 0xff}), false},
		{"kind as bytes", entry(2, []byte{0xc4, 1, 'a'}), false},
		{"module at its limit", entry(3, text(MaxModule)), true},
		{"module beyond", entry(3, text(MaxModule+1)), false},
		{"subject at its limit", entry(4, text(MaxSubject)), true},
		{"subject beyond", entry(4, text(MaxSubject+1)), false},
		{"subject with half of a pair", entry(4, []byte{0xa3, 0xed, 0xa0, 0x80}), false},
		{"content type at its limit", entry(5, text(MaxContentType)), true},
		{"content type beyond", entry(5, text(MaxContentType+1)), false},
		{"a header", entry(6, header(text(1), text(0))), true},
		{"header without a name", entry(6, header(text(0), text(1))), false},
		{"headers at their limit", entry(6, header(text(1), text(MaxHeaders-1))), true},
		{"headers beyond", entry(6, header(text(1), text(MaxHeaders))), false},
		{"header of three", entry(6, slices.Concat([]byte{0x91, 0x93}, text(1), text(1), text(1))), false},
		{"header twice", entry(6, slices.Concat([]byte{0x92, 0x92}, text(1), text(0), []byte{0x92}, text(1), text(0))), false},
		{"headers ascending", entry(6, slices.Concat([]byte{0x92, 0x92}, text(1), text(0), []byte{0x92}, text(2), text(0))), true},
		{"headers descending", entry(6, slices.Concat([]byte{0x92, 0x92}, text(2), text(0), []byte{0x92}, text(1), text(0))), false},
		{"payload beyond", entry(7, append(binary.BigEndian.AppendUint32([]byte{0xc6}, MaxPayload+1), make([]byte, MaxPayload+1)...)), false},
		{"payload as text", entry(7, text(1)), false},
		{"payload nil", entry(7, []byte{0xc0}), false},
		{"time beyond 64 bits with a sign", entry(1, binary.BigEndian.AppendUint64([]byte{0xcf}, 1<<63)), false},
		{"greatest time", entry(1, binary.BigEndian.AppendUint64([]byte{0xcf}, 1<<63-1)), true},
		{"time as a float", entry(1, make([]byte, 9)), false},
		{"eight fields", append(append([]byte{0x98}, entry(1, []byte{0})[1:]...), 0), false},
	} {
		s := shape{b: tt.bytes}
		s.entry(new(Event), nil)
		s.end("entry")
		if (s.err == nil) != tt.ok || s.err != nil && !errors.Is(s.err, ErrMalformed) {
			t.Errorf("%s: %v, want ok %t", tt.about, s.err, tt.ok)
		}
	}
}

func encodeString(s []byte) []byte {
	var b []byte
	codec.NewEncoderBytes(&b, handle).MustEncode(string(s))
	return b
}

// TestPooledCodec shows that what was encoded is not changed by what the pool does next, and that what is
// decoded shares its memory and cannot grow into it.
func TestPooledCodec(t *testing.T) {
	e := Event{Kind: "kind", Subject: "subject", Time: vectorTime, Payload: []byte("payload")}
	encoded := appendEvent(nil, &e)
	kept := bytes.Clone(encoded)
	for i := range 100 {
		other := Event{Kind: "other", Subject: string(bytes.Repeat([]byte{byte('a' + i%26)}, i)), Time: vectorTime}
		if _, ok := entryByWalk(appendEvent(nil, &other), Persistent, nil); !ok {
			t.Fatalf("%+v does not read back", other)
		}
	}
	if !bytes.Equal(encoded, kept) {
		t.Error("an encoding changed when others were made")
	}
	decoded, ok := entryByWalk(encoded, Persistent, nil)
	if !ok || !sameEvent(decoded, e) {
		t.Fatalf("%+v, %t", decoded, ok)
	}
	if encoded[len(encoded)-1] = 'D'; string(decoded.Payload) != "payloaD" {
		t.Error("the payload was copied out of the op")
	}
	encoded[len(encoded)-1] = 'd'
	decoded.Payload = append(decoded.Payload, "beyond"...)
	if !bytes.Equal(encoded, kept) {
		t.Error("appending to a payload wrote into the op")
	}
}
