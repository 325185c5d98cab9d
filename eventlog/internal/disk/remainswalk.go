package disk

import (
	"bytes"
	"context"
	"fmt"
)

// Visitor is whom [Remains.Walk] tells what it comes to. The bytes are valid until the call returns; path are the names
// of the trees that a key is in.
type Visitor interface {
	// Enter reports whether the tree at path is walked.
	Enter(path [][]byte) bool
	// Visit takes a key that has a value, in order, and reports whether that is what belongs there: [Remains.Rest]
	// leaves out pages of which all does. An error ends the walk.
	Visit(path [][]byte, k, v []byte) (belongs bool, err error)
	// Lost is told what cannot be read: the walk goes on behind it.
	Lost(path [][]byte, err error)
}

// Walk walks what the tree reaches. Its error is v's or ctx's.
func (r *Remains) Walk(ctx context.Context, v Visitor) error {
	if r.tree == nil {
		return nil
	}
	w := &remainsWalk{Remains: r, Visitor: v, ctx: ctx, seen: make(pageSet, len(r.reached))}
	return w.walk(nil, r.tree.root, nil, nil, 0)
}

type remainsWalk struct {
	*Remains
	Visitor
	ctx  context.Context
	seen pageSet
}

// walk walks the pages from id down, whose keys are to lie between low and high, of the tree at path.
func (w *remainsWalk) walk(path [][]byte, id uint64, low, high []byte, depth int) error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	p, err := w.page(id)
	switch {
	case err != nil:
	case depth > maxTreeDepth || w.seen.has(id):
		err = fmt.Errorf("%w: %d is used twice", errPage, id)
	case p.count > 0 && (bytes.Compare(p.first, low) < 0 || high != nil && bytes.Compare(p.last, high) >= 0):
		err = fmt.Errorf("%w: %d holds keys that belong elsewhere", errPage, id)
	}
	if err != nil {
		w.Lost(path, err)
		return nil
	}
	w.seen.add(id)
	belongs := true
	if p.leaf {
		belongs, err = w.leaf(path, p, depth)
	} else {
		err = w.branch(path, p, high, depth)
	}
	for i := range 1 + p.overflow {
		w.reached.add(id + i)
		if belongs {
			w.settled.add(id + i)
		}
	}
	return err
}

// branch walks the pages that a branch names.
func (w *remainsWalk) branch(path [][]byte, p *page, high []byte, depth int) error {
	for i := range p.count {
		from, err := w.pages.key(p, i)
		to := high
		if err == nil && i+1 < p.count {
			to, err = w.pages.key(p, i+1)
		}
		if err != nil {
			w.Lost(path, err)
			continue
		}
		if err := w.walk(path, p.child(i), from, to, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// leaf visits what a leaf holds, walks the trees in it, and reports whether all belongs there.
func (w *remainsWalk) leaf(path [][]byte, p *page, depth int) (belongs bool, err error) {
	belongs = true
	for i := range p.count {
		k, v, err := w.pages.keyValue(p, i)
		good := false
		switch {
		case err != nil:
			w.Lost(path, err)
			err = nil
		case p.isBucket(i):
			good, err = w.bucket(append(path[:len(path):len(path)], k), p, i, depth+1)
		default:
			good, err = w.Visit(path, k, v)
		}
		if err != nil {
			return false, err
		}
		belongs = belongs && good
	}
	return belongs, nil
}

// bucket walks the tree that element i of a leaf is, and reports whether all of it belongs there that lies on that leaf.
func (w *remainsWalk) bucket(path [][]byte, p *page, i, depth int) (belongs bool, err error) {
	if !w.Enter(path) {
		return false, nil
	}
	at, err := w.pages.bucketRoot(p, i)
	if err == nil && depth > maxTreeDepth {
		err = fmt.Errorf("%w: %d is below itself", errPage, p.id)
	}
	if err != nil {
		w.Lost(path, err)
		return false, nil
	}
	if at.inside == nil {
		return true, w.walk(path, at.root, nil, nil, depth)
	}
	inline := page{id: p.id, leaf: true, b: at.inside}
	inline.count = int(native.Uint16(inline.b[10:]))
	return w.leaf(path, &inline, depth)
}
