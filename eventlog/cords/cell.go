package cords

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// tick is a millisecond, counted from before all times that an entry can have; origin is 1970. Since all cells begin at a
// multiple of their length from 1970, they do so from tick 0.
type tick uint64

const (
	origin tick = 1 << 44
	// longest is the level of the longest cells: one is of all times before 1970, one of all others.
	longest = 44
)

func tickOf(t time.Time) tick { return tick(t.UnixMilli() + int64(origin)) }

// milli returns the milliseconds since 1970.
func (t tick) milli() int64 { return int64(t) - int64(origin) }

// tickAt returns the tick of some milliseconds since 1970, or the nearest that a time can have.
func tickAt(milli int64) tick {
	return tick(min(max(milli, -int64(origin)), int64(origin)-1) + int64(origin))
}

// kindID is a kind of a log, 0 what is not told apart.
type kindID uint16

// kindCount is how many entries of a kind there are.
type kindCount struct {
	kind kindID
	n    uint64
}

// cell counts the entries whose time is in start ≤ t < start + 2^level. Invariant: start is a multiple of 2^level.
type cell struct {
	start  tick
	level  uint8
	n      uint64
	lo, hi uint64 // the least and the greatest seq
	// kinds are in order, add up to n, and are not changed by those who are given them: [cell.add] makes others.
	kinds []kindCount
}

// end returns the tick behind the cell.
func (c *cell) end() tick { return c.start + 1<<c.level }

// has reports whether a tick is in the cell.
func (c *cell) has(t tick) bool { return t>>c.level == c.start>>c.level }

// above returns the level of the shortest cell that both are in, more than longest where there is none; a is not after b.
func above(a, b *cell) uint8 {
	return max(a.level, b.level, uint8(bits.Len64(uint64(a.start^(b.end()-1)))))
}

// add counts what is in o as well, and makes c the cell at a level that both are in.
func (c *cell) add(o *cell, level uint8) {
	c.start, c.level = c.start>>level<<level, level
	c.lo, c.hi = min(c.lo, o.lo), max(c.hi, o.hi)
	c.n += o.n
	c.kinds = addKinds(c.kinds, o.kinds)
}

// tie counts n entries of a kind from a seq on. Own says that the cell's kinds may be changed, as they may be afterwards.
func (c *cell) tie(kind kindID, n, seq uint64, own bool) {
	if !own {
		c.kinds = slices.Clone(c.kinds)
	}
	at, there := slices.BinarySearchFunc(c.kinds, kind, func(k kindCount, id kindID) int { return cmp.Compare(k.kind, id) })
	if there {
		c.kinds[at].n += n
	} else {
		c.kinds = slices.Insert(c.kinds, at, kindCount{kind, n})
	}
	c.n += n
	c.lo, c.hi = min(c.lo, seq), max(c.hi, seq+n-1)
}

// addKinds returns the sums of two lists in order.
func addKinds(a, b []kindCount) []kindCount {
	sum := make([]kindCount, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].kind < b[0].kind:
			sum, a = append(sum, a[0]), a[1:]
		case a[0].kind > b[0].kind:
			sum, b = append(sum, b[0]), b[1:]
		default:
			sum = append(sum, kindCount{a[0].kind, a[0].n + b[0].n})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(sum, a...), b...)
}

// put adds a cell behind those of a list that is in order of start. Where it and the last ones lie in each other they become one.
func put(cells []cell, c cell) []cell {
	for len(cells) > 0 {
		last := &cells[len(cells)-1]
		if last.end() <= c.start {
			break
		}
		// Two cells either are apart, or one of them is in the other.
		into := *last
		into.add(&c, max(last.level, c.level))
		cells, c = cells[:len(cells)-1], into
	}
	return append(cells, c)
}

// merged returns the cells of two lists as one, both in order and without overlaps.
func merged(a, b []cell) []cell {
	all := make([]cell, 0, len(a)+len(b))
	for len(a)+len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0].start <= b[0].start {
			all, a = put(all, a[0]), a[1:]
		} else {
			all, b = put(all, b[0]), b[1:]
		}
	}
	return all
}
