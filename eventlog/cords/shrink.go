package cords

import (
	"math"
	"math/bits"
	"slices"
)

// never is the loss of neighbours that are not made one.
const never = math.MaxInt

// loss is what is lost when two neighbours become one cell: the more, the more entries there are and the longer the time
// is in which nobody knows any more where they are. It is four times the logarithm of their product.
func loss(a, b *cell) int {
	level := int(above(a, b))
	if level > longest {
		return never
	}
	n := a.n + b.n
	length := bits.Len64(n)
	quarter := 0
	if length > 2 {
		quarter = int(n >> (length - 3) & 3)
	}
	return 4*(level+length) + quarter
}

// shrink makes neighbours one until the record has room: those first of which least is lost, and of equal ones the oldest.
func (r *record) shrink() {
	var losses, sorted []int
	for len(r.cells) > 1 {
		// Of a record that is a little too long few are made one, so that it stays full; of one that is much too long many at once.
		many := len(r.cells)/16 + 1
		if len(r.cells)*leastCell > 2*r.most {
			many = len(r.cells) / 2
		} else if r.size() <= r.most {
			return
		}
		losses = losses[:0]
		for i := 1; i < len(r.cells); i++ {
			losses = append(losses, loss(&r.cells[i-1], &r.cells[i]))
		}
		sorted = append(sorted[:0], losses...)
		slices.Sort(sorted)
		if sorted[0] == never {
			return
		}
		r.cells = join(r.cells, losses, sorted[many-1], many)
	}
}

// join returns the cells with so many neighbours made one, or some more, of which less is lost than worst, or as much.
func join(cells []cell, losses []int, worst, many int) []cell {
	joined := cells[:0:0]
	for i := range cells {
		c := cells[i]
		if i > 0 && many > 0 && losses[i-1] <= worst && losses[i-1] < never {
			many--
			last := joined[len(joined)-1]
			level := above(&last, &c)
			last.add(&c, level)
			c, joined = last, joined[:len(joined)-1]
		}
		joined = put(joined, c)
	}
	return joined
}
