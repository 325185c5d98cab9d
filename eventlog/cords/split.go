package cords

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sort"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// level opens the cords that were found and returns the level of the bucket: the least with which at most so many columns
// have an entry as the window says, and all cords together no more cells than a picture may have. The window then begins
// and ends with a column.
func (r *reading) level() (uint8, error) {
	r.order()
	var all []*cell
	for _, f := range r.found {
		if f.rest != nil {
			if err := f.open(); err != nil {
				return 0, err
			}
		}
		for i := range f.cells {
			if n, untold := r.counted(&f.cells[i]); n+untold > 0 {
				all = append(all, &f.cells[i])
			}
		}
	}
	slices.SortFunc(all, func(a, b *cell) int { return cmp.Compare(a.start, b.start) })
	from, to := r.from, r.to
	align := func(level uint8) {
		r.from, r.to = from>>level<<level, roundUp(to, level)<<level
	}
	level := uint8(sort.Search(longest, func(level int) bool {
		align(uint8(level))
		return r.columns(all, uint8(level)) <= r.window.Width && r.cells(uint8(level)) <= maxCells
	}))
	align(level)
	return level, nil
}

// shows reports whether a cell is in the window, in part or as a whole.
func (r *reading) shows(c *cell) bool { return r.from < c.end() && c.start < r.to }

// columns returns how many columns of a level the cells take at most once they are split, which are in order of start.
func (r *reading) columns(all []*cell, level uint8) int {
	columns := 0
	last := tick(0) // behind the columns that were counted, in columns
	var long cell   // what longer ones take together
	flush := func() {
		columns += r.parts(&long, level)
		long.n = 0
	}
	for _, c := range all {
		switch {
		case !r.shows(c):
		case c.level <= level:
			if at := c.start >> level; at >= last {
				columns, last = columns+1, at+1
			}
		case long.n > 0 && long.has(c.start):
			// The first of those that lie in each other is not always the longest.
			long.level = max(long.level, c.level)
			long.n += c.n
		default:
			flush()
			long = *c
		}
	}
	flush()
	return columns
}

// parts returns how many columns of a level a cell takes at most within the window.
func (r *reading) parts(c *cell, level uint8) int {
	if c.n == 0 {
		return 0
	}
	from, to := max(c.start, r.from), min(c.end(), r.to)
	return int(min(c.n, uint64((to-from)>>level)+1))
}

// cells returns how many cells of a level all cords take at most.
func (r *reading) cells(level uint8) (n int) {
	for _, f := range r.found {
		last := tick(0)
		for i := range f.cells {
			c := &f.cells[i]
			if !r.shows(c) {
				continue
			}
			if c.level > level {
				n += r.parts(c, level)
			} else if at := c.start >> level; at >= last {
				n, last = n+1, at+1
			}
		}
	}
	return n
}

// split reads the entries of cells that are longer than a level, those of the cords first of which fewest are to be read, and
// has shorter cells in their place.
func (r *reading) split(ctx context.Context, level uint8) error {
	type job struct {
		*found
		lo, hi uint64
	}
	var jobs []job
	for _, f := range r.found {
		j := job{found: f}
		for i := range f.cells {
			c := &f.cells[i]
			switch {
			case c.level <= level || !r.shows(c):
			case j.hi == 0 && j.lo == 0:
				j.lo, j.hi = c.lo, c.hi+1
			default:
				j.lo, j.hi = min(j.lo, c.lo), max(j.hi, c.hi+1)
			}
		}
		if j.hi > 0 {
			jobs = append(jobs, j)
		}
	}
	slices.SortStableFunc(jobs, func(a, b job) int { return cmp.Compare(a.hi-a.lo, b.hi-b.lo) })
	left := uint64(readInto)
	for _, j := range jobs {
		if j.hi-j.lo > left {
			return nil
		}
		read, err := r.splitCord(ctx, j.found, j.lo, j.hi, level, left)
		if err != nil {
			return err
		}
		left -= read
	}
	return nil
}

// splitCord reads the entries lo ≤ seq < hi of a cord, and splits those of its cells that are longer than a level and of which
// all entries are there, but for those that were pruned. It reads at most so many, of which a seq has several where the author
// contradicts himself: of more none is split. It returns how many it has read.
func (r *reading) splitCord(ctx context.Context, f *found, lo, hi uint64, level uint8, most uint64) (read uint64, err error) {
	parts, spoilt := make(map[tick][]cell), make(map[tick]bool) // of a cell, by its start
	q := eventlog.Query{Authors: []crdt.Author{f.author}, From: &crdt.Place{Author: f.author, Seq: max(lo, f.floor)}, Gone: eventlog.ShowGone, GoOn: true}
	for e, err := range r.p.log.Entries(ctx, q) {
		if _, damaged := errors.AsType[*eventlog.DamagedError](err); damaged {
			return read, nil // they stay as they are
		}
		if err != nil {
			return read, err
		}
		if e.Seq >= hi {
			break
		}
		if read == most {
			return read, nil
		}
		read++
		k := knotOf(&e)
		at, there := slices.BinarySearchFunc(f.cells, k.t, func(c cell, t tick) int {
			if c.has(t) {
				return 0
			}
			return cmp.Compare(c.start, t)
		})
		if !there || f.cells[at].level <= level || !r.shows(&f.cells[at]) || e.Offset >= r.fresh.to {
			continue
		}
		whole := f.cells[at].start
		if k.kind < 0 {
			spoilt[whole] = true // nobody knows its time any more
			continue
		}
		one := cell{start: k.t, n: 1, lo: k.seq, hi: k.seq, kinds: r.kinds.ones[r.kinds.ids[e.Kind]]}
		parts[whole] = append(parts[whole], one)
	}
	f.replace(level, func(c *cell) []cell {
		inside := parts[c.start]
		n := uint64(len(inside))
		if !r.shows(c) || spoilt[c.start] || n != c.n && (c.lo >= f.floor || n > c.n) {
			return []cell{*c}
		}
		slices.SortStableFunc(inside, func(a, b cell) int { return cmp.Compare(a.start, b.start) })
		return inside
	})
	return read, nil
}

// replace puts others in the place of each cell that is longer than a level.
func (f *found) replace(level uint8, by func(*cell) []cell) {
	var cells []cell
	for i := range f.cells {
		if c := &f.cells[i]; c.level > level {
			cells = append(cells, by(c)...)
		} else {
			cells = append(cells, *c)
		}
	}
	f.cells = cells
}

// picture returns the picture of what was found, by cells of a level.
func (r *reading) picture(level uint8) *Picture {
	pic := &Picture{
		From: r.from.milli(), To: r.to.milli(), Bucket: 1 << level, Entries: r.whole.n, Next: r.fresh.to, Behind: r.behind,
		Kinds: r.window.Kinds, Others: r.authors - len(r.found), OthersEntries: r.entries,
	}
	if r.whole.n > 0 {
		pic.First, pic.Last = r.whole.first.milli(), r.whole.last.milli()
	}
	told := make(map[kindID]int)
	if len(r.window.Kinds) == 0 {
		for i, id := range r.kinds.most(toldKinds) {
			pic.Kinds, told[id] = append(pic.Kinds, r.kinds.names[id-1]), i
		}
	} else {
		for i, kind := range r.window.Kinds {
			if id := r.kinds.ids[kind]; id > 0 {
				told[id] = i
			}
		}
	}
	trimmed := make(map[crdt.Author]uint64)
	for _, g := range r.p.log.Gone() {
		trimmed[g.Author] = g.Trimmed
	}
	for _, f := range r.found {
		pic.OthersEntries -= f.n
		feed := r.p.log.Feed(f.author)
		cord := Cord{
			Author: f.author, Next: feed.Next(), Floor: f.floor, Trimmed: trimmed[f.author], Cells: r.told(f.cells, level, told),
		}
		if f.n > 0 {
			cord.First, cord.Last = f.first.milli(), f.last.milli()
		}
		if from, disputed := feed.Disputed(); disputed {
			cord.Disputed = &from
		}
		for i := range f.cells {
			c := &f.cells[i]
			n, untold := r.counted(c)
			switch {
			case c.end() <= r.from:
				cord.Before += n
			case c.start >= r.to:
				cord.After += n
			default:
				cord.Entries += n
				cord.Untold += untold
			}
		}
		pic.Cords = append(pic.Cords, cord)
	}
	pic.Whole = r.told(r.whole.cells, level, told)
	return pic
}

// told returns the cells of a list that are in the window and have what is counted: those of one column of a level as one.
func (r *reading) told(cells []cell, level uint8, told map[kindID]int) []Cell {
	var columns []cell
	for _, c := range cells {
		if n, _ := r.counted(&c); n == 0 || !r.shows(&c) {
			continue
		}
		if len(columns) > 0 {
			last := &columns[len(columns)-1]
			if both := above(last, &c); both <= max(level, last.level) {
				last.add(&c, both)
				continue
			}
		}
		columns = append(columns, c)
	}
	all := make([]Cell, len(columns))
	for i := range columns {
		c := &columns[i]
		one := Cell{Start: c.start.milli(), Span: 1 << c.level, Lo: c.lo, Hi: c.hi}
		one.N, _ = r.counted(c)
		for _, k := range c.kinds {
			if index, is := told[k.kind]; is {
				one.Kinds = append(one.Kinds, KindCount{index, k.n})
			}
		}
		slices.SortFunc(one.Kinds, func(a, b KindCount) int { return cmp.Compare(a.Kind, b.Kind) })
		all[i] = one
	}
	return all
}
