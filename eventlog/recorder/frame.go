package recorder

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/gap"
)

// A spill file begins with a line that names the log, and then has a record an event:
//
//	length of what follows the checksum (4) ‖ CRC-32C of it (4) ‖ first number (8) ‖ last number (8) ‖ the event's JSON form
//
// Integers are big-endian. The two numbers differ only where the event is a gap.
const (
	frameHead    = 4 + 4
	numbersBytes = 8 + 8
)

// errBroken says that a spill file is not as it was written.
var errBroken = errors.New("the spill file is damaged")

// appendFrame appends the record of an item.
func appendFrame(dst []byte, it *item) ([]byte, error) {
	e, first := it.event, it.number
	if it.lost != nil {
		var err error
		if e, err = it.lost.Event(); err != nil {
			return dst, err
		}
		first = it.lost.First
	}
	start := len(dst)
	dst = append(dst, make([]byte, frameHead)...)
	dst = binary.BigEndian.AppendUint64(dst, first)
	dst = binary.BigEndian.AppendUint64(dst, it.number)
	dst = e.AppendJSON(dst)
	body := dst[start+frameHead:]
	binary.BigEndian.PutUint32(dst[start:], uint32(len(body)))
	binary.BigEndian.PutUint32(dst[start+4:], crc32.Checksum(body, castagnoli))
	return dst, nil
}

// frameReader reads records one after the other.
type frameReader struct {
	r    io.Reader
	buf  []byte
	read int64 // bytes of whole records
}

// next returns the numbers and the text of the next record, which is good until the next call: [io.EOF]
// at the end of the file, an error that wraps errBroken where a record is not whole, and else what
// reading gave.
func (f *frameReader) next() (numbers span, text []byte, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return span{}, nil, cutShort(err)
	}
	size := int64(binary.BigEndian.Uint32(head[:]))
	if size < numbersBytes || size > maxRecord {
		return span{}, nil, fmt.Errorf("%w: a record of %d bytes", errBroken, size)
	}
	if int64(cap(f.buf)) < size {
		f.buf = make([]byte, size)
	}
	f.buf = f.buf[:size]
	if _, err := io.ReadFull(f.r, f.buf); err == io.EOF {
		return span{}, nil, cutShort(io.ErrUnexpectedEOF)
	} else if err != nil {
		return span{}, nil, cutShort(err)
	}
	if crc32.Checksum(f.buf, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
		return span{}, nil, fmt.Errorf("%w: a checksum does not match", errBroken)
	}
	f.read += frameHead + size
	numbers = span{binary.BigEndian.Uint64(f.buf), binary.BigEndian.Uint64(f.buf[8:])}
	if numbers.First == 0 || numbers.First > numbers.Last {
		return span{}, nil, fmt.Errorf("%w: a record numbered %d to %d", errBroken, numbers.First, numbers.Last)
	}
	return numbers, f.buf[numbersBytes:], nil
}

func cutShort(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends within a record", errBroken)
	}
	return err
}

// nextItem is next with the item read. An event that could not be appended is damage too.
func (f *frameReader) nextItem() (item, error) {
	numbers, text, err := f.next()
	if err != nil {
		return item{}, err
	}
	it, err := parseItem(numbers, text)
	if err != nil {
		return item{}, fmt.Errorf("%w: record %d: %w", errBroken, numbers.Last, err)
	}
	return it, nil
}

// isGap reports whether a record names lost events. The text of an event may have the kind of a gap
// anywhere; that of a gap always has it.
func isGap(numbers span, text []byte) bool {
	if numbers.First < numbers.Last {
		return true
	}
	if !bytes.Contains(text, []byte(gap.Kind)) {
		return false
	}
	it, err := parseItem(numbers, text)
	return err == nil && it.lost != nil
}

func parseItem(numbers span, text []byte) (item, error) {
	e, err := crdt.ParseEventJSON(text)
	if err != nil {
		return item{}, err
	}
	if e.Kind != gap.Kind {
		return item{number: numbers.Last, event: e}, check(&e)
	}
	lost, err := gap.Parse(eventlog.Entry{Entry: crdt.Entry{Event: e}})
	return item{number: numbers.Last, lost: &lost}, err
}
