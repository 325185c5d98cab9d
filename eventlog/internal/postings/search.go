package postings

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/eventlog/internal/disk"
)

// maxProbes bounds the look-ups for one set of terms: layers times terms.
const maxProbes = 16 << 10

// Search looks into layers, inside one transaction.
type Search struct {
	Tree   *disk.Tree
	Layers Layers
	// From and To bound the offsets that are looked for: From ≤ offset < To. What is indexed at one offset
	// may reach over Span offsets.
	From, To, Span uint64
	// Most is how many offsets are found at most.
	Most int
}

// Find returns the offsets, in order, at which a term of each set stands. A set that is empty, asks for too
// many look-ups, or finds more than Most is left out of account; found says that at least one set was not.
// The error wraps [ErrDamaged] where the index cannot be read.
func (s *Search) Find(sets ...[]Term) (offsets []uint64, found bool, err error) {
	for _, terms := range sets {
		if len(terms) == 0 || len(terms)*len(s.Layers) > maxProbes {
			continue
		}
		one, few, err := s.anyOf(terms)
		switch {
		case err != nil:
			return nil, false, err
		case few && found:
			offsets = intersect(offsets, one)
		case few:
			offsets, found = one, true
		}
	}
	return offsets, found, nil
}

// anyOf returns the offsets at which one of the terms stands, in order and each once. They are not few when there are
// more than Most; then none is returned.
func (s *Search) anyOf(terms []Term) (offsets []uint64, few bool, err error) {
	c := s.Tree.Cursor()
	for _, layer := range s.Layers {
		if layer.To <= s.From || layer.From >= s.To {
			continue
		}
		for _, t := range terms {
			if offsets, err = s.layer(c, layer, t, offsets); err != nil {
				return nil, false, err
			}
			if len(offsets) > s.Most {
				return nil, false, nil
			}
		}
	}
	if len(terms) > 1 {
		slices.Sort(offsets)
		offsets = slices.Compact(offsets)
	}
	return offsets, true, nil
}

// layer appends what one layer has of a term. It ends once there are more than Most.
func (s *Search) layer(c *disk.Cursor, layer Layer, t Term, offsets []uint64) ([]uint64, error) {
	// What reaches into the bounds may begin before them.
	from := posting{term: t, offset: s.From - min(s.From, s.Span-1)}
	b, err := findBlock(c, layer, from)
	for err == nil && len(offsets) <= s.Most {
		p, more, wrong := b.read()
		switch {
		case wrong != nil:
			return offsets, wrong
		case !more && b.next.term != t:
			return offsets, nil
		case !more:
			b, err = blockAt(s.Tree, layer, b.next)
		case p.term > t || p.term == t && p.offset >= s.To:
			return offsets, nil
		case p.term == t && p.offset >= from.offset:
			offsets = append(offsets, p.offset)
		}
	}
	return offsets, err
}

// findBlock returns the block of a layer in which p stands, if it stands in the layer at all.
func findBlock(c *disk.Cursor, layer Layer, p posting) (block, error) {
	key := layer.blockKey(p)
	k, v := c.Seek(key)
	if !bytes.Equal(k, key) {
		if k == nil {
			k, v = c.Last()
		} else {
			k, v = c.Prev()
		}
	}
	if len(k) != keySize || !bytes.Equal(k[:9], key[:9]) {
		return block{}, fmt.Errorf("%w: the first block of offsets %d to %d is missing", ErrDamaged, layer.From, layer.To)
	}
	b, err := openBlock(layer, k, v)
	if err == nil && b.next.compare(p) <= 0 {
		err = layer.missing()
	}
	return b, err
}

// intersect returns what is in both of two sorted lists, in the memory of a.
func intersect(a, b []uint64) []uint64 {
	both := a[:0]
	for _, offset := range a {
		at, found := slices.BinarySearch(b, offset)
		if b = b[at:]; found {
			both = append(both, offset)
		}
	}
	return both
}
