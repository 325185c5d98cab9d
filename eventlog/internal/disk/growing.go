package disk

import "bytes"

// A tree that grows at its end only has two keys behind all others, its guards, which no [Cursor] shows. Where a leaf has
// become too full, bbolt leaves three keys at least to the right half, and it never splits one with four keys, however
// long their values are. With a, b, c … of which seven fill a page:
//
//	alone          a b c d e f g h     becomes   a b c d e   │ f g h          five a page, for good
//	with guards    a b c d e f g h ‹›  becomes   a b c d e f g │ h ‹›         seven
//
// So pages are full, and the leaf that the next commit writes again has one or two long values, not three or four.
var guards = [][]byte{{0xff}, {0xff, 0xff}}

func isGuard(key []byte) bool {
	return len(key) > 0 && len(key) <= len(guards) && bytes.Equal(key, guards[len(key)-1])
}

// CreateGrowing is [Tree.Create] for a tree that grows at its end. Its keys are longer than two bytes, or begin below 0xff.
func (t *Tree) CreateGrowing(name []byte) (*Tree, error) {
	if child := t.Child(name); child != nil {
		return child.Growing(), nil
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

// Growing says of a tree that it was made by [Tree.CreateGrowing], and returns it, packed; nil where there is none.
func (t *Tree) Growing() *Tree {
	if t == nil {
		return nil
	}
	t.growing = true
	return t.Packed()
}
