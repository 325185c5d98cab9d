package wire

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	// minPack is the size below which a frame is never packed, in bytes.
	minPack = 1 << 10
	// tryEvery says how many frames of a kind that could be packed and are not are let go between two
	// that are compressed to see whether it would pay now.
	tryEvery = 64
)

// Packer decides for one link which frames go packed, and packs them, when it saves time. A frame of n
// bytes takes w·n to write as it is, where w is what the link has lately taken a byte, and c·n + w·r·n
// packed, with the cost c and the ratio r of lately compressing frames of its kind:
//
//	pack when c < (1 − r)·w
//
// The zero Packer is ready. It belongs to one goroutine. It takes no memory until it compresses a frame,
// then about a megabyte.
type Packer struct {
	Always bool // when it saves bytes, not only time
	// Now is the clock that compressing is timed with; time.Now when nil.
	Now func() time.Time

	link    average             // ns by byte written
	kinds   [KindPacked]packing // by the kind of the frame
	encoder *zstd.Encoder       // nil until a frame is compressed
	scratch []byte
}

// packing is what is known of compressing one kind of frame.
type packing struct {
	cost    average // ns by byte before
	ratio   average // bytes after by byte before
	skipped int     // frames since the last that was compressed
}

// Pack returns the frame to write in place of frame: packed, or frame itself. A packed frame is always
// the shorter one and is valid until the next call; frame is only read.
func (p *Packer) Pack(frame []byte) []byte {
	kind := Kind(frame[headerSize-1])
	if len(frame) < minPack || kind >= KindPacked {
		return frame
	}
	k := &p.kinds[kind]
	pays := p.Always || p.pays(k)
	if !pays && k.skipped < tryEvery {
		k.skipped++
		return frame
	}
	k.skipped = 0
	out := p.compress(k, frame)
	if len(out) >= len(frame) || !pays && !p.pays(k) {
		return frame
	}
	return out
}

// Wrote tells the packer that writing n bytes to the link took so long.
func (p *Packer) Wrote(n int, took time.Duration) { p.link.add(n, float64(took)) }

// pays says whether to pack a frame of kind k. What has not been measured is taken to pay.
func (p *Packer) pays(k *packing) bool {
	write, measured := p.link.value()
	cost, tried := k.cost.value()
	if !tried {
		return true
	}
	ratio, _ := k.ratio.value()
	if !measured {
		return ratio < 1
	}
	return cost < (1-ratio)*write
}

// compress returns frame packed, in scratch, and no shorter than [MaxRatio] allows.
func (p *Packer) compress(k *packing, frame []byte) []byte {
	now := p.Now
	if now == nil {
		now = time.Now
	}
	begin := now()
	body := frame[headerSize:]
	out := append(p.scratch[:0], 0, 0, 0, 0, byte(KindPacked), frame[headerSize-1])
	out = be.AppendUint32(out, uint32(len(body)))
	if p.encoder == nil {
		p.encoder = newEncoder()
	}
	out = p.encoder.EncodeAll(body, out)
	out = fill(out, headerSize+(len(body)+MaxRatio-1)/MaxRatio)
	be.PutUint32(out, uint32(len(out)-headerSize))
	if p.scratch = out; cap(out) > 2*MaxRunBytes {
		p.scratch = nil // after a large op
	}
	k.cost.add(len(frame), float64(now().Sub(begin)))
	k.ratio.add(len(frame), float64(len(out)))
	return out
}

// fill makes b at least size bytes long by a skippable frame (RFC 8878, section 3.1.2) at its end.
func fill(b []byte, size int) []byte {
	const magic, head = 0x184d2a50, 4 + 4
	if len(b) >= size {
		return b
	}
	empty := max(size-len(b)-head, 0)
	b = binary.LittleEndian.AppendUint32(b, magic)
	b = binary.LittleEndian.AppendUint32(b, uint32(empty))
	return append(b, make([]byte, empty)...)
}

// averageOver is how many bytes an average looks back: when it has seen so many, what it knows counts
// half.
const averageOver = 1 << 20

// average is a moving average of some quantity a byte.
type average struct {
	bytes, sum float64
}

func (a *average) add(bytes int, quantity float64) {
	if a.bytes >= averageOver {
		a.bytes, a.sum = a.bytes/2, a.sum/2
	}
	a.bytes, a.sum = a.bytes+float64(bytes), a.sum+quantity
}

// value returns the average and whether there is one.
func (a *average) value() (float64, bool) {
	if a.bytes == 0 {
		return 0, false
	}
	return a.sum / a.bytes, true
}

// maxWindow bounds the window that a compressed frame may ask for, in bytes; RFC 8878, section
// 3.1.1.1.2, asks decoders for no less.
const maxWindow = 8 << 20

// unpack returns the kind and the body of the frame that is packed in body. The bytes that it yields
// are held against the kind's bound before anything is decompressed.
func unpack(body []byte) (Kind, []byte, error) {
	r := reader{b: body}
	kind, size := Kind(r.uint8()), int64(r.uint32())
	var h zstd.Header
	switch {
	case r.err != nil:
		return 0, nil, r.err
	case kind == KindPacked:
		r.fail("a packed frame in a packed frame")
	case size > int64(kind.MaxBody()):
		r.fail("%s of %d bytes, at most %d are allowed", kind, size, kind.MaxBody())
	case size <= int64(len(body)):
		r.fail("%s of %d bytes packed into %d: expected fewer", kind, size, len(body))
	case size > MaxRatio*int64(len(body)):
		r.fail("%s of %d bytes packed into %d: expected one in %d at least", kind, size, len(body), MaxRatio)
	case h.Decode(r.b) != nil || !h.HasFCS || h.FrameContentSize != uint64(size):
		r.fail("%s of %d bytes: expected a zstd frame that says so", kind, size)
	}
	if r.err != nil {
		return 0, nil, r.err
	}
	plain, err := decoder.DecodeAll(r.b, make([]byte, 0, size))
	if err == nil && int64(len(plain)) != size {
		err = fmt.Errorf("%d bytes, expected %d", len(plain), size)
	}
	if err != nil {
		r.fail("unpack %s: %w", kind, err)
		return 0, nil, r.err
	}
	return kind, plain, nil
}

// newEncoder returns an encoder for the frames of one link.
func newEncoder() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
		zstd.WithSingleSegment(true), zstd.WithWindowSize(512<<10), zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic("wire: the options of the encoder are wrong: " + err.Error())
	}
	return e
}

// decoder is shared by all readers: it keeps nothing between two frames, and works on as many at a time
// as there are processors. It is made when the program begins because a channel in it would belong to
// whatever synctest bubble first read a packed frame.
var decoder = newDecoder()

// newDecoder returns a decoder that writes nothing past the memory it is given.
func newDecoder() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(maxWindow),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(0))
	if err != nil {
		panic("wire: the options of the decoder are wrong: " + err.Error())
	}
	return d
}
