package eventlog

import (
	"cmp"
	"crypto/sha256"
)

// term is what the index finds ops by: class (8 bits) ‖ the first 40 bits of a hash of the text. Of a
// million texts in a layer, one in a million that is looked for meets another with its hash; the
// query's filter then drops what is found.
type term uint64

const (
	classSubject = 1
	classKind    = 2

	termSize = 6 // bytes
	// endTerm is above all terms.
	endTerm term = 1<<(8*termSize) - 1
)

// posting says that an op has an entry with a term.
type posting struct {
	term   term
	offset uint64 // of the op's first entry
}

// compare is the order of postings in a layer.
func (p posting) compare(o posting) int {
	return cmp.Or(cmp.Compare(p.term, o.term), cmp.Compare(p.offset, o.offset))
}

// termHash makes terms. The hash is SHA-256 of incarnation ‖ class ‖ text: peers, who do not know the
// incarnation, cannot make up texts that share a term.
type termHash struct {
	input []byte // the incarnation, and then what was hashed last
}

func newTermHash(incarnation [16]byte) *termHash {
	return &termHash{input: append(make([]byte, 0, 128), incarnation[:]...)}
}

func (h *termHash) of(class byte, text string) term {
	h.input = append(append(h.input[:16], class), text...)
	sum := sha256.Sum256(h.input)
	t := term(class)
	for _, b := range sum[:termSize-1] {
		t = t<<8 | term(b)
	}
	return t
}

// termsOf collects the postings of one op after the other.
type termsOf struct {
	hash     *termHash
	postings []posting
	// subject and kind are the last texts that were taken of this op: those of many entries are alike.
	subject, kind string
}

// take collects those of the op that s is all of.
func (c *termsOf) take(s span) error {
	c.subject, c.kind = "", ""
	var e Entry
	_, err := s.each(false, &e, func() bool {
		c.add(&e, s.op.offset)
		return true
	})
	return err
}

// add takes an entry of the op at offset. The empty subject is not indexed: most entries of some logs
// have it.
func (c *termsOf) add(e *Entry, offset uint64) {
	if e.Subject != c.subject && e.Subject != "" {
		c.subject = e.Subject
		c.postings = append(c.postings, posting{c.hash.of(classSubject, e.Subject), offset})
	}
	if e.Kind != c.kind {
		c.kind = e.Kind
		c.postings = append(c.postings, posting{c.hash.of(classKind, e.Kind), offset})
	}
}
