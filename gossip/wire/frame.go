package wire

import (
	"fmt"
	"io"
)

// Size is how many bytes a frame has, its header counted.
type Size struct {
	Wire  int // as it came
	Plain int // unpacked; the same as Wire unless it came packed
}

// ReadFrame reads one frame and parses its message. Packed frames are read only when packed says that
// both ends have agreed on them. When the stream ends between two frames the error is io.EOF; when it
// ends within one, it wraps io.ErrUnexpectedEOF. Other errors are those of the stream, or wrap
// [ErrMalformed] or a [*VersionError].
//
// A call takes memory of at most twice the largest body, most of it only once so many bytes came.
func ReadFrame(r io.Reader, packed bool) (Message, Size, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		if err != io.EOF {
			err = fmt.Errorf("read frame: %w", err)
		}
		return nil, Size{}, err
	}
	announced, kind := be.Uint32(header[:]), Kind(header[headerSize-1])
	if kind == KindPacked && !packed {
		return nil, Size{}, fmt.Errorf("read frame: %w: %s, which was not agreed", ErrMalformed, kind)
	}
	if most := kind.MaxBody(); uint64(announced) > uint64(most) {
		return nil, Size{}, fmt.Errorf("read frame: %w: %s of %d bytes, at most %d are allowed", ErrMalformed, kind, announced, most)
	}
	body, err := readBody(r, int(announced))
	if err != nil {
		return nil, Size{}, fmt.Errorf("read frame: %s: %w", kind, err)
	}
	size := Size{Wire: headerSize + len(body)}
	if kind == KindPacked {
		if kind, body, err = unpack(body); err != nil {
			return nil, size, fmt.Errorf("read frame: %w", err)
		}
	}
	size.Plain = headerSize + len(body)
	m, err := Parse(kind, body)
	return m, size, err
}

// firstPart is how much memory a body gets before any of it has arrived.
const firstPart = 64 << 10

// readBody reads size bytes into memory of their own, which grows as they arrive and is no more than they
// need in the end.
func readBody(r io.Reader, size int) ([]byte, error) {
	if size <= firstPart {
		body := make([]byte, size)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, unexpected(err)
		}
		return body, nil
	}
	var body []byte
	for len(body) < size {
		have := len(body)
		grown := make([]byte, min(size, max(firstPart, 2*have)))
		copy(grown, body)
		body = grown
		if _, err := io.ReadFull(r, body[have:]); err != nil {
			return nil, unexpected(err)
		}
	}
	return body, nil
}

// unexpected turns the end of a stream into the end within a frame.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
