package record

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/quipulog/quipu/crdt"
)

// Feed is what is kept of a feed beside its ops.
type Feed struct {
	Feed crdt.Feed
	// Heads is Feed.Heads(), made once for a change; never written to.
	Heads []crdt.Head
	// Clock is the greatest clock among the feed's ops that was not ahead when the op was stored.
	Clock crdt.Clock
	// Ops and Entries count what is held, bodies or not.
	Ops, Entries uint64
	// Trimmed counts the entries held whose bodies are gone, Pruned the entries that were held here and are no more.
	Trimmed, Pruned uint64
	// Bytes is the length of all values of the feed's ops in the file.
	Bytes uint64
	// TrimmedTo is the seq below which nothing is left for a trim to do, and PruneSweep the sweep that
	// pruned the feed last; 0 for none.
	TrimmedTo, PruneSweep uint64
	// Shut is why no more is taken, in at most 255 bytes; empty while it is.
	Shut string
	// Late are the feed's ops whose arrivals are not written yet; of the feed of whoever writes here alone.
	Late Late
}

// Clone returns a record that can be changed without f noticing.
func (f *Feed) Clone() *Feed {
	g := *f
	g.Feed = f.Feed.Clone()
	return &g
}

// Drop takes an op off the record that was pruned in a sweep: its value, and how many entries it has.
func (f *Feed) Drop(v Op, count, sweep uint64) {
	f.Lose(v, count)
	f.prune(count, sweep)
}

// Lose takes off the record an op that is not there any more, but not its entries.
func (f *Feed) Lose(v Op, count uint64) {
	if v.Bodiless() {
		f.Trimmed -= min(f.Trimmed, count)
	}
	f.Ops--
	f.Grow(-len(v))
}

func (f *Feed) prune(count, sweep uint64) {
	f.Entries -= count
	f.Pruned += count
	f.PruneSweep = sweep
}

// Forget forgets what lies below start, see [crdt.Feed.Forget]. Of that so many entries were dropped in a sweep; it returns
// how many others there were by the record, which count as pruned, too.
func (f *Feed) Forget(start crdt.Signed, dropped, sweep uint64) (missing uint64) {
	before := f.long()
	f.Feed.Forget(start)
	if gone := before - f.long(); gone > dropped {
		missing = gone - dropped
		f.prune(missing, sweep)
	}
	return missing
}

// long returns how many entries the branches have.
func (f *Feed) long() (n uint64) {
	for _, b := range f.Feed.Branches {
		n += b.Head.Next - b.Start.First
	}
	return n
}

// Behind returns how many entries are on record that no branch has: those behind the end of a feed that was cut since they
// cannot be read.
func (f *Feed) Behind() uint64 { return f.Entries - min(f.Entries, f.long()) }

// Grow takes note that the values of the feed's ops have become longer, or shorter.
func (f *Feed) Grow(bytes int) { f.Bytes += uint64(bytes) }

// Ahead returns the greatest head clock, which is ahead of the feed's clock when it was too far ahead
// of the wall clock to move ours.
func (f *Feed) Ahead() crdt.Clock {
	var c crdt.Clock
	for _, b := range f.Feed.Branches {
		c = max(c, b.Clock)
	}
	return c
}

// Disputed reports whether the author contradicts itself; of nothing held, a nil f, it does not.
func (f *Feed) Disputed() bool {
	if f == nil || len(f.Feed.Branches) < 2 {
		return false
	}
	_, disputed := f.Feed.Disputed()
	return disputed
}

// A feed record is:
//
//	crc32c (4)     of the author and all that follows: a flip here would make us sign a wrong op
//	clock (8)  ops (8)  entries (8)  trimmed (8)  pruned (8)  trimmedTo (8)  pruneSweep (8)  bytes (8)
//	shut (1 + n)   length and text of the reason
//	branches (4)   and for each:
//	    start first (8) id (32)  parent (32)  rooted (1)  head next (8) id (32)  clock (8)  floor (8)
//	leave (2 + n)  length and bytes of the header and signature; length 0 when there is none
//	late           see late.go; absent while nothing is
const (
	beforeShut = 4 + 8*8
	branchSize = 8 + 32 + 32 + 1 + 8 + 32 + 8 + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errFeed = errors.New("not a feed record")

// Encode returns the record of a's feed.
func (f *Feed) Encode(a crdt.Author) []byte {
	leave := f.Feed.Leave.Bytes()
	b := make([]byte, 4, beforeShut+lateSize+8+len(f.Shut)+branchSize*len(f.Feed.Branches)+len(leave))
	for _, n := range []uint64{uint64(f.Clock), f.Ops, f.Entries, f.Trimmed, f.Pruned, f.TrimmedTo, f.PruneSweep, f.Bytes} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = append(append(b, byte(len(f.Shut))), f.Shut...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.Feed.Branches)))
	for i := range f.Feed.Branches {
		b = appendBranch(b, &f.Feed.Branches[i])
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(leave)))
	b = f.Late.append(append(b, leave...))
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

// ParseFeed reads the record of a's feed.
func ParseFeed(a crdt.Author, b []byte) (*Feed, error) {
	if len(b) < 4 || checksum(a, b[4:]) != binary.BigEndian.Uint32(b) {
		return nil, fmt.Errorf("%w: its checksum is another", errFeed)
	}
	r := feedReader{b: slices.Clone(b[4:])}
	f := &Feed{Feed: crdt.Feed{Author: a}, Clock: crdt.Clock(r.uint64())}
	for _, n := range []*uint64{&f.Ops, &f.Entries, &f.Trimmed, &f.Pruned, &f.TrimmedTo, &f.PruneSweep, &f.Bytes} {
		*n = r.uint64()
	}
	f.Shut = string(r.take(int(r.take(1)[0])))
	n := int(binary.BigEndian.Uint32(r.take(4)))
	if n > len(r.b)/branchSize {
		return nil, fmt.Errorf("%w: %d branches in %d bytes", errFeed, n, len(r.b))
	}
	f.Feed.Branches = make([]crdt.Branch, n)
	for i := range f.Feed.Branches {
		r.branch(&f.Feed.Branches[i])
	}
	leave := r.take(int(binary.BigEndian.Uint16(r.take(2))))
	var err error
	if f.Late, err = parseLate(r.b); err != nil || r.short {
		return nil, cmp.Or(err, fmt.Errorf("%w: %w", errFeed, ErrLength))
	}
	if len(leave) > 0 {
		signed, err := crdt.ParseSigned(leave)
		if err != nil {
			return nil, fmt.Errorf("%w: leave: %w", errFeed, err)
		}
		f.Feed.Leave = signed
	}
	f.Heads = f.Feed.Heads()
	return f, nil
}

// feedReader takes fields from the front of a record. Past its end it gives zeros and says so.
type feedReader struct {
	b     []byte
	short bool
}

func (r *feedReader) take(n int) []byte {
	if n > len(r.b) {
		r.short = true
		return make([]byte, n)
	}
	field := r.b[:n:n]
	r.b = r.b[n:]
	return field
}

func (r *feedReader) uint64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

func (r *feedReader) branch(b *crdt.Branch) {
	b.Start = crdt.Key{First: r.uint64(), ID: crdt.OpID(r.take(32))}
	b.Parent = crdt.OpID(r.take(32))
	b.Rooted = r.take(1)[0] == 1
	b.Head = crdt.Head{Next: r.uint64(), ID: crdt.OpID(r.take(32))}
	b.Clock = crdt.Clock(r.uint64())
	b.Floor = r.uint64()
}
