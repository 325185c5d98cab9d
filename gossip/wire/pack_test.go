package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// opsFrame returns the frame of a run of n ops with 20 entries each, as a program logs them.
func opsFrame(t testing.TB, n int) []byte {
	t.Helper()
	var ops []crdt.Op
	r := rand.New(rand.NewPCG(1, 2))
	h := crdt.Header{Log: crdt.LogID{9}, Clock: 1}
	for range n {
		var events []crdt.Event
		for range 20 {
			payload := fmt.Appendf(nil, `{"order":"o-%08x","state":"shipped","items":%d,"took_ms":%.3f}`, r.Uint32(), r.IntN(9), r.Float64()*50)
			events = append(events, crdt.Event{Kind: "order.moved", Module: "warehouse", Subject: fmt.Sprintf("order/%08x", r.Uint32()), Payload: payload})
		}
		op, err := crdt.NewOp(key, h, time.Unix(1, 0), events...)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
		h.First, h.Prev, h.Clock = op.Next(), op.ID, op.Clock+1
	}
	return wire.Append(nil, wire.Ops{Author: self, Run: crdt.Run{Ops: ops}})
}

// zeros returns the frame of one op that compresses to next to nothing.
func zeros(t testing.TB) []byte {
	t.Helper()
	event := crdt.Event{Kind: "k", ContentType: "application/octet-stream", Payload: make([]byte, crdt.MaxPayload)}
	op, err := crdt.NewOp(key, crdt.Header{Log: crdt.LogID{9}, Clock: 1}, time.Unix(1, 0), event)
	if err != nil {
		t.Fatal(err)
	}
	return wire.Append(nil, wire.Ops{Author: self, Run: crdt.Run{Ops: []crdt.Op{op}}})
}

// noise returns the frame of a leave's worth of bytes that do not compress.
func noise(t testing.TB) []byte {
	t.Helper()
	f := make(crdt.Frontier)
	r := rand.NewChaCha8([32]byte{1})
	for range 500 {
		var a crdt.Author
		var id crdt.OpID
		r.Read(a[:])
		r.Read(id[:])
		f[a] = []crdt.Head{{Next: r.Uint64() >> 12, ID: id}}
	}
	_, upto := crdt.Path{}.AuthorRange()
	return wire.Append(nil, wire.Vector{Upto: upto, Heads: f})
}

// packed returns the packed frame of a body of the given kind that is said to have size bytes.
func packed(kind wire.Kind, size uint32, body []byte) []byte {
	frame := binary.BigEndian.AppendUint32(nil, uint32(5+len(body)))
	frame = append(frame, byte(wire.KindPacked), byte(kind))
	return append(binary.BigEndian.AppendUint32(frame, size), body...)
}

// squeeze compresses b as a peer might.
func squeeze(t testing.TB, b []byte, options ...zstd.EOption) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	return e.EncodeAll(b, nil)
}

func TestPackedRoundTrip(t *testing.T) {
	for name, frame := range map[string][]byte{"ops": opsFrame(t, 30), "small ops": opsFrame(t, 1), "filled up": zeros(t)} {
		p := wire.Packer{Always: true}
		before := bytes.Clone(frame)
		out := p.Pack(frame)
		if !bytes.Equal(frame, before) {
			t.Errorf("%s: packing changed the frame", name)
		}
		if len(out) >= len(frame) || len(frame) > wire.MaxRatio*len(out) || wire.Kind(out[4]) != wire.KindPacked {
			t.Errorf("%s: %d bytes of %d after packing", name, len(out), len(frame))
		}
		want, _, err := wire.ReadFrame(bytes.NewReader(frame), true)
		if err != nil {
			t.Fatal(err)
		}
		got, size, err := wire.ReadFrame(bytes.NewReader(out), true)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if want := (wire.Size{Wire: len(out), Plain: len(frame)}); size != want {
			t.Errorf("%s: size %+v, want %+v", name, size, want)
		}
	}
}

// What the two have not agreed on is not read, whatever is in it.
func TestPackedNotAgreed(t *testing.T) {
	p := wire.Packer{Always: true}
	if _, _, err := wire.ReadFrame(bytes.NewReader(p.Pack(opsFrame(t, 3))), false); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("a packed frame on a link without them: %v", err)
	}
}

func TestBadPackedFrames(t *testing.T) {
	frame := opsFrame(t, 3)
	body := frame[5:]
	size := uint32(len(body))
	good := squeeze(t, body)
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}, good...)
	for name, bad := range map[string][]byte{
		"nothing":               {0, 0, 0, 1, byte(wire.KindPacked), byte(wire.KindOps)},
		"no zstd":               packed(wire.KindOps, size, []byte("not a zstd frame at all")),
		"empty zstd":            packed(wire.KindOps, size, nil),
		"nested":                packed(wire.KindPacked, size, good),
		"no such kind":          packed(99, size, good),
		"too few announced":     packed(wire.KindOps, size-1, good),
		"too many announced":    packed(wire.KindOps, size+1, good),
		"past the kind's bound": packed(wire.KindShut, uint32(wire.KindShut.MaxBody()+1), good),
		"4 GiB announced":       packed(wire.KindOps, 1<<32-1, good),
		"no shorter":            packed(wire.KindOps, size, squeeze(t, body, zstd.WithEncoderPadding(int(size+9)))),
		"skippable first":       packed(wire.KindOps, size, skippable),
		"a second frame":        packed(wire.KindOps, size, append(bytes.Clone(good), good...)),
		"cut off":               packed(wire.KindOps, size, good[:len(good)-1]),
		"a byte more":           packed(wire.KindOps, size, append(bytes.Clone(good), 0)),
		"a dictionary":          packed(wire.KindOps, size, squeeze(t, body, zstd.WithEncoderDictRaw(7, bytes.Repeat(body[:99], 9)))),
		"a window of 512 MB":    packed(wire.KindOps, size, window(good, size)),
		"another kind's body":   packed(wire.KindSpans, 1000, squeeze(t, make([]byte, 1000))),
		"much too short":        packed(wire.KindOps, uint32(len(zeros(t))-5), squeeze(t, zeros(t)[5:])),
	} {
		if _, _, err := wire.ReadFrame(bytes.NewReader(bad), true); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// window returns the zstd frame with a header that asks for a window of 512 MB.
func window(frame []byte, size uint32) []byte {
	var h zstd.Header
	if err := h.Decode(frame); err != nil {
		panic(err)
	}
	header := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x80, 19 << 3}
	header = binary.LittleEndian.AppendUint32(header, size)
	return append(header, frame[h.HeaderSize:]...)
}

// A kilobyte that would become a gigabyte costs no more than what the kind allows.
func TestBomb(t *testing.T) {
	var small bytes.Buffer
	e, err := zstd.NewWriter(&small, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(e, zero{}, 1<<30); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	said := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0}, 0, 0, 0, 0x40) // one segment of 1 GiB
	lying := binary.LittleEndian.AppendUint32([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0}, 1<<20)
	var h zstd.Header
	if err := h.Decode(small.Bytes()); err != nil {
		t.Fatal(err)
	}
	for name, frame := range map[string][]byte{
		"as it is":          packed(wire.KindOps, 1<<20, small.Bytes()),
		"size said":         packed(wire.KindOps, 1<<30, append(said, small.Bytes()[h.HeaderSize:]...)),
		"size said lower":   packed(wire.KindOps, 1<<20, append(lying, small.Bytes()[h.HeaderSize:]...)),
		"many frames":       packed(wire.KindOps, 1<<20, bytes.Repeat(squeeze(t, make([]byte, 1<<20)), 7)),
		"many small blocks": packed(wire.KindOps, 1<<20, append(lying, bytes.Repeat([]byte{0x02, 0x00, 0x10, 0}, 9000)...)),
	} {
		read := func() {
			if _, _, err := wire.ReadFrame(bytes.NewReader(frame), true); !errors.Is(err, wire.ErrMalformed) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		read()
		allocated := allocatedBy(read)
		if most := uint64(3 << 20); allocated > most {
			t.Errorf("%s: %d bytes took %d bytes of memory, at most %d are allowed", name, len(frame), allocated, most)
		}
	}
}

// zero is a source of zeros.
type zero struct{}

func (zero) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// What does not get shorter or is small goes as it is.
func TestPackerLeaves(t *testing.T) {
	small := wire.Append(nil, wire.Shut{Authors: make([]crdt.Author, 20)})
	for name, frame := range map[string][]byte{"noise": noise(t), "small": small} {
		p := wire.Packer{Always: true}
		for range 200 {
			if out := p.Pack(frame); !bytes.Equal(out, frame) {
				t.Fatalf("%s: became another frame", name)
			}
			p.Wrote(len(frame), time.Second)
		}
	}
}

// clock is a clock that moves by step whenever it is asked.
type clock struct {
	now  time.Time
	step time.Duration
}

func (c *clock) Now() time.Time {
	c.now = c.now.Add(c.step)
	return c.now
}

// A packer follows the link: it packs while the link is slower than compressing saves, stops when the
// link turns fast, and finds out when it turns slow again.
func TestPackerFollowsTheLink(t *testing.T) {
	frame := opsFrame(t, 20)
	ns := time.Duration(len(frame))
	compressing := &clock{step: 4 * ns} // 4 ns a byte
	p := wire.Packer{Now: compressing.Now}
	run := func(frames int, perByte time.Duration) (packed int) {
		for range frames {
			out := p.Pack(frame)
			if len(out) < len(frame) {
				packed++
			}
			p.Wrote(len(out), time.Duration(len(out))*perByte)
		}
		return packed
	}
	if n := run(30, 80); n != 30 {
		t.Errorf("at 80 ns a byte, %d of 30 frames went packed, want all", n)
	}
	run(500, 1) // what the link was counts for a while
	if n := run(300, 1); n != 0 {
		t.Errorf("at 1 ns a byte, %d of 300 frames went packed, want none", n)
	}
	run(100, 80)
	if n := run(30, 80); n != 30 {
		t.Errorf("at 80 ns a byte again, %d of 30 frames went packed, want all", n)
	}
}

// A packer finds out when frames begin to compress well, and does not compress each until then.
func TestPackerFollowsTheFrames(t *testing.T) {
	asked := 0
	p := wire.Packer{Now: func() time.Time { asked++; return time.Time{} }}
	var random [5 + 50_000]byte
	rand.NewChaCha8([32]byte{1}).Read(random[5:])
	random[4] = byte(wire.KindOps)
	for range 650 {
		p.Wrote(1000, time.Millisecond)
		if out := p.Pack(random[:]); len(out) != len(random) {
			t.Fatal("noise went packed")
		}
	}
	if tries := asked / 2; tries < 5 || tries > 20 {
		t.Errorf("650 frames of noise were compressed %d times, want about 10", tries)
	}
	frame, packed := opsFrame(t, 30), 0
	for range 300 {
		if len(p.Pack(frame)) < len(frame) {
			packed++
		}
	}
	if packed < 200 {
		t.Errorf("%d of 300 frames that get shorter went packed", packed)
	}
}

// FuzzReadFrame: whatever bytes come, a frame is read, refused as malformed, or found cut off.
func FuzzReadFrame(f *testing.F) {
	p := wire.Packer{Always: true}
	for _, m := range messages(f) {
		f.Add(wire.Append(nil, m))
	}
	f.Add(bytes.Clone(p.Pack(opsFrame(f, 1))))
	f.Add(bytes.Clone(p.Pack(wire.Append(nil, wire.Shut{Authors: authors(100)}))))
	f.Add(packed(wire.KindOps, 1<<20, []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0x10, 0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, size, err := wire.ReadFrame(bytes.NewReader(b), true)
		other, _ := errors.AsType[*wire.VersionError](err)
		if err != nil {
			if m != nil || other == nil && !errors.Is(err, wire.ErrMalformed) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("message %v, error %v", m, err)
			}
			return
		}
		if size.Wire > len(b) || size.Plain < size.Wire || size.Plain > 5+m.Kind().MaxBody() {
			t.Fatalf("%s in %+v bytes of %d", m.Kind(), size, len(b))
		}
		again := wire.Append(nil, m)
		if newer(m) {
			return
		}
		if len(again) != size.Plain || wire.Kind(b[4]) != wire.KindPacked && !bytes.Equal(again, b[:size.Wire]) {
			t.Fatalf("%s of %+v encodes to %d bytes", m.Kind(), size, len(again))
		}
	})
}

// authors returns n authors in order.
func authors(n int) []crdt.Author {
	all := make([]crdt.Author, n)
	for i := range all {
		all[i] = crdt.AuthorOf(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i)}, ed25519.SeedSize)))
		all[i][0], all[i][1] = byte(i>>8), byte(i)
	}
	return all
}

// FuzzPacker: what a packer makes of a frame reads as that frame.
func FuzzPacker(f *testing.F) {
	f.Add(byte(wire.KindOps), opsFrame(f, 3)[5:], byte(1))
	f.Add(byte(wire.KindOps), bytes.Repeat([]byte("abc"), 2000), byte(0))
	f.Add(byte(wire.KindPacked), make([]byte, 5000), byte(1))
	f.Fuzz(func(t *testing.T, kind byte, body []byte, packing byte) {
		if len(body) > wire.Kind(kind).MaxBody() {
			return
		}
		frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), kind)
		frame = append(frame, body...)
		p := wire.Packer{Always: packing%2 == 1}
		out := bytes.Clone(p.Pack(frame))
		if len(out) > len(frame) {
			t.Fatalf("%d bytes became %d", len(frame), len(out))
		}
		want, _, plainErr := wire.ReadFrame(bytes.NewReader(frame), true)
		got, _, err := wire.ReadFrame(bytes.NewReader(out), true)
		if (err == nil) != (plainErr == nil) {
			t.Fatalf("plain: %v, packed: %v", plainErr, err)
		}
		if err == nil && !bytes.Equal(wire.Append(nil, want), wire.Append(nil, got)) {
			t.Fatal("packed and read, it is another message")
		}
	})
}

func BenchmarkPack(b *testing.B) {
	frame := opsFrame(b, 80)
	p := wire.Packer{Always: true}
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		out = p.Pack(frame)
	}
	b.ReportMetric(float64(len(out))/float64(len(frame)), "ratio")
}

func BenchmarkReadFrame(b *testing.B) {
	frame := opsFrame(b, 80)
	p := wire.Packer{Always: true}
	for name, bytesOf := range map[string][]byte{"plain": frame, "packed": p.Pack(frame)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := wire.ReadFrame(bytes.NewReader(bytesOf), true); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
