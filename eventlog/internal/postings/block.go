package postings

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/quipulog/quipu/eventlog/internal/disk"
)

// A layer of the index is its postings in order, by term and offset, cut into blocks. The key of a block is
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
// noticed by whoever looks for what it held. A text that stands at one offset of a layer takes about 7 bytes.
const (
	keySize        = 1 + 8 + termSize + 8
	blockHead      = 4 + termSize + 8
	maxPostingSize = 2 * binary.MaxVarintLen64
	// maxBlock bounds a block, in bytes: two of them with their keys fill two pages of 4 KiB.
	maxBlock = 4049
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// endOfLayer stands for the key after a layer's last block.
var endOfLayer = posting{term: endTerm, offset: 1<<64 - 1}

// blockKey returns the key of the block that begins with first.
func (r Layer) blockKey(first posting) []byte {
	k := append(make([]byte, 0, keySize), r.level)
	return appendPosting(binary.BigEndian.AppendUint64(k, r.From), first)
}

// owns reports whether a block with the given key is one of the layer's. None has the key that stands for its end.
func (r Layer) owns(key []byte) bool {
	return len(key) == keySize && key[0] == r.level && binary.BigEndian.Uint64(key[1:]) == r.From && decodePosting(key[9:]) != endOfLayer
}

// missing says that the layer lacks a block.
func (r Layer) missing() error {
	return fmt.Errorf("%w: a block of offsets %d to %d is missing", ErrDamaged, r.From, r.To)
}

func appendPosting(b []byte, p posting) []byte {
	t := binary.BigEndian.AppendUint64(nil, uint64(p.term))
	return binary.BigEndian.AppendUint64(append(b, t[8-termSize:]...), p.offset)
}

// decodePosting reads the term and the offset that b begins with.
func decodePosting(b []byte) posting {
	var t [8]byte
	copy(t[8-termSize:], b)
	return posting{term: Term(binary.BigEndian.Uint64(t[:])), offset: binary.BigEndian.Uint64(b[termSize:])}
}

// blockPair is a key with its value.
type blockPair struct{ key, value []byte }

// blockWriter cuts postings, which are added in order, into blocks.
type blockWriter struct {
	layer  Layer // postings and bytes are counted
	blocks []blockPair
	key    posting // of the block that is being filled
	last   posting
	value  []byte
}

func newBlockWriter(layer Layer) *blockWriter {
	w := &blockWriter{layer: layer}
	w.begin(posting{})
	return w
}

func (w *blockWriter) begin(key posting) {
	w.key, w.last = key, posting{term: key.term}
	w.value = make([]byte, blockHead, maxBlock)
}

// add takes the next posting, which is above the last one.
func (w *blockWriter) add(p posting) {
	if len(w.value)+maxPostingSize > maxBlock {
		w.end(p)
		w.begin(p)
	}
	if p.term == w.last.term && len(w.value) > blockHead {
		w.value = binary.AppendUvarint(w.value, (p.offset-w.last.offset)<<1)
	} else {
		w.value = binary.AppendUvarint(w.value, uint64(p.term-w.last.term)<<1|1)
		w.value = binary.AppendUvarint(w.value, p.offset-w.layer.From)
	}
	w.last = p
	w.layer.Postings++
}

// end ends the block before next.
func (w *blockWriter) end(next posting) {
	key := w.layer.blockKey(w.key)
	copy(w.value[4:], appendPosting(nil, next))
	binary.BigEndian.PutUint32(w.value, w.layer.blockSum(key, w.value))
	w.blocks = append(w.blocks, blockPair{key, w.value})
	w.layer.Bytes += uint64(len(key) + len(w.value))
}

// blockSum returns the checksum of a block, which ties it to the offsets of its layer.
func (r Layer) blockSum(key, value []byte) uint32 {
	to := binary.BigEndian.AppendUint64(nil, r.To)
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, to)
	return crc32.Update(sum, castagnoli, value[4:])
}

// put writes the blocks that are complete and forgets them. Their keys come in order.
func (w *blockWriter) put(t *disk.Tree) error {
	t.Packed()
	for _, b := range w.blocks {
		if err := t.Put(b.key, b.value); err != nil {
			return err
		}
	}
	w.blocks = nil
	return nil
}

// block is a block that was read and checked. Its bytes are those of the file and die with the
// transaction, unless they were copied.
type block struct {
	layer Layer
	next  posting // the key of the block after it
	last  posting
	rest  []byte
}

// blockAt returns the block of a layer that begins with first.
func blockAt(t *disk.Tree, layer Layer, first posting) (block, error) {
	key := layer.blockKey(first)
	value := t.Get(key)
	if value == nil {
		return block{}, layer.missing()
	}
	return openBlock(layer, key, value)
}

// openBlock checks the block with the given key.
func openBlock(layer Layer, key, value []byte) (block, error) {
	if len(key) != keySize || len(value) < blockHead || layer.blockSum(key, value) != binary.BigEndian.Uint32(value) {
		return block{}, fmt.Errorf("%w: a block of offsets %d to %d: its checksum is another", ErrDamaged, layer.From, layer.To)
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
		if n <= 0 || offset >= b.layer.To {
			return posting{}, false, b.wrong()
		}
		b.rest = b.rest[n:]
		b.last = posting{term: b.last.term + Term(head>>1), offset: b.layer.From + offset}
	}
	if b.last.offset < b.layer.From || b.last.offset >= b.layer.To || b.last.term >= endTerm {
		return posting{}, false, b.wrong()
	}
	return b.last, true, nil
}

func (b *block) wrong() error {
	return fmt.Errorf("%w: a block of offsets %d to %d cannot be read", ErrDamaged, b.layer.From, b.layer.To)
}
