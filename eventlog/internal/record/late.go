package record

import (
	"encoding/binary"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// Late are the last ops of a feed of one branch whose arrivals are not in their tree: the feed's entries Seq ≤ seq < Next
// have arrived one after the other, from Offset on, behind all that is in the tree. So the keys of the ops say what their
// arrivals would. Zero where there are none. In a feed's record it is
//
//	seq (8)  next (8)  offset (8)  ops (8)
type Late struct {
	Seq, Next, Offset uint64
	Ops               uint64 // how many there are
}

const lateSize = 4 * 8

// MaxLate is the most ops that are late: so many arrivals are written at once.
const MaxLate = 64

// Add takes an op that has arrived at an offset, behind those that are late.
func (l *Late) Add(first, count, offset uint64) {
	if l.Ops == 0 {
		l.Seq, l.Offset = first, offset
	}
	l.Next = first + count
	l.Ops++
}

// End returns the offset behind the last of the entries.
func (l Late) End() uint64 { return l.Offset + l.Next - l.Seq }

// From returns what is left of it from an offset of its own on; how many ops that are is not known.
func (l Late) From(offset uint64) Late {
	l.Seq += offset - l.Offset
	l.Offset = offset
	return l
}

func (l Late) append(b []byte) []byte {
	if l.Ops == 0 {
		return b
	}
	for _, n := range []uint64{l.Seq, l.Next, l.Offset, l.Ops} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

// parseLate reads what stands at the end of a record.
func parseLate(b []byte) (l Late, err error) {
	if len(b) == 0 {
		return l, nil
	}
	if len(b) != lateSize {
		return l, fmt.Errorf("%w: %w", errFeed, ErrLength)
	}
	for i, n := range []*uint64{&l.Seq, &l.Next, &l.Offset, &l.Ops} {
		*n = binary.BigEndian.Uint64(b[8*i:])
	}
	entries := l.Next - l.Seq
	if l.Seq >= l.Next || l.Next > crdt.MaxSeq || l.Offset >= crdt.MaxSeq || l.Ops > min(MaxLate, entries) || entries > l.Ops*crdt.MaxOpEntries {
		return Late{}, fmt.Errorf("%w: the last %d ops, with entries %d to %d, are late from offset %d on", errFeed, l.Ops, l.Seq, l.Next, l.Offset)
	}
	return l, nil
}

// LateOf returns what the record of a's feed says to be late, without reading the rest of it.
func LateOf(a crdt.Author, b []byte) (Late, error) {
	if len(b) < 4 || checksum(a, b[4:]) != binary.BigEndian.Uint32(b) {
		return Late{}, fmt.Errorf("%w: its checksum is another", errFeed)
	}
	r := feedReader{b: b}
	r.take(beforeShut)
	r.take(int(r.take(1)[0]))
	branches := int(binary.BigEndian.Uint32(r.take(4)))
	r.take(branchSize * min(branches, len(r.b)))
	r.take(int(binary.BigEndian.Uint16(r.take(2))))
	if r.short {
		return Late{}, fmt.Errorf("%w: %w", errFeed, ErrLength)
	}
	return parseLate(r.b)
}
