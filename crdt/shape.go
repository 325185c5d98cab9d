package crdt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
	"unsafe"
)

// ErrMalformed is wrapped by every error that says why bytes are not of the one form that the format
// allows.
var ErrMalformed = errors.New("malformed")

// shape walks over msgpack bytes, admits only the one encoding of the one form that is asked for (shortest
// headers, no map, float, nil or extension) and returns what stands there. The codec, which writes the forms, reads
// none of them: it is lenient, and hostile bytes could make it allocate or recurse without bound.
//
// The first fault stays in err and cuts the bytes off where it was found: every later step finds nothing there,
// and what it returns means nothing.
type shape struct {
	b   []byte
	at  int
	err error
}

func (s *shape) fail(format string, args ...any) {
	if s.err == nil {
		s.stop(fmt.Errorf("%w at byte %d: %s", ErrMalformed, s.at, fmt.Sprintf(format, args...)))
	}
}

func (s *shape) stop(err error) { s.err, s.b = err, s.b[:s.at] }

// next takes n bytes, or fails and returns nil.
func (s *shape) next(n int) []byte {
	if n > len(s.b)-s.at {
		s.fail("cut off: %d more bytes expected, %d left", n, len(s.b)-s.at)
		return nil
	}
	s.at += n
	return s.b[s.at-n : s.at : s.at]
}

func (s *shape) byte() byte {
	if s.at < len(s.b) {
		s.at++
		return s.b[s.at-1]
	}
	s.next(1) // which fails
	return 0
}

// peek returns the next byte, or one that msgpack never uses where there is none.
func (s *shape) peek() byte {
	if s.at < len(s.b) {
		return s.b[s.at]
	}
	return 0xc1
}

// number takes a big-endian number of 1, 2, 4 or 8 bytes that is at least least, the first one that
// does not fit a shorter form.
func (s *shape) number(size int, least uint64) uint64 {
	b := s.next(size)
	if b == nil {
		return 0
	}
	var n uint64
	switch size {
	case 1:
		n = uint64(b[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(b))
	case 4:
		n = uint64(binary.BigEndian.Uint32(b))
	case 8:
		n = binary.BigEndian.Uint64(b)
	}
	if n < least {
		s.fail("%d is not in its shortest form", n)
	}
	return n
}

// uint takes an unsigned integer below limit.
func (s *shape) uint(what string, limit uint64) uint64 {
	n := s.unsigned(what, s.byte())
	if n >= limit {
		s.fail("%s %d: expected less than %d", what, n, limit)
	}
	return n
}

func (s *shape) unsigned(what string, head byte) uint64 {
	switch {
	case head < 0x80:
		return uint64(head)
	case head == 0xcc:
		return s.number(1, 0x80)
	case head == 0xcd:
		return s.number(2, 0x100)
	case head == 0xce:
		return s.number(4, 0x10000)
	case head == 0xcf:
		return s.number(8, 0x100000000)
	}
	s.fail("%s: expected an unsigned integer, got type byte %#02x", what, head)
	return 0
}

// int takes a signed integer of up to 64 bits: negative ones in their shortest signed form, others
// in their shortest unsigned form.
func (s *shape) int(what string) int64 {
	if rest := s.b[s.at:]; len(rest) > 8 && rest[0] == 0xcf { // as times of these centuries are
		if n := int64(binary.BigEndian.Uint64(rest[1:])); n >= 1<<32 {
			s.at += 9
			return n
		}
	}
	head := s.byte()
	var n, least int64 // least is the least number that fits a shorter form
	switch {
	case head >= 0xe0:
		return int64(int8(head))
	case head == 0xd0:
		n, least = int64(int8(s.number(1, 0x80))), -32
	case head == 0xd1:
		n, least = int64(int16(s.number(2, 0x8000))), -0x80
	case head == 0xd2:
		n, least = int64(int32(s.number(4, 0x80000000))), -0x8000
	case head == 0xd3:
		n, least = int64(s.number(8, 0x8000000000000000)), -0x80000000
	default:
		u := s.unsigned(what, head)
		if u >= 1<<63 {
			s.fail("%s does not fit 64 bits with a sign", what)
		}
		return int64(u)
	}
	if n >= least {
		s.fail("%s is not in its shortest form", what)
	}
	return n
}

// str takes a text of least to most bytes, which shares memory with the input.
func (s *shape) str(what string, least, most int) string {
	if rest := s.b[s.at:]; len(rest) > 0 { // most texts are short and ASCII
		if n := int(rest[0]) - 0xa0; n >= least && n <= min(most, 31) && n < len(rest) && ascii(rest[1:n+1]) {
			s.at += n + 1
			return unsafe.String(unsafe.SliceData(rest[1:]), n)
		}
	}
	return s.longStr(what, least, most)
}

func (s *shape) longStr(what string, least, most int) string {
	head := s.byte()
	var n uint64
	switch {
	case head >= 0xa0 && head < 0xc0:
		n = uint64(head - 0xa0)
	case head == 0xd9:
		n = s.number(1, 32)
	case head == 0xda:
		n = s.number(2, 0x100)
	default:
		s.fail("%s: expected a text, got type byte %#02x", what, head)
	}
	text := s.sized(what, n, least, most)
	if !ascii(text) && !utf8.Valid(text) {
		s.fail("%s is not valid UTF-8", what)
	}
	return unsafe.String(unsafe.SliceData(text), len(text)) // the input is never written again
}

// ascii reports whether b holds nothing but ASCII, as most texts do.
func ascii(b []byte) bool {
	const high = 0x8080808080808080
	if len(b) < 8 {
		all := byte(0)
		for _, c := range b {
			all |= c
		}
		return all < utf8.RuneSelf
	}
	all := binary.LittleEndian.Uint64(b[len(b)-8:])
	for ; len(b) > 8; b = b[8:] {
		all |= binary.LittleEndian.Uint64(b)
	}
	return all&high == 0
}

// bin takes least to most bytes, which share memory with the input; none are nil.
func (s *shape) bin(what string, least, most int) []byte {
	if rest := s.b[s.at:]; len(rest) > 2 { // most have less than 64 KiB, and some
		n, from := 0, 0
		switch {
		case rest[0] == 0xc4:
			n, from = int(rest[1]), 2
		case rest[0] == 0xc5 && rest[1] > 0:
			n, from = int(binary.BigEndian.Uint16(rest[1:])), 3
		}
		if n > 0 && n >= least && n <= min(most, len(rest)-from) {
			s.at += from + n
			return rest[from : from+n : from+n]
		}
	}
	return s.longBin(what, least, most)
}

func (s *shape) longBin(what string, least, most int) []byte {
	head := s.byte()
	var n uint64
	switch head {
	case 0xc4:
		n = s.number(1, 0)
	case 0xc5:
		n = s.number(2, 0x100)
	case 0xc6:
		n = s.number(4, 0x10000)
	default:
		s.fail("%s: expected bytes, got type byte %#02x", what, head)
	}
	if n == 0 && least == 0 {
		return nil
	}
	return s.sized(what, n, least, most)
}

// fill takes as many bytes as into has, and copies them there.
func (s *shape) fill(what string, into []byte) { copy(into, s.bin(what, len(into), len(into))) }

func (s *shape) sized(what string, n uint64, least, most int) []byte {
	if n < uint64(least) || n > uint64(most) {
		s.fail("%s has %d bytes: expected %d to %d", what, n, least, most)
		return nil
	}
	return s.next(int(n))
}

// array takes the header of an array of at most most elements and returns their number.
func (s *shape) array(what string, most int) int {
	head := s.byte()
	var n uint64
	switch {
	case head >= 0x90 && head < 0xa0:
		n = uint64(head - 0x90)
	case head == 0xdc:
		n = s.number(2, 16)
	default:
		s.fail("%s: expected an array, got type byte %#02x", what, head)
	}
	if n > uint64(most) {
		s.fail("%s has %d elements: expected at most %d", what, n, most)
	}
	return int(n)
}

// tuple takes the header of an array of exactly n elements.
func (s *shape) tuple(what string, n int) {
	if n < 16 && s.peek() == byte(0x90+n) {
		s.at++
		return
	}
	if got := s.array(what, n); got != n {
		s.fail("%s has %d elements: expected %d", what, got, n)
	}
}

// end fails unless the whole input was taken.
func (s *shape) end(what string) {
	if s.at != len(s.b) {
		s.fail("%d bytes follow the %s", len(s.b)-s.at, what)
	}
}
