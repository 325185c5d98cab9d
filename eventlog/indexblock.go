package eventlog

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/quipulog/quipu/eventlog/internal/record"
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

// take collects those of the op that x is all of.
func (c *termsOf) take(x excerpt) error {
	c.subject, c.kind = "", ""
	var e Entry
	_, err := x.each(false, &e, func() bool {
		c.add(&e, x.op.offset)
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

// errIndex is wrapped by what says that the index cannot be used: it is made anew.
var errIndex = errors.New("index is damaged")

// A layer of the index is its postings in order, by term and offset, cut into blocks. The key of a block
// is
//
//	level (1)  from (8)  term (6)  offset (8)
//
// of which level and from are the layer's, and term and offset those of the block's first posting; the
// first block of a layer has zeros instead. Its value is
//
//	crc32c (4)                      of the key, the layer's to (8) and all that follows
//	next (6 + 8)                    term and offset of the next block's key, all ones in the last
//	and for each posting, uvarints:
//	    (term − last term) · 2 + 1  offset − from       of the first one in the block, and with each new term
//	    (offset − last offset) · 2                      of one with the same term
//
// So a block says what lies between its key and next, and one that is lost or stands elsewhere is
// noticed by whoever looks for what it held. A subject that one op of a layer has takes about 7 bytes.
const (
	indexKeySize   = 1 + 8 + termSize + 8
	blockHead      = 4 + termSize + 8
	maxPostingSize = 2 * binary.MaxVarintLen64
)

// endOfLayer stands for the key after a layer's last block.
var endOfLayer = posting{term: endTerm, offset: 1<<64 - 1}

// blockKey returns the key of the block that begins with first.
func (r indexLayer) blockKey(first posting) []byte {
	k := append(make([]byte, 0, indexKeySize), r.level)
	return appendPosting(binary.BigEndian.AppendUint64(k, r.from), first)
}

func appendPosting(b []byte, p posting) []byte {
	t := binary.BigEndian.AppendUint64(nil, uint64(p.term))
	return binary.BigEndian.AppendUint64(append(b, t[8-termSize:]...), p.offset)
}

// decodePosting reads the term and the offset that b begins with.
func decodePosting(b []byte) posting {
	var t [8]byte
	copy(t[8-termSize:], b)
	return posting{term: term(binary.BigEndian.Uint64(t[:])), offset: binary.BigEndian.Uint64(b[termSize:])}
}

// blockPair is a key with its value.
type blockPair struct{ key, value []byte }

// blockWriter cuts postings, which are added in order, into blocks.
type blockWriter struct {
	layer  indexLayer // postings and bytes are counted
	blocks []blockPair
	key    posting // of the block that is being filled
	last   posting
	value  []byte
}

func newBlockWriter(layer indexLayer) *blockWriter {
	w := &blockWriter{layer: layer}
	w.begin(posting{})
	return w
}

func (w *blockWriter) begin(key posting) {
	w.key, w.last = key, posting{term: key.term}
	w.value = make([]byte, blockHead, indexBlock)
}

// add takes the next posting, which is above the last one.
func (w *blockWriter) add(p posting) {
	if len(w.value)+maxPostingSize > indexBlock {
		w.end(p)
		w.begin(p)
	}
	if p.term == w.last.term && len(w.value) > blockHead {
		w.value = binary.AppendUvarint(w.value, (p.offset-w.last.offset)<<1)
	} else {
		w.value = binary.AppendUvarint(w.value, uint64(p.term-w.last.term)<<1|1)
		w.value = binary.AppendUvarint(w.value, p.offset-w.layer.from)
	}
	w.last = p
	w.layer.postings++
}

// end ends the block before next.
func (w *blockWriter) end(next posting) {
	key := w.layer.blockKey(w.key)
	copy(w.value[4:], appendPosting(nil, next))
	binary.BigEndian.PutUint32(w.value, w.layer.blockSum(key, w.value))
	w.blocks = append(w.blocks, blockPair{key, w.value})
	w.layer.bytes += uint64(len(key) + len(w.value))
}

// blockSum returns the checksum of a block, which ties it to the offsets of its layer.
func (r indexLayer) blockSum(key, value []byte) uint32 {
	to := record.Offset(r.to)
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, to[:])
	return crc32.Update(sum, castagnoli, value[4:])
}

// take returns the blocks that are complete and forgets them.
func (w *blockWriter) take() []blockPair {
	blocks := w.blocks
	w.blocks = nil
	return blocks
}

// block is a block that was read and checked. Its bytes are those of the file and die with the
// transaction, unless they were copied.
type block struct {
	layer indexLayer
	next  posting // the key of the block after it
	last  posting
	rest  []byte
}

// openBlock checks the block with the given key.
func openBlock(layer indexLayer, key, value []byte) (block, error) {
	if len(key) != indexKeySize || len(value) < blockHead || layer.blockSum(key, value) != binary.BigEndian.Uint32(value) {
		return block{}, fmt.Errorf("%w: a block of offsets %d to %d: its checksum is another", errIndex, layer.from, layer.to)
	}
	first := decodePosting(key[9:])
	return block{
		layer: layer, next: decodePosting(value[4:]), last: posting{term: first.term}, rest: value[blockHead:],
	}, nil
}

// read returns the next posting of the block, and false after the last.
func (b *block) read() (posting, bool, error) {
	if len(b.rest) == 0 {
		return posting{}, false, nil
	}
	head, n := binary.Uvarint(b.rest)
	if n <= 0 {
		return posting{}, false, b.wrong()
	}
	b.rest = b.rest[n:]
	if head&1 == 0 {
		b.last.offset += head >> 1
	} else {
		offset, n := binary.Uvarint(b.rest)
		if n <= 0 || offset >= b.layer.to {
			return posting{}, false, b.wrong()
		}
		b.rest = b.rest[n:]
		b.last = posting{term: b.last.term + term(head>>1), offset: b.layer.from + offset}
	}
	if b.last.offset < b.layer.from || b.last.offset >= b.layer.to || b.last.term >= endTerm {
		return posting{}, false, b.wrong()
	}
	return b.last, true, nil
}

func (b *block) wrong() error {
	return fmt.Errorf("%w: a block of offsets %d to %d cannot be read", errIndex, b.layer.from, b.layer.to)
}
