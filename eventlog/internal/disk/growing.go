package disk

import (
	"bytes"
	"slices"
)

// A tree that grows at its end only has two keys behind all others, its guards, which no [Cursor] shows. Where a leaf has
// become too full, bbolt leaves three keys at least to the right half, and it never splits one with four keys, however
// long their values are. With a, b, c … of which seven fill a page:
//
//	alone          a b c d e f g h     becomes   a b c d e   │ f g h          five a page, for good
//	with guards    a b c d e f g h ‹›  becomes   a b c d e f g │ h ‹›         seven
//
// So pages are full. What the last leaf has is written again by the next commit, though, and where one value is longer
// than a page that is dear. Behind such values stands a third key that is not shown, the spacer: it keeps the place
// where the tree goes on, so that they need not. The next commit takes it away:
//
//	A B ‹›    and C D   becomes   A B │ C D ‹›             the one before is written twice
//	A B │ ·‹› and C D   becomes   A B │ C D │ ·‹›          each once
var guards = [][]byte{{0xff}, {0xff, 0xff}}

// spacerEnd is what the spacer has behind the key before it. It has no value.
var spacerEnd = []byte{0, 0xff, 0xff, 0xff}

// isHidden reports whether a key of a tree that grows is one of its guards or its spacer.
func isHidden(key, value []byte) bool {
	if len(value) > 0 || len(key) == 0 {
		return false
	}
	return len(key) <= len(guards) && bytes.Equal(key, guards[len(key)-1]) || bytes.HasSuffix(key, spacerEnd)
}

// CreateGrowing is [Tree.Create] for a tree that grows at its end. Its keys are longer than two bytes, or begin below
// 0xff, and have values. Once all is put, [Tree.Grown] is called.
func (t *Tree) CreateGrowing(name []byte) (*Tree, error) {
	if child := t.Child(name); child != nil {
		child.Growing()
		if last, value := child.beforeGuards(); last != nil && isHidden(last, value) {
			return child, child.Remove(bytes.Clone(last))
		}
		return child, t.tx.err
	}
	child, err := t.Create(name)
	if err != nil {
		return nil, err
	}
	for _, key := range guards {
		if err := child.Put(key, nil); err != nil {
			return nil, err
		}
	}
	return child.Growing(), nil
}

// Grown ends what [Tree.CreateGrowing] has begun, as the last that a transaction does to the tree: where a value was put
// that is longer than a page a spacer follows.
func (t *Tree) Grown() error {
	if !t.long {
		return nil
	}
	last, _ := t.beforeGuards()
	if last == nil {
		return t.tx.err
	}
	return t.Put(slices.Concat(last, spacerEnd), nil)
}

// beforeGuards returns what stands before the guards, the spacer too. There is nothing in an empty tree.
func (t *Tree) beforeGuards() (key, value []byte) {
	c := t.Cursor()
	c.hides = false
	if k, _ := c.Seek(guards[0]); k == nil {
		return nil, nil
	}
	return c.Prev()
}

// Growing says of a tree that it was made by [Tree.CreateGrowing], and returns it, packed; nil where there is none.
func (t *Tree) Growing() *Tree {
	if t == nil {
		return nil
	}
	t.growing = true
	return t.Packed()
}
