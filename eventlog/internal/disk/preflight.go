package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"slices"
)

// bbolt's file begins with two pages that each name a root; the one with the greater transaction id
// counts. Integers are in the byte order of the machine that wrote them.
//
//	page   id (8)  flags (2)  count (2)  overflow (4)
//	meta   magic (4)  version (4)  page size (4)  flags (4)  root (8)  sequence (8)
//	       freelist (8)  high water (8)  transaction (8)  checksum (8): FNV-1a of what is before it
const (
	pageHeader    = 16
	metaSize      = 64
	metaMagic     = 0xED0CDAED
	pageOfFree    = 0x10
	freeListLarge = 0xFFFF
	minPage       = 512
	maxPage       = 64 << 10
)

// boltMeta is what a meta page says.
type boltMeta struct {
	pageSize, root, freelist, highWater, transaction uint64
}

var native = binary.NativeEndian

// preflight looks at a file before it is mapped. bbolt believes what it maps: a page beyond the end of
// the file is a fault of the processor, and a wrong count of free pages an allocation that ends the
// process. Everything else that is damaged is met under guard.
//
// A meta page that does not check is refused too, although bbolt would go back to the other: the
// transaction that it named was acked, and its seqs would be given out again. A crash does not leave
// one, since the meta lies in the first sector of its page.
func preflight(f *os.File) error {
	metas, err := readMetas(f)
	if err == nil {
		_, err = readFreelist(f, metas[metas.newest()])
	}
	return err
}

// bothMetas are what the two meta pages say.
type bothMetas [2]boltMeta

// newest returns which of the two counts.
func (m bothMetas) newest() int {
	if m[1].transaction > m[0].transaction {
		return 1
	}
	return 0
}

// readMetas reads the meta pages of a file, which is to be as long as both say.
func readMetas(f *os.File) (m bothMetas, err error) {
	if m[0], err = readMetaPage(f, 0); err != nil {
		return m, fmt.Errorf("meta page 0: %w", err)
	}
	if m[1], err = readMetaPage(f, int64(m[0].pageSize)); err != nil {
		return m, fmt.Errorf("meta page 1: %w", err)
	}
	if m[0].pageSize != m[1].pageSize {
		return m, fmt.Errorf("its meta pages name page sizes %d and %d", m[0].pageSize, m[1].pageSize)
	}
	info, err := f.Stat() // after them, where somebody else makes it longer
	if err != nil {
		return m, err
	}
	for _, m := range m {
		if most := uint64(info.Size()) / m.pageSize; m.highWater > most {
			return bothMetas{}, fmt.Errorf("it has %d bytes where it says %d pages of %d: it was cut short", info.Size(), m.highWater, m.pageSize)
		}
	}
	return m, nil
}

func readMetaPage(f io.ReaderAt, at int64) (boltMeta, error) {
	var b [pageHeader + metaSize]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file ends before it")
		}
		return boltMeta{}, err
	}
	m := b[pageHeader:]
	sum := fnv.New64a()
	sum.Write(m[:56])
	if native.Uint32(m) != metaMagic || sum.Sum64() != native.Uint64(m[56:]) {
		return boltMeta{}, errors.New("its checksum is another")
	}
	meta := boltMeta{
		pageSize: uint64(native.Uint32(m[8:])), root: native.Uint64(m[16:]), freelist: native.Uint64(m[32:]),
		highWater: native.Uint64(m[40:]), transaction: native.Uint64(m[48:]),
	}
	if meta.pageSize < minPage || meta.pageSize > maxPage {
		return boltMeta{}, fmt.Errorf("page size %d", meta.pageSize)
	}
	return meta, nil
}

// readFreelist returns the free pages of a transaction: each is a page, they stand in order, and each
// once. A page that is in use and called free would be written over.
func readFreelist(f io.ReaderAt, m boltMeta) ([]uint64, error) {
	if m.freelist < 2 || m.freelist >= m.highWater {
		return nil, fmt.Errorf("its list of free pages is at page %d of %d", m.freelist, m.highWater)
	}
	var header [pageHeader + 8]byte
	at := int64(m.freelist * m.pageSize)
	if _, err := f.ReadAt(header[:], at); err != nil {
		return nil, fmt.Errorf("read list of free pages: %w", err)
	}
	pages := 1 + uint64(native.Uint32(header[12:]))
	if native.Uint64(header[:]) != m.freelist || native.Uint16(header[8:]) != pageOfFree || m.freelist+pages > m.highWater {
		return nil, errors.New("its list of free pages is something else")
	}
	n, skip := uint64(native.Uint16(header[10:])), uint64(pageHeader)
	if n == freeListLarge {
		n, skip = native.Uint64(header[pageHeader:]), pageHeader+8
	}
	if n > (pages*m.pageSize-skip)/8 {
		return nil, fmt.Errorf("its list of free pages has %d in %d pages", n, pages)
	}
	b := make([]byte, n*8)
	if _, err := f.ReadAt(b, at+int64(skip)); err != nil {
		return nil, fmt.Errorf("read list of free pages: %w", err)
	}
	free := make([]uint64, 0, n)
	last := uint64(1)
	for id := range slices.Chunk(b, 8) {
		page := native.Uint64(id)
		if page <= last || page >= m.highWater {
			return nil, fmt.Errorf("its list of free pages names page %d after %d", page, last)
		}
		free = append(free, page)
		last = page
	}
	return free, nil
}
