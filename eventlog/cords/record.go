package cords

import (
	"encoding/binary"
	"errors"
	"slices"
)

// errRecord says that the bytes of the projection are not what was written.
var errRecord = errors.New("the counts of cords are not what was written")

// record is what is kept of an author, or of the log as a whole:
//
//	form (1) ‖ entries ‖ first, last: the ticks of the least and the greatest time ‖ how many kinds were new with him ‖
//	how many kinds ‖ their ids ‖ cells
//
//	cell = level and flags (1) ‖ how far it begins behind the one before, in its own length ‖ kinds ‖ seqs
//
// The kind of a cell with one entry is its place in the list of kinds, from 1, or 0; of another they are how many there
// are, and each with its count. The seqs of a cell that goes on behind the one before, each one once, are left out.
type record struct {
	most, kindsMost int // bytes, and kinds
	n               uint64
	first, last     tick
	begun           uint64 // kinds that were new with him
	kinds           []kindID
	cells           []cell
	// rest is what of the bytes has the cells, until they are read; room is where their kinds are.
	rest []byte
	room []kindCount
}

const (
	recordForm = 1

	// leastCell is how many bytes a cell takes at least.
	leastCell = 3

	levelMask = 1<<6 - 1
	flagOne   = 1 << 6 // there is one entry
	flagOn    = 1 << 7 // its seqs go on
)

func newRecord() record { return record{most: maxRecord, kindsMost: ownKinds} }
func newWhole() record  { return record{most: maxWhole, kindsMost: wholeKinds} }

// size returns how many bytes the record takes.
func (r *record) size() int { return len(r.encode(nil)) }

// encode appends the bytes of the record.
func (r *record) encode(b []byte) []byte {
	from := len(b)
	b = append(b, recordForm)
	b = binary.AppendUvarint(b, r.n)
	b = binary.AppendUvarint(b, uint64(r.first))
	b = binary.AppendUvarint(b, uint64(r.last))
	b = binary.AppendUvarint(b, r.begun)
	b = binary.AppendUvarint(b, uint64(len(r.kinds)))
	for _, id := range r.kinds {
		b = binary.AppendUvarint(b, uint64(id))
	}
	ended, next := tick(0), uint64(0)
	for i := range r.cells {
		c := &r.cells[i]
		b = c.encode(b, ended, next, r.kinds)
		ended, next = c.end(), c.hi+1
	}
	return seal(b, from)
}

// encode appends the bytes of a cell behind one that has ended, in a list with the kinds.
func (c *cell) encode(b []byte, ended tick, next uint64, kinds []kindID) []byte {
	head := c.level
	on := c.lo == next && c.hi-c.lo+1 == c.n
	if c.n == 1 {
		head |= flagOne
	}
	if on {
		head |= flagOn
	}
	b = append(b, head)
	b = binary.AppendUvarint(b, uint64(c.start>>c.level-roundUp(ended, c.level)))
	if c.n != 1 {
		b = binary.AppendUvarint(b, uint64(len(c.kinds)))
	}
	for _, k := range c.kinds {
		b = binary.AppendUvarint(b, uint64(slices.Index(kinds, k.kind)+1)) // 0 for what is not told apart
		if c.n != 1 {
			b = binary.AppendUvarint(b, k.n)
		}
	}
	if on {
		return b
	}
	b = binary.AppendVarint(b, int64(c.lo-next))
	return binary.AppendUvarint(b, c.hi-c.lo)
}

// roundUp returns the number of the first cell of a level that begins at t or later.
func roundUp(t tick, level uint8) tick { return (t + 1<<level - 1) >> level }

// decode reads a record but for its cells: see [record.open]. What the record held before is gone.
func (r *record) decode(b []byte) error {
	body, err := unseal(b)
	if err != nil || len(body) == 0 || body[0] != recordForm {
		return errRecord
	}
	p := parser{b: body[1:]}
	r.n, r.first, r.last, r.begun = p.uint(), tick(p.uint()), tick(p.uint()), p.uint()
	r.kinds, r.cells, r.room = r.kinds[:0], r.cells[:0], r.room[:0]
	for range p.count() {
		r.kinds = append(r.kinds, kindID(p.uint()))
	}
	r.rest = p.b
	if p.wrong {
		return errRecord
	}
	return nil
}

// open reads the cells of a record that was decoded.
func (r *record) open() error {
	p := parser{b: r.rest, room: r.room}
	var ended tick
	next := uint64(0)
	for len(p.b) > 0 && !p.wrong {
		c := p.cell(ended, next, r.kinds)
		r.cells = append(r.cells, c)
		ended, next = c.end(), c.hi+1
	}
	r.rest, r.room = nil, p.room
	if p.wrong {
		return errRecord
	}
	return nil
}

// parser reads the parts of a record. What is wrong with one it remembers.
type parser struct {
	b     []byte
	wrong bool
	room  []kindCount
}

func (p *parser) uint() uint64 {
	v, n := binary.Uvarint(p.b)
	if n <= 0 {
		p.b, p.wrong = nil, true
		return 0
	}
	p.b = p.b[n:]
	return v
}

// count reads how many parts follow, each of which takes a byte or more.
func (p *parser) count() int {
	n := p.uint()
	if n > uint64(len(p.b)) {
		p.b, p.wrong = nil, true
		return 0
	}
	return int(n)
}

func (p *parser) int() int64 {
	v, n := binary.Varint(p.b)
	if n <= 0 {
		p.b, p.wrong = nil, true
		return 0
	}
	p.b = p.b[n:]
	return v
}

func (p *parser) cell(ended tick, next uint64, kinds []kindID) (c cell) {
	head := p.b[0]
	p.b = p.b[1:]
	c.level = min(head&levelMask, longest)
	c.start = (roundUp(ended, c.level) + tick(p.uint())) << c.level
	many := 1
	if head&flagOne == 0 {
		many = p.count()
	}
	from := len(p.room)
	for range many {
		k := kindCount{n: 1}
		if at := p.uint(); at > uint64(len(kinds)) {
			p.wrong = true
		} else if at > 0 {
			k.kind = kinds[at-1]
		}
		if head&flagOne == 0 {
			k.n = p.uint()
		}
		p.room = append(p.room, k)
		c.n += k.n
	}
	c.kinds = p.room[from:len(p.room):len(p.room)]
	c.lo, c.hi = next, next+c.n-1
	if head&flagOn == 0 {
		c.lo = next + uint64(p.int())
		c.hi = c.lo + p.uint()
	}
	return c
}
