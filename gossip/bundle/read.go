package bundle

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// Reading says how the reading of a bundle went.
type Reading struct {
	// Whole says that every byte is as it was written, from the magic to the end.
	Whole bool `json:"whole"`
	// Damage says what is wrong first, and where; Skipped is how many frames could not be read.
	Damage  string `json:"damage,omitempty"`
	Skipped int    `json:"skipped,omitempty"`
	// Bytes is how far the bundle was read.
	Bytes int64 `json:"bytes"`
}

// damage notes what is wrong at an offset.
func (r *Reading) damage(at int64, format string, args ...any) {
	if r.Damage == "" {
		r.Damage = fmt.Sprintf("at byte %d: %s", at, fmt.Sprintf(format, args...))
	}
}

// ReadHead reads a bundle up to its first ops.
func ReadHead(r io.Reader) (Head, error) {
	b, err := open(r)
	if err != nil {
		return Head{}, fmt.Errorf("read bundle: %w", err)
	}
	for range b.runs() {
		break
	}
	if b.err == nil && b.Damage != "" {
		b.err = fmt.Errorf("%w: %s", ErrHead, b.Damage)
	}
	if b.err != nil {
		return Head{}, fmt.Errorf("read bundle: %w", b.err)
	}
	return b.head, nil
}

// reader reads a bundle from the front.
type reader struct {
	Reading
	head Head
	err  error // of the stream itself

	r   *bufio.Reader
	sum hash.Hash // of what was read

	ops, entries uint64 // that came
	since, upto  int    // heads that came
}

// open reads the magic and the head, less the frontiers.
func open(r io.Reader) (*reader, error) {
	b := &reader{r: bufio.NewReaderSize(r, 64<<10), sum: sha256.New()}
	begin, err := b.r.Peek(len(magic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case string(begin) == magic:
	case strings.HasPrefix(string(begin), family):
		return nil, fmt.Errorf("%w that this program can read: it begins with %q, expected %q", ErrNotBundle, begin, magic)
	default:
		return nil, fmt.Errorf("%w: it does not begin with %q", ErrNotBundle, magic)
	}
	if _, err := b.take(len(magic)); err != nil {
		return nil, err
	}
	kind, size, err := b.peek()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHead, err)
	}
	if kind != kindHead || size > headLeast+wire.MaxGenesis {
		return nil, fmt.Errorf("%w: %d bytes of %s where the head should be", ErrHead, size, kind)
	}
	body, err := b.take(headerSize + size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHead, err)
	}
	b.head, err = parseHead(body[headerSize:])
	return b, err
}

// Read reads on and notes what was read: it is how frames of package wire are read.
func (b *reader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.sum.Write(p[:n])
	b.Bytes += int64(n)
	return n, err
}

// take reads n bytes.
func (b *reader) take(n int) ([]byte, error) {
	p := make([]byte, n)
	if _, err := io.ReadFull(b, p); err != nil {
		return nil, cutOff(err)
	}
	return p, nil
}

// errCutOff is the error at the end of a bundle that has no end.
var errCutOff = errors.New("the bundle is cut off")

func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCutOff
	}
	return err
}

// peek returns the kind and the body's size of the next frame.
func (b *reader) peek() (wire.Kind, int, error) {
	header, err := b.r.Peek(headerSize)
	if err != nil {
		return 0, 0, cutOff(err)
	}
	return wire.Kind(header[headerSize-1]), int(min(be.Uint32(header), math.MaxInt32)), nil // more than any frame has, on 32 bits too
}

// runs yields the runs of the bundle and takes in the frontiers before them. What cannot be read is
// noted and passed over, as long as it can be told where the next frame begins. An error of the stream
// itself, which says nothing of the bundle, ends the reading and is in b.err.
func (b *reader) runs() func(yield func(wire.Ops) bool) {
	return func(yield func(wire.Ops) bool) {
		for {
			at := b.Bytes
			kind, _, err := b.peek()
			if err == nil && kind == kindEnd {
				b.end()
				return
			}
			var m wire.Message
			var size wire.Size
			if err == nil {
				m, size, err = wire.ReadFrame(b, true)
			}
			switch m := m.(type) {
			case wire.Vector:
				err = b.vector(m)
			case wire.Ops:
				b.count(m)
				if !yield(m) {
					return
				}
			case nil:
			default:
				err = fmt.Errorf("%w: %s, which does not belong in a bundle", wire.ErrMalformed, m.Kind())
			}
			if err != nil && !b.passOver(at, size, err) {
				return
			}
		}
	}
}

// passOver notes what is wrong with the frame at an offset, and reports whether the next can be found.
func (b *reader) passOver(at int64, size wire.Size, err error) bool {
	err = cutOff(err)
	malformed := errors.Is(err, wire.ErrMalformed)
	if _, other := errors.AsType[*wire.VersionError](err); other {
		malformed = true // a hello, which does not belong here
	}
	if !malformed && !errors.Is(err, errCutOff) {
		b.err = err
		return false
	}
	b.damage(at, "%v", err)
	if size.Wire == 0 {
		return false // where the next frame begins cannot be told
	}
	b.Skipped++
	return true
}

// vector takes in a part of a frontier.
func (b *reader) vector(v wire.Vector) error {
	f, count := b.head.Since, &b.since
	switch v.Round {
	case roundSince:
	case roundUpto:
		f, count = b.head.Upto, &b.upto
	default:
		return fmt.Errorf("%w: a frontier in round %d", wire.ErrMalformed, v.Round)
	}
	for a, heads := range v.Heads {
		if *count += len(heads); *count > MaxHeads {
			return fmt.Errorf("%w: a frontier of more than %d heads", wire.ErrMalformed, MaxHeads)
		}
		f[a] = heads
	}
	return nil
}

func (b *reader) count(m wire.Ops) {
	b.ops += uint64(len(m.Run.Ops))
	for _, op := range m.Run.Ops {
		b.entries += op.Count
	}
}

// end reads the end and holds what came before against it.
func (b *reader) end() {
	at, sum := b.Bytes, crdt.Hash(b.sum.Sum(nil))
	_, size, _ := b.peek()
	if size != endSize {
		b.damage(at, "an end of %d bytes, expected %d", size, endSize)
		return
	}
	frame, err := b.take(headerSize + size)
	if err != nil {
		if !errors.Is(err, errCutOff) {
			b.err = err
		}
		b.damage(at, "%v", err)
		return
	}
	e := parseEnd(frame[headerSize:])
	switch {
	case e.ops != b.ops || e.entries != b.entries:
		b.damage(at, "%d ops with %d entries came; the end counts %d with %d", b.ops, b.entries, e.ops, e.entries)
		return
	case e.sum != sum:
		b.damage(at, "the hash in the end is not that of what came before it: something of that was changed")
		return
	}
	if more, err := b.r.Peek(1); len(more) > 0 {
		b.damage(b.Bytes, "bytes follow the end")
		return
	} else if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
		return
	}
	b.Whole = b.Damage == ""
}
