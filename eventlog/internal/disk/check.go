package disk

import (
	"context"
	"fmt"
	"slices"
)

// CheckPages walks the pages of the file, every tree's, and checks that each is used once and none that
// is used is called free. It returns how many pages there are, and [Damage] or ctx's error. It calls told, unless that is
// nil, again and again with how many of them it has come by. What is not in memory is read ahead.
func (tx *Tx) CheckPages(ctx context.Context, told func(done, total uint64)) (count uint64, err error) {
	pages := tx.pages
	pages.skims = true // where pages lie, which keys they hold and which pages they name is all that is looked at
	w := &pageWalk{ctx: ctx, pages: &pages, used: make([]bool, tx.pages.highWater), told: told, ahead: tx.file.ReadAhead()}
	defer w.ahead.Close()
	if err = w.tree(tx.top, nil, nil, 0); err == nil {
		err = w.free(uint64(tx.id))
	}
	if o := tx.pages.onlooker; o != nil && isDamage(err) && o.overtaken() != nil {
		err = ErrOvertaken // the list of free pages is of another state
	}
	return w.pages.highWater, err
}

// pageWalk is a walk over all pages.
type pageWalk struct {
	ctx   context.Context
	pages *pageFile
	used  []bool
	told  func(done, total uint64) // nil for nobody
	ahead *ReadAhead
	done  uint64 // pages
}

// pagesTold is after how many pages it is told how far the walk is.
const pagesTold = 256

// tree walks the pages from id down, whose keys are to lie between low and high.
func (w *pageWalk) tree(id uint64, low, high []byte, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	c := climb{pages: w.pages}
	defer c.reset()
	p, err := c.push(id, low, high)
	if err == nil && depth > maxTreeDepth {
		err = fmt.Errorf("%w: %d is below itself", errPage, id)
	}
	if err == nil {
		err = w.use(id, p.overflow)
	}
	if err != nil {
		return damaged(err)
	}
	if p.leaf {
		return w.buckets(p, depth)
	}
	for i := range p.count {
		from, err := w.pages.key(p, i)
		to := high
		if err == nil && i+1 < p.count {
			to, err = w.pages.key(p, i+1)
		}
		if err == nil {
			err = w.tree(p.child(i), from, to, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// buckets walks the buckets that a leaf holds.
func (w *pageWalk) buckets(p *page, depth int) error {
	for i := range p.count {
		if !p.isBucket(i) {
			continue
		}
		at, err := w.pages.bucketRoot(p, i)
		if err != nil {
			return damaged(err)
		}
		if at.inside != nil {
			continue
		}
		if err := w.tree(at.root, nil, nil, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// use marks a page and its overflow as used.
func (w *pageWalk) use(id, overflow uint64) error {
	for i := id; i <= id+overflow; i++ {
		if w.used[i] {
			return fmt.Errorf("%w: %d is used twice", errPage, i)
		}
		w.used[i] = true
		if w.done++; w.done%pagesTold == 0 {
			w.ahead.Observe(pagesTold * int(w.pages.pageSize))
			if w.told != nil {
				w.told(w.done, w.pages.highWater)
			}
		}
	}
	return nil
}

// free checks that no used page is called free, if the list of the transaction is still there.
func (w *pageWalk) free(transaction uint64) error {
	for i := range int64(2) {
		m, err := readMetaPage(w.pages.file, i*int64(w.pages.pageSize))
		if err != nil {
			return &Damage{What: fmt.Sprintf("meta page %d", i), Err: err}
		}
		if m.transaction != transaction {
			continue
		}
		free, err := readFreelist(w.pages.file, m)
		if at := slices.IndexFunc(free, func(id uint64) bool { return w.used[id] }); err == nil && at >= 0 {
			err = fmt.Errorf("%w: %d is used and called free", errPage, free[at])
		}
		if err != nil {
			return &Damage{What: "the list of free pages", Err: err}
		}
	}
	return nil
}
