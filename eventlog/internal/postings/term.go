package postings

import (
	"cmp"
	"crypto/sha256"
	"slices"
)

// Term is what is looked for: class (8 bits) ‖ the first 40 bits of a hash of the text. With a million texts in a
// layer, one in a million looked for meets another text with its hash; the caller drops what is found wrongly.
type Term uint64

const (
	termSize = 6 // bytes
	// endTerm is above all terms.
	endTerm Term = 1<<(8*termSize) - 1
)

// Terms returns the terms of texts of a class, sorted and each once.
func Terms(incarnation [16]byte, class byte, texts []string) (terms []Term) {
	hash := newTermHash(incarnation)
	for _, text := range texts {
		terms = append(terms, hash.of(class, text))
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// termHash makes terms. The hash is SHA-256 of incarnation ‖ class ‖ text: peers, who do not know the
// incarnation, cannot make up texts that share a term.
type termHash struct {
	input []byte // the incarnation, and then what was hashed last
}

func newTermHash(incarnation [16]byte) *termHash {
	return &termHash{input: append(make([]byte, 0, 128), incarnation[:]...)}
}

func (h *termHash) of(class byte, text string) Term {
	h.input = append(append(h.input[:16], class), text...)
	sum := sha256.Sum256(h.input)
	t := Term(class)
	for _, b := range sum[:termSize-1] {
		t = t<<8 | Term(b)
	}
	return t
}

// posting says that a term stands at an offset.
type posting struct {
	term   Term
	offset uint64
}

// compare is the order of postings in a layer.
func (p posting) compare(o posting) int {
	return cmp.Or(cmp.Compare(p.term, o.term), cmp.Compare(p.offset, o.offset))
}

// MaxBatch bounds the offsets of a new layer, but for the rest of the last thing. A batch takes 16 bytes of
// memory for each posting.
const MaxBatch = 16 << 10

// Batch collects what a layer is made of.
type Batch struct {
	hash     *termHash
	postings []posting
	last     []added // of each class: what stands at one offset is often alike
}

type added struct {
	class  byte
	text   string
	offset uint64
}

// NewBatch returns a batch that has nothing yet.
func (x *Index) NewBatch() *Batch { return &Batch{hash: newTermHash(x.Incarnation)} }

// Add says that a text of a class stands at an offset. The text is kept until the next one of its class. The empty
// text is not indexed: most entries of some logs have it.
func (b *Batch) Add(class byte, text string, offset uint64) {
	if text == "" {
		return
	}
	one := added{class, text, offset}
	switch i := slices.IndexFunc(b.last, func(a added) bool { return a.class == class }); {
	case i < 0:
		b.last = append(b.last, one)
	case b.last[i] == one:
		return
	default:
		b.last[i] = one
	}
	b.postings = append(b.postings, posting{b.hash.of(class, text), offset})
}

// take returns what was collected, in order, and forgets it. It dies with the next Add.
func (b *Batch) take() []posting {
	slices.SortFunc(b.postings, posting.compare)
	taken := slices.Compact(b.postings)
	b.postings = b.postings[:0]
	return taken
}
