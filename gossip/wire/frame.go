package wire

import (
	"fmt"
	"io"
	"slices"
)

// ReadFrame reads one frame and parses its message. It returns the body's size in bytes. When the
// stream ends between two frames the error is io.EOF; when it ends within one, it wraps
// io.ErrUnexpectedEOF. Other errors are those of the stream or of [Parse].
func ReadFrame(r io.Reader) (Message, int, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		if err != io.EOF {
			err = fmt.Errorf("read frame: %w", err)
		}
		return nil, 0, err
	}
	size, kind := be.Uint32(header[:]), Kind(header[headerSize-1])
	if most := kind.MaxBody(); uint64(size) > uint64(most) {
		return nil, 0, fmt.Errorf("read frame: %w: %s of %d bytes, at most %d are allowed", ErrMalformed, kind, size, most)
	}
	body, err := readBody(r, int(size))
	if err != nil {
		return nil, 0, fmt.Errorf("read frame: %s: %w", kind, err)
	}
	m, err := Parse(kind, body)
	return m, int(size), err
}

// firstPart is how much memory a body gets before any of it has arrived.
const firstPart = 64 << 10

// readBody reads size bytes into memory of their own, which grows as they arrive.
func readBody(r io.Reader, size int) ([]byte, error) {
	if size <= firstPart {
		body := make([]byte, size)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, unexpected(err)
		}
		return body, nil
	}
	body := make([]byte, 0, firstPart)
	for len(body) < size {
		have := len(body)
		part := min(size-have, max(firstPart, have))
		body = slices.Grow(body, part)[:have+part]
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
