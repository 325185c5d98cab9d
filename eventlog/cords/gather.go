package cords

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// knot is some entries of one time and kind: one, or those of an op without its body.
type knot struct {
	t           tick
	seq, offset uint64
	n           uint64
	kind        int32 // in the names of what is gathered; -1 of what has no body
}

func knotOf(e *eventlog.Entry) knot {
	if e.Gone > 0 {
		return knot{tickOf(e.Clock.Time()), e.Seq, e.Offset, e.Gone, -1}
	}
	return knot{tickOf(e.Time), e.Seq, e.Offset, 1, 0}
}

// gathered is what has arrived and was not counted.
type gathered struct {
	from, to uint64 // the offsets of it
	authors  map[crdt.Author][]knot
	whole    []knot
	names    []string
	numbers  map[string]int32
	ids      *ids // nil until something is counted
}

// gather reads what has arrived from an offset on, below an end: at most so many entries, of so many authors, or a few more. An
// error comes with what was read before it.
func gather(ctx context.Context, log *eventlog.Log, from, end uint64, most, authors int) (*gathered, error) {
	g := &gathered{from: from, to: from, authors: make(map[crdt.Author][]knot), numbers: make(map[string]int32)}
	if from >= end {
		return g, nil
	}
	q := eventlog.Query{Order: eventlog.Arrival, FromOffset: from, Gone: eventlog.ShowGone, GoOn: true}
	for e, err := range log.Entries(ctx, q) {
		if err != nil {
			return g, err
		}
		if e.Offset >= end {
			break
		}
		if _, known := g.authors[e.Author]; g.to-from >= uint64(most) || !known && len(g.authors) >= authors {
			return g, nil
		}
		g.take(&e)
	}
	g.to = end
	return g, nil
}

// take takes in an entry.
func (g *gathered) take(e *eventlog.Entry) {
	g.to = e.Offset + max(1, e.Gone)
	k := knotOf(e)
	if k.kind == 0 {
		k.kind = g.number(e.Kind)
	}
	g.authors[e.Author] = append(g.authors[e.Author], k)
	g.whole = append(g.whole, k)
}

// number returns by which number a kind goes.
func (g *gathered) number(kind string) int32 {
	n, known := g.numbers[kind]
	if !known {
		n = int32(len(g.names))
		kind = strings.Clone(kind) // which is one of a whole chunk
		g.names, g.numbers[kind] = append(g.names, kind), n
	}
	return n
}

// count counts the knots of an author in his record.
func (g *gathered) count(a crdt.Author, r *record, all *kinds) {
	knots := g.authors[a]
	ids := g.idsFor(r, all, true)
	for i := range knots {
		ids.of(knots[i].kind)
		ids.n[knots[i].kind+1] += knots[i].n
	}
	for _, kind := range ids.asked {
		if at := all.ids[g.name(kind)]; at > 0 {
			all.counts[at-1] += ids.n[kind+1]
		}
	}
	r.grow(knots, ids, func(k *knot) uint64 { return k.seq })
}

// countWhole counts all knots in the record of the log, whose seqs are offsets, once the authors' are counted.
func (g *gathered) countWhole(r *record, all *kinds) {
	r.grow(g.whole, g.idsFor(r, all, false), func(k *knot) uint64 { return k.offset })
}

// name returns the kind of a number, "" for that of what has no body.
func (g *gathered) name(number int32) string {
	if number < 0 {
		return ""
	}
	return g.names[number]
}

// ids are those by which a record counts the kinds of what was gathered: of what has no body first, and then by number. There is
// one for all records, so that kinds cost nothing that an author does not have.
type ids struct {
	*gathered
	all    *kinds
	record *record
	begins bool // kinds that nobody has used
	known  []bool
	id     []kindID
	n      []uint64
	asked  []int32 // of which kinds something is known
}

// idsFor returns the ids for a record, of which nothing is known yet.
func (g *gathered) idsFor(r *record, all *kinds, begins bool) *ids {
	if g.ids == nil {
		many := len(g.names) + 1
		g.ids = &ids{gathered: g, known: make([]bool, many), id: make([]kindID, many), n: make([]uint64, many)}
	}
	s := g.ids
	for _, kind := range s.asked {
		s.known[kind+1], s.n[kind+1] = false, 0
	}
	s.all, s.record, s.begins, s.asked = all, r, begins, s.asked[:0]
	return s
}

// of returns the id of a kind.
func (s *ids) of(kind int32) kindID {
	at := kind + 1
	if !s.known[at] {
		s.known[at], s.id[at], s.asked = true, s.all.of(s.name(kind), s.record, s.begins), append(s.asked, kind)
	}
	return s.id[at]
}

// grow adds knots to the record, under ids, each with the number that is its seq here.
func (r *record) grow(knots []knot, ids *ids, number func(*knot) uint64) {
	inTime := func(a, b knot) int { return cmp.Compare(a.t, b.t) }
	if !slices.IsSortedFunc(knots, inTime) {
		knots = slices.SortedStableFunc(slices.Values(knots), inTime)
	}
	var cells []cell
	own := false // the kinds of the last cell are its own
	for i := range knots {
		k := &knots[i]
		id, at := ids.of(k.kind), number(k)
		if last := len(cells) - 1; last >= 0 && cells[last].start == k.t {
			cells[last].tie(id, k.n, at, own)
			own = true
			continue
		}
		c := cell{start: k.t, n: k.n, lo: at, hi: at + k.n - 1, kinds: ids.all.ones[id]}
		if own = k.n > 1; own {
			c.kinds = []kindCount{{id, k.n}}
		}
		cells = append(cells, c)
	}
	if len(cells) == 0 {
		return
	}
	first, last := cells[0].start, cells[len(cells)-1].start
	if r.n == 0 {
		r.first, r.last = first, last
	}
	r.first, r.last = min(r.first, first), max(r.last, last)
	for i := range cells {
		r.n += cells[i].n
	}
	r.cells = merged(r.cells, cells)
	r.shrink()
}

// forget drops the cells of which all was pruned, below a seq.
func (r *record) forget(floor uint64) {
	if floor == 0 {
		return
	}
	r.cells = slices.DeleteFunc(r.cells, func(c cell) bool {
		if c.hi >= floor {
			return false
		}
		r.n -= c.n
		return true
	})
}
