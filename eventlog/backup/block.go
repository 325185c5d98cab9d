package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// magic is the line that a backup begins with.
const magic = "quipu backup 1\n"

// The kinds of blocks.
const (
	kindHead    = 'h'
	kindFile    = 'f'
	kindKey     = 'k'
	kindSmall   = 's'
	kindTrimmed = 't'
	kindOps     = 'o'
	kindMissing = 'm'
	kindEnd     = 'e'
)

const (
	blockHeader = 1 + 4
	// blockBytes is how long a payload is before the next block begins.
	blockBytes = 1 << 20
	// maxItem bounds one item of a block: a value of a follower's state is the longest.
	maxItem = 17 << 20
	// maxPayload is more than a payload can have.
	maxPayload = blockBytes + maxItem
)

var (
	// ErrNotBackup is wrapped where something is no backup at all.
	ErrNotBackup = errors.New("it is no backup of quipu's")
	// ErrVersion is wrapped where a backup is of a version that this program does not know.
	ErrVersion = errors.New("it is of another version")
	// ErrCut is wrapped where a backup ends before its end.
	ErrCut = errors.New("it was cut: it ends here")
	// ErrAltered is wrapped where a backup is not what was written.
	ErrAltered = errors.New("it was altered: what stands here was not written so")
	// ErrChain is wrapped where a backup does not follow the one before it.
	ErrChain = errors.New("it does not follow the one before it")
)

// BrokenError says that a backup cannot be used, and why: it wraps [ErrNotBackup], [ErrVersion], [ErrCut], [ErrAltered] or
// [ErrChain], or the error of a stream that could not be read.
type BrokenError struct {
	Name string // of the file, else which of those that were given
	At   int64  // where in the stream that is, in bytes
	Err  error
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("backup %s cannot be used, from byte %d on: %v", e.Name, e.At, e.Err)
}

func (e *BrokenError) Unwrap() error { return e.Err }

// blockWriter writes blocks.
type blockWriter struct {
	w     io.Writer
	sum   [sha256.Size]byte // of all so far
	bytes int64
	b     []byte // the block that is gathering, its header first
	kind  byte
}

func newBlockWriter(w io.Writer) (*blockWriter, error) {
	_, err := io.WriteString(w, magic)
	return &blockWriter{w: w, sum: sha256.Sum256([]byte(magic)), bytes: int64(len(magic))}, err
}

// begin returns the block of a kind that an item is appended to; give takes it back.
func (w *blockWriter) begin(kind byte) ([]byte, error) {
	if len(w.b) > 0 && (w.kind != kind || len(w.b) >= blockBytes) {
		if err := w.flush(); err != nil {
			return nil, err
		}
	}
	if len(w.b) == 0 {
		w.kind, w.b = kind, append(w.b[:0], kind, 0, 0, 0, 0)
	}
	return w.b, nil
}

// flush writes the block that is gathering.
func (w *blockWriter) flush() error {
	if len(w.b) == 0 {
		return nil
	}
	binary.BigEndian.PutUint32(w.b[1:], uint32(len(w.b)-blockHeader))
	h := sha256.New()
	h.Write(w.sum[:])
	h.Write(w.b)
	w.b = h.Sum(w.b)
	copy(w.sum[:], w.b[len(w.b)-sha256.Size:])
	n, err := w.w.Write(w.b)
	w.bytes += int64(n)
	w.b = w.b[:0]
	return err
}

// blockReader reads blocks, and checks each before it returns it.
type blockReader struct {
	r    io.Reader
	name string
	sum  [sha256.Size]byte
	at   int64 // where the block that was read last begins, or is to begin that could not be read
	size int64 // of that block, 0 where it could not
}

// begin reads the line that a backup begins with.
func (r *blockReader) begin() error {
	line := make([]byte, len(magic))
	n, err := io.ReadFull(r.r, line)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && n > 0 && magic[:n] == string(line[:n]):
		return r.broken(ErrCut)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return r.broken(ErrNotBackup)
	case err != nil:
		return r.broken(err)
	case string(line[:len(magic)-2]) == magic[:len(magic)-2] && string(line) != magic:
		return r.broken(ErrVersion)
	case string(line) != magic:
		return r.broken(ErrNotBackup)
	}
	r.sum, r.size = sha256.Sum256(line), int64(len(line))
	return nil
}

func (r *blockReader) broken(err error) error { return &BrokenError{Name: r.name, At: r.at, Err: err} }

// next returns the next block, in memory of its own.
func (r *blockReader) next() (kind byte, payload []byte, err error) {
	r.at, r.size = r.at+r.size, 0
	var header [blockHeader]byte
	if err := r.fill(header[:]); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(header[1:])
	if length > maxPayload {
		return 0, nil, r.broken(ErrAltered)
	}
	b := slices.Grow([]byte(nil), min(int(length), blockBytes)+sha256.Size)
	for left := int(length) + sha256.Size; left > 0; { // what a wrong length claims is not there
		n := min(left, blockBytes+sha256.Size)
		b = slices.Grow(b, n)[:len(b)+n]
		if err := r.fill(b[len(b)-n:]); err != nil {
			return 0, nil, err
		}
		left -= n
	}
	payload = b[:length:length]
	h := sha256.New()
	h.Write(r.sum[:])
	h.Write(header[:])
	h.Write(payload)
	var sum [sha256.Size]byte
	if h.Sum(sum[:0]); sum != [sha256.Size]byte(b[length:]) {
		return 0, nil, r.broken(ErrAltered)
	}
	r.sum, r.size = sum, blockHeader+int64(len(b))
	return header[0], payload, nil
}

func (r *blockReader) fill(b []byte) error {
	_, err := io.ReadFull(r.r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = ErrCut
	}
	if err != nil {
		return r.broken(err)
	}
	return nil
}

// end checks that nothing follows, and returns how long all is.
func (r *blockReader) end() (size int64, err error) {
	r.at, r.size = r.at+r.size, 0
	n, err := io.ReadFull(r.r, make([]byte, 1))
	if n > 0 {
		return 0, r.broken(fmt.Errorf("%w: something follows its end", ErrAltered))
	}
	if !errors.Is(err, io.EOF) {
		return 0, r.broken(err)
	}
	return r.at, nil
}
