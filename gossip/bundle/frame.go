package bundle

import (
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

var be = binary.BigEndian

// appendHead appends the frame of a head: log ‖ author ‖ made, in ms since 1970 (8) ‖ genesis with its
// length (2) before it. The frontiers follow in frames of their own.
func appendHead(b []byte, h Head) []byte {
	b = appendHeader(b, kindHead, headLeast+len(h.Genesis))
	b = append(append(b, h.Log[:]...), h.Author[:]...)
	b = be.AppendUint64(b, uint64(h.Made.UnixMilli()))
	return append(be.AppendUint16(b, uint16(len(h.Genesis))), h.Genesis...)
}

// parseHead reads the body of a head.
func parseHead(b []byte) (Head, error) {
	if len(b) < headLeast {
		return Head{}, fmt.Errorf("%w: %d bytes, expected at least %d", ErrHead, len(b), headLeast)
	}
	h := Head{Log: crdt.LogID(b[:16]), Author: crdt.Author(b[16:48]), Since: crdt.Frontier{}, Upto: crdt.Frontier{}}
	h.Made = time.UnixMilli(int64(be.Uint64(b[48:]))).UTC()
	if n := int(be.Uint16(b[56:])); n != len(b)-headLeast {
		return Head{}, fmt.Errorf("%w: a genesis of %d bytes in %d", ErrHead, n, len(b)-headLeast)
	}
	h.Genesis = b[headLeast:]
	if len(h.Genesis) == 0 {
		return h, nil
	}
	g, err := crdt.ParseGenesis(h.Genesis)
	if err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrHead, err)
	}
	if g.Log() != h.Log {
		return Head{}, fmt.Errorf("%w: its genesis is that of log %s, not %s", ErrHead, g.Log(), h.Log)
	}
	return h, nil
}

// end is the last frame of a bundle.
type end struct {
	ops, entries uint64
	sum          crdt.Hash // SHA-256 of all that comes before
}

func appendEnd(b []byte, e end) []byte {
	b = appendHeader(b, kindEnd, endSize)
	b = be.AppendUint64(be.AppendUint64(b, e.ops), e.entries)
	return append(b, e.sum[:]...)
}

// parseEnd reads the body of an end, which has endSize bytes.
func parseEnd(b []byte) end {
	return end{ops: be.Uint64(b), entries: be.Uint64(b[8:]), sum: crdt.Hash(b[16:])}
}

func appendHeader(b []byte, kind wire.Kind, size int) []byte {
	return append(be.AppendUint32(b, uint32(size)), byte(kind))
}

// partSize is how many authors are looked up together.
const partSize = 256

// parts yields f in parts of a few authors each, in order. A part is valid until the next.
func parts(f crdt.Frontier) iter.Seq[crdt.Frontier] {
	return func(yield func(crdt.Frontier) bool) {
		part := make(crdt.Frontier, partSize)
		for a, heads := range f.All() {
			part[a] = heads
			if len(part) == partSize {
				if !yield(part) {
					return
				}
				clear(part)
			}
		}
		if len(part) > 0 {
			yield(part)
		}
	}
}

func countHeads(f crdt.Frontier) int {
	n := 0
	for _, heads := range f {
		n += len(heads)
	}
	return n
}
