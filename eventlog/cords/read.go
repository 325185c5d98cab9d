package cords

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Read returns the cords of a window, as of this moment. It reads what the projection has not reached, at most 65,536
// entries, and at most 131,072 to split cells. Errors are an [ErrWindow], ctx's, and those of Log.View and Log.Entries; one of damage only where nothing can
// be counted.
func (p *Projection) Read(ctx context.Context, w Window) (*Picture, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	w.Width, w.Limit = cmp.Or(w.Width, defaultWidth), cmp.Or(w.Limit, MaxCords)
	w.Authors = slices.Compact(slices.SortedFunc(slices.Values(w.Authors), crdt.Author.Compare))
	r := &reading{p: p, window: w}
	if err := r.find(ctx); err != nil {
		return nil, err
	}
	level, err := r.level()
	if err != nil {
		return nil, err
	}
	if err := r.split(ctx, level); err != nil {
		return nil, err
	}
	return r.picture(level), nil
}

// reading is one picture that is being made.
type reading struct {
	p      *Projection
	window Window
	fresh  *gathered // what is not in the projection yet
	behind uint64
	kinds  *kinds
	only   map[kindID]bool // that are counted alone; nil for all

	from, to tick
	whole    record
	recent   map[crdt.Author]*record // the records of those who have something fresh
	found    []*found                // the cords that are to be shown, in their order once all are found
	worst    *found                  // of those of which as many are known as may be shown
	authors  int                     // all of them, and their entries
	entries  uint64
}

// found is a cord that is to be shown.
type found struct {
	record
	author crdt.Author
	floor  uint64
	in     uint64 // how many are in the window
}

// find finds the cords that are to be shown.
func (r *reading) find(ctx context.Context) error {
	p := r.p
	p.mu.RLock()
	defer p.mu.RUnlock()
	at, err := p.head(ctx)
	if err != nil {
		return err
	}
	err = r.findFrom(ctx, at)
	if errors.Is(err, errRecord) {
		p.spoilt.Store(true)
		err = r.findFrom(ctx, head{next: at.next, anew: true})
	}
	return err
}

// findFrom finds them where the projection counts up to at, and what has arrived from there on is read.
func (r *reading) findFrom(ctx context.Context, at head) (err error) {
	log := r.p.log
	r.fresh, err = gather(ctx, log, at.cursor, at.next, readAhead, math.MaxInt)
	if _, damaged := errors.AsType[*eventlog.DamagedError](err); err != nil && !damaged {
		return err
	}
	r.behind = at.next - r.fresh.to
	r.found, r.worst, r.authors, r.entries = nil, nil, 0, 0
	return log.View(ctx, func(tx *eventlog.ReadTx) error {
		if at.anew {
			return r.findIn(new(eventlog.ReadBucket))
		}
		return r.findIn(tx.Bucket(bucket))
	})
}

// findIn finds the cords in the projection.
func (r *reading) findIn(b *eventlog.ReadBucket) (err error) {
	if r.kinds, err = readKinds(b); err != nil {
		return err
	}
	if err := r.count(b); err != nil {
		return err
	}
	if len(r.window.Kinds) > 0 {
		r.only = make(map[kindID]bool)
		for _, kind := range r.window.Kinds {
			if id := r.kinds.ids[kind]; id > 0 {
				r.only[id] = true
			}
		}
	}
	if err := r.bound(b); err != nil {
		return err
	}
	return r.eachRecord(b, r.add)
}

// count counts what is fresh.
func (r *reading) count(b *eventlog.ReadBucket) error {
	r.recent = make(map[crdt.Author]*record, len(r.fresh.authors))
	for a := range r.fresh.authors {
		one := newRecord()
		if err := one.read(b.Get(recordKey(a))); err != nil {
			return err
		}
		r.fresh.count(a, &one, r.kinds)
		r.recent[a] = &one
	}
	r.whole = newWhole()
	if err := r.whole.read(b.Get([]byte{wholeKey})); err != nil {
		return err
	}
	r.fresh.countWhole(&r.whole, r.kinds)
	return nil
}

// bound sets the bounds of the window that are left open, by the whole log, or by the authors that are wanted.
func (r *reading) bound(b *eventlog.ReadBucket) error {
	if r.window.From != nil && r.window.To != nil {
		r.from, r.to = tickAt(*r.window.From), tickAt(*r.window.To)
		return nil
	}
	first, last, near := tick(math.MaxUint64), tick(0), tickOf(time.Now().Add(nearFuture))
	widen := func(one *record) {
		for i := range one.cells {
			if c := &one.cells[i]; c.start > origin && c.start <= near {
				first, last = min(first, c.start), max(last, c.end())
			}
		}
	}
	if len(r.window.Authors) == 0 {
		widen(&r.whole)
	} else if err := r.eachRecord(b, func(_ crdt.Author, one *record) error { widen(one); return nil }); err != nil {
		return err
	}
	if first > last {
		first, last = origin, origin
	}
	r.from, r.to = first, last
	if r.window.From != nil {
		r.from = tickAt(*r.window.From)
		r.to = max(r.to, r.from)
	}
	if r.window.To != nil {
		r.to = tickAt(*r.window.To)
		r.from = min(r.from, r.to)
	}
	return nil
}

// eachRecord calls visit with the record of each author that is wanted, what is fresh counted. It is read until the next one is.
func (r *reading) eachRecord(b *eventlog.ReadBucket, visit func(crdt.Author, *record) error) error {
	one := newRecord()
	if wanted := r.window.Authors; len(wanted) > 0 {
		for _, a := range wanted {
			if err := r.visit(a, b.Get(recordKey(a)), &one, visit); err != nil {
				return err
			}
		}
		return nil
	}
	seen := 0
	for key, value := range b.Ascend([]byte{authorKey}) {
		if len(key) != 1+len(crdt.Author{}) {
			return errRecord
		}
		a := crdt.Author(key[1:])
		if r.recent[a] != nil {
			seen++
		}
		if err := r.visit(a, value, &one, visit); err != nil {
			return err
		}
	}
	if seen == len(r.recent) {
		return nil
	}
	for a, recent := range r.recent {
		if b.Get(recordKey(a)) == nil {
			if err := visit(a, recent); err != nil {
				return err
			}
		}
	}
	return nil
}

// visit calls visit with the record of an author, which one is used for where nothing of it is fresh.
func (r *reading) visit(a crdt.Author, kept []byte, one *record, visit func(crdt.Author, *record) error) error {
	if recent := r.recent[a]; recent != nil {
		return visit(a, recent)
	}
	if kept == nil {
		*one = newRecord()
	} else if err := one.decode(kept); err != nil {
		return err
	}
	if len(r.window.Authors) > 0 {
		if err := one.open(); err != nil {
			return err
		}
	}
	return visit(a, one)
}

// add takes note of a cord, if it may be one of those that are shown.
func (r *reading) add(a crdt.Author, one *record) error {
	f := found{record: *one, author: a, floor: r.p.log.Feed(a).First()}
	if err := r.measure(&f); err != nil {
		return err
	}
	*one = f.record // whose cells may have been read
	r.authors++
	r.entries += f.n
	if r.worst != nil && compareFound(&f, r.worst) >= 0 {
		return nil
	}
	f.record = one.clone()
	r.found = append(r.found, &f)
	if len(r.found) >= 2*r.window.Limit {
		r.order()
	}
	return nil
}

// order puts the cords that were found in order, and leaves those that are shown.
func (r *reading) order() {
	slices.SortFunc(r.found, compareFound)
	if most := r.window.Limit; len(r.found) >= most {
		r.found, r.worst = r.found[:most], r.found[most-1]
	}
}

// compareFound puts those with most entries in the window first, and then those with most.
func compareFound(a, b *found) int {
	return cmp.Or(cmp.Compare(b.in, a.in), cmp.Compare(b.n, a.n), a.author.Compare(b.author))
}

// measure counts the entries of a cord in the window.
func (r *reading) measure(f *found) error {
	if f.floor == 0 && r.only == nil && f.rest != nil {
		switch {
		case f.n == 0 || f.first >= r.from && f.last < r.to:
			f.in = f.n
			return nil
		case f.last < r.from || f.first >= r.to:
			return nil
		}
	}
	if f.rest != nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	f.forget(f.floor)
	for i := range f.cells {
		c := &f.cells[i]
		if n, _ := r.counted(c); r.shows(c) {
			f.in += n
		}
	}
	return nil
}

// counted returns how many entries of a cell are counted, and how many may be more since their kinds are not told apart.
func (r *reading) counted(c *cell) (n, untold uint64) {
	if r.only == nil {
		return c.n, 0
	}
	for _, k := range c.kinds {
		switch {
		case r.only[k.kind]:
			n += k.n
		case k.kind == 0:
			untold += k.n
		}
	}
	return n, untold
}

// clone returns a record that shares no memory with r, of which another one is made.
func (r *record) clone() record {
	c := *r
	c.kinds, c.rest, c.room = slices.Clone(r.kinds), slices.Clone(r.rest), nil
	c.cells = slices.Clone(r.cells)
	for i := range c.cells {
		c.cells[i].kinds = slices.Clone(c.cells[i].kinds)
	}
	return c
}
