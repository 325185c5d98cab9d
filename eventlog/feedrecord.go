package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/quipulog/quipu/crdt"
)

// feedState is what is kept of a feed beside its ops.
type feedState struct {
	feed crdt.Feed
	// heads is feed.Heads(), made once for a change; never written to.
	heads []crdt.Head
	// clock is the greatest clock among the feed's ops that was not ahead when the op was stored.
	clock crdt.Clock
	// ops and entries count what is held, bodies or not.
	ops, entries uint64
	// trimmed counts the entries held whose bodies are gone, pruned the entries that were held here and
	// are no more.
	trimmed, pruned uint64
	// bytes is the length of all values of the feed's ops in the file. It is 0 with uncounted, where the
	// record is of an older form.
	bytes     uint64
	uncounted bool
	// trimmedTo is the seq below which nothing is left for a trim to do, and pruneSweep the sweep that pruned the
	// feed last; 0 for none.
	trimmedTo, pruneSweep uint64
	// shut is why no more is taken; empty while it is.
	shut ShutReason
}

// clone returns a state that can be changed without f noticing.
func (f *feedState) clone() *feedState {
	g := *f
	g.feed = f.feed.Clone()
	return &g
}

// grow takes note that the values of the feed's ops have become longer, or shorter.
func (f *feedState) grow(bytes int) {
	if !f.uncounted {
		f.bytes += uint64(bytes)
	}
}

// ahead returns the greatest head clock, which is ahead of the feed's clock when it was too far ahead
// of the wall clock to move ours.
func (f *feedState) ahead() crdt.Clock {
	var c crdt.Clock
	for _, b := range f.feed.Branches {
		c = max(c, b.Clock)
	}
	return c
}

// A feed record is, integers big-endian:
//
//	crc32c (4)     of the author and all that follows: a flip here would make us sign a wrong op
//	form (1)       recordForm; form 1 has no second line of numbers, form 2 no third
//	clock (8)  ops (8)  entries (8)
//	trimmed (8)  pruned (8)  trimmedTo (8)  pruneSweep (8)
//	bytes (8)
//	shut (1 + n)   length and text of the reason
//	branches (4)   and for each:
//	    start first (8) id (32)  parent (32)  rooted (1)  head next (8) id (32)  clock (8)  floor (8)
//	leave (2 + n)  length and bytes of the header and signature; length 0 when there is none
const (
	recordForm = 3
	branchSize = 8 + 32 + 32 + 1 + 8 + 32 + 8 + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errRecord = errors.New("not a feed record")

// encode returns the record.
func (f *feedState) encode(a crdt.Author) []byte {
	leave := f.feed.Leave.Bytes()
	b := make([]byte, 4, 104+len(f.shut)+branchSize*len(f.feed.Branches)+len(leave))
	form := byte(recordForm)
	if f.uncounted {
		form = 2
	}
	b = append(b, form)
	b = binary.BigEndian.AppendUint64(b, uint64(f.clock))
	b = binary.BigEndian.AppendUint64(b, f.ops)
	for _, n := range []uint64{f.entries, f.trimmed, f.pruned, f.trimmedTo, f.pruneSweep} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	if !f.uncounted {
		b = binary.BigEndian.AppendUint64(b, f.bytes)
	}
	b = append(append(b, byte(len(f.shut))), f.shut...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.feed.Branches)))
	for i := range f.feed.Branches {
		b = appendBranch(b, &f.feed.Branches[i])
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(leave)))
	b = append(b, leave...)
	binary.BigEndian.PutUint32(b, checksum(a, b[4:]))
	return b
}

func checksum(a crdt.Author, b []byte) uint32 {
	return crc32.Update(crc32.Checksum(a[:], castagnoli), castagnoli, b)
}

func appendBranch(b []byte, br *crdt.Branch) []byte {
	rooted := byte(0)
	if br.Rooted {
		rooted = 1
	}
	b = binary.BigEndian.AppendUint64(b, br.Start.First)
	b = append(append(append(b, br.Start.ID[:]...), br.Parent[:]...), rooted)
	b = binary.BigEndian.AppendUint64(b, br.Head.Next)
	b = append(b, br.Head.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(br.Clock))
	return binary.BigEndian.AppendUint64(b, br.Floor)
}

// decodeFeed reads a record, of which it keeps nothing.
func decodeFeed(a crdt.Author, b []byte) (*feedState, error) {
	if len(b) < 5 || checksum(a, b[4:]) != binary.BigEndian.Uint32(b) {
		return nil, fmt.Errorf("%w: its checksum is another", errRecord)
	}
	if b[4] == 0 || b[4] > recordForm {
		return nil, fmt.Errorf("%w of form %d: this program knows forms 1 to %d", errRecord, b[4], recordForm)
	}
	r := recordReader{b: slices.Clone(b[5:])}
	f := &feedState{feed: crdt.Feed{Author: a}}
	f.clock, f.ops, f.entries = crdt.Clock(r.uint64()), r.uint64(), r.uint64()
	if b[4] > 1 {
		f.trimmed, f.pruned, f.trimmedTo, f.pruneSweep = r.uint64(), r.uint64(), r.uint64(), r.uint64()
	}
	if f.uncounted = b[4] < 3; !f.uncounted {
		f.bytes = r.uint64()
	}
	f.shut = ShutReason(r.take(int(r.take(1)[0])))
	n := int(binary.BigEndian.Uint32(r.take(4)))
	if n > len(r.b)/branchSize {
		return nil, fmt.Errorf("%w: %d branches in %d bytes", errRecord, n, len(r.b))
	}
	f.feed.Branches = make([]crdt.Branch, n)
	for i := range f.feed.Branches {
		r.branch(&f.feed.Branches[i])
	}
	leave := r.take(int(binary.BigEndian.Uint16(r.take(2))))
	if r.short || len(r.b) > 0 {
		return nil, fmt.Errorf("%w: %w", errRecord, errLength)
	}
	if len(leave) > 0 {
		signed, err := crdt.ParseSigned(leave)
		if err != nil {
			return nil, fmt.Errorf("%w: leave: %w", errRecord, err)
		}
		f.feed.Leave = signed
	}
	f.heads = f.feed.Heads()
	return f, nil
}

// recordReader takes fields from the front of a record. Past its end it gives zeros and says so.
type recordReader struct {
	b     []byte
	short bool
}

func (r *recordReader) take(n int) []byte {
	if n > len(r.b) {
		r.short = true
		return make([]byte, n)
	}
	field := r.b[:n:n]
	r.b = r.b[n:]
	return field
}

func (r *recordReader) uint64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

func (r *recordReader) branch(b *crdt.Branch) {
	b.Start = crdt.Key{First: r.uint64(), ID: crdt.OpID(r.take(32))}
	b.Parent = crdt.OpID(r.take(32))
	b.Rooted = r.take(1)[0] == 1
	b.Head = crdt.Head{Next: r.uint64(), ID: crdt.OpID(r.take(32))}
	b.Clock = crdt.Clock(r.uint64())
	b.Floor = r.uint64()
}
