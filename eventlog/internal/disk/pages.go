package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"go.etcd.io/bbolt"
)

// pageFile reads the pages of bbolt's file and checks each before anybody follows it. bbolt trusts what it maps: a page
// that names itself as its child sends it round for ever, until its stack has used up the memory; a length that is too
// large makes it allocate that much. Neither can be recovered from.
//
// The pages are looked at where they are mapped: they are there until a transaction that reads ends, or one that writes
// commits, which may grow the file and have it mapped elsewhere. Of a file that is not mapped they are read and kept.
//
//	page    id (8)  flags (2)  count (2)  overflow (4)  count × element  keys and values, in order
//	branch  element: position (4)  key size (4)  child (8)
//	leaf    element: flags (4)  position (4)  key size (4)  value size (4)
//
// A position counts from the beginning of its element. Where one key and value end the next begins, and
// the last ends on the last page of the overflow: so every number on a page is checked by another.
type pageFile struct {
	file      io.ReaderAt
	mapped    []byte // the file's pages below highWater; nil where it is not mapped
	pageSize  uint64
	highWater uint64    // pages in use are below it
	onlooker  *onlooker // reads a file that is not mapped
	skims     bool      // of a leaf that has no buckets what lies behind its keys is not read
}

const (
	branchFlag  = 0x01
	leafFlag    = 0x02
	bucketFlag  = 0x01 // of an element
	elementSize = 16
	// maxBranch bounds the bytes of a branch page: it overflows only when two keys fill it.
	maxBranch = 1 << 20
	// maxTreeDepth bounds the pages on the way from the root of a bucket to a leaf. At two keys a page
	// it holds 2^40 pages, more than a file can have; deeper is a circle.
	maxTreeDepth = 40
)

// page is a page that was checked.
type page struct {
	id, overflow uint64
	leaf         bool
	count        int
	b            []byte // all of it, its overflow included, but for what is skimmed
	first, last  []byte // keys; nil when there are none
}

var errPage = errors.New("damaged page")

// read checks page id and makes p that page.
func (f *pageFile) read(id uint64, p *page) error {
	if id < 2 || id >= f.highWater {
		return fmt.Errorf("%w: %d of %d", errPage, id, f.highWater)
	}
	var err error
	if p.b, err = f.load(id, 1, nil); err != nil {
		return err
	}
	p.id = id
	flags := native.Uint16(p.b[8:])
	p.leaf, p.count = flags == leafFlag, int(native.Uint16(p.b[10:]))
	p.overflow = uint64(native.Uint32(p.b[12:]))
	wrong := native.Uint64(p.b) != id || !p.leaf && (flags != branchFlag || p.count == 0)
	if wrong || id+p.overflow >= f.highWater {
		return fmt.Errorf("%w: %d says it is page %d with %d elements", errPage, id, native.Uint64(p.b), p.count)
	}
	if p.overflow > 0 && !(f.skims && p.hasKeys()) {
		if p.b, err = f.load(id, 1+p.overflow, p.b); err != nil {
			return err
		}
	}
	if err := f.checkElements(p, (1+p.overflow)*f.pageSize); err != nil {
		return fmt.Errorf("%w: %d: %w", errPage, id, err)
	}
	return nil
}

// load returns n pages from page id on, which are below highWater. The first of them may be known.
func (f *pageFile) load(id, n uint64, known []byte) ([]byte, error) {
	if f.onlooker != nil {
		return f.onlooker.read(f, id, n, known)
	}
	end := (id + n) * f.pageSize
	return f.mapped[id*f.pageSize : end : end], nil
}

// hasKeys reports whether p is a leaf without buckets of which the first page has the first key and the last.
func (p *page) hasKeys() bool {
	if !p.leaf || p.count == 0 || pageHeader+elementSize*p.count > len(p.b) {
		return false
	}
	for i := range p.count {
		if p.isBucket(i) {
			return false
		}
	}
	from, size, _ := p.element(p.count - 1)
	return from+size <= uint64(len(p.b))
}

// checkElements checks that the keys and values of p, which has so many bytes, lie one after the other and end where p ends.
func (f *pageFile) checkElements(p *page, size uint64) error {
	end := uint64(pageHeader + elementSize*p.count)
	if end > uint64(len(p.b)) {
		return fmt.Errorf("it has no room for %d elements", p.count)
	}
	for i := range p.count {
		from, keySize, valueSize := p.element(i)
		if from != end {
			return fmt.Errorf("element %d begins at %d, not at %d", i, from, end)
		}
		end += keySize + valueSize
	}
	if pages := max(1, (end+f.pageSize-1)/f.pageSize); pages != 1+p.overflow || end > size {
		return fmt.Errorf("its %d elements end at %d, on page %d of %d", p.count, end, pages, 1+p.overflow)
	}
	p.first, p.last = nil, nil
	if p.count == 0 {
		return nil
	}
	var err error
	if p.first, err = f.key(p, 0); err == nil {
		p.last, err = f.key(p, p.count-1)
	}
	return err
}

// element returns where key i begins on the page, and the sizes of key and value.
func (p *page) element(i int) (from, keySize, valueSize uint64) {
	at := pageHeader + elementSize*i
	e := p.b[at : at+elementSize]
	if p.leaf {
		return uint64(at) + uint64(native.Uint32(e[4:])), uint64(native.Uint32(e[8:])), uint64(native.Uint32(e[12:]))
	}
	return uint64(at) + uint64(native.Uint32(e)), uint64(native.Uint32(e[4:])), 0
}

// child returns the page that element i of a branch names.
func (p *page) child(i int) uint64 { return native.Uint64(p.b[pageHeader+elementSize*i+8:]) }

// isBucket reports whether element i of a leaf is a bucket.
func (p *page) isBucket(i int) bool {
	return native.Uint32(p.b[pageHeader+elementSize*i:])&bucketFlag != 0
}

// key returns key i, which may share memory with p. Keys and values were checked to lie inside p.
func (f *pageFile) key(p *page, i int) ([]byte, error) {
	from, size, _ := p.element(i)
	return f.bytes(p, from, min(size, bbolt.MaxKeySize+1))
}

func (f *pageFile) bytes(p *page, from, size uint64) ([]byte, error) {
	if from+size <= uint64(len(p.b)) {
		return p.b[from : from+size : from+size], nil
	}
	return nil, fmt.Errorf("%w: %d has changed since it was checked", errPage, p.id)
}

// keyValue returns key i of a leaf and its value, nil where that is a bucket. They may share memory with p.
func (f *pageFile) keyValue(p *page, i int) (k, v []byte, err error) {
	from, keySize, valueSize := p.element(i)
	if k, err = f.bytes(p, from, keySize); err == nil && !p.isBucket(i) {
		v, err = f.bytes(p, from+keySize, valueSize)
	}
	return k, v, err
}

// find returns the element of p whose key is the greatest at or below key, the first if there is none.
func (f *pageFile) find(p *page, key []byte) (int, error) {
	low, high := 0, p.count
	for low < high {
		middle := (low + high) / 2
		k, err := f.key(p, middle)
		if err != nil {
			return 0, err
		}
		if bytes.Compare(k, key) <= 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return max(0, low-1), nil
}

// rooted is where the pages of a tree begin: at a root, or with the one that is all of it, inside a value.
type rooted struct {
	root   uint64
	inside []byte // nil where there is a root
}

// bucketRoot returns what the value of a bucket says: its root page, or the page that it is inside the value, which was
// checked. An inline page that is no leaf would send bbolt round for ever.
func (f *pageFile) bucketRoot(p *page, i int) (at rooted, err error) {
	from, keySize, valueSize := p.element(i)
	head, err := f.bytes(p, from+keySize, min(valueSize, 2*pageHeader))
	if err != nil || len(head) < pageHeader {
		return at, errors.Join(errPage, err)
	}
	if root := native.Uint64(head); root != 0 {
		return rooted{root: root}, nil
	}
	value, err := f.bytes(p, from+keySize, min(valueSize, maxBranch))
	if err != nil || len(value) < 2*pageHeader {
		return at, errors.Join(errPage, err)
	}
	at.inside = value[pageHeader:]
	var inline page
	if err := inline.inline(at.inside); err != nil {
		return at, fmt.Errorf("%w: inside the value of a bucket on page %d: %w", errPage, p.id, err)
	}
	return at, nil
}

// inline checks a page that lies inside a value, has at least a header, and makes p that page.
func (p *page) inline(b []byte) error {
	*p = page{leaf: true, b: b, count: int(native.Uint16(b[10:]))}
	if native.Uint16(b[8:]) != leafFlag {
		return errors.New("it is no leaf")
	}
	small := pageFile{pageSize: maxBranch}
	return small.checkElements(p, uint64(len(b)))
}

// climb walks the pages of one tree, ahead of bbolt's cursor.
type climb struct {
	pages *pageFile
	rooted
	steps []step // from the root to a leaf
}

// step is a page and which of its elements the way goes through.
type step struct {
	*page
	index int
}

var pagePool = sync.Pool{New: func() any { return new(page) }}

func (c *climb) push(id uint64, low, high []byte) (*page, error) {
	if len(c.steps) == maxTreeDepth {
		return nil, fmt.Errorf("%w: %d is below itself", errPage, id)
	}
	p := pagePool.Get().(*page)
	var err error
	if c.inside != nil {
		err = p.inline(c.inside)
	} else {
		err = c.pages.read(id, p)
	}
	if err != nil {
		return nil, err
	}
	c.steps = append(c.steps, step{page: p})
	if p.count > 0 && (bytes.Compare(p.first, low) < 0 || high != nil && bytes.Compare(p.last, high) >= 0) {
		return nil, fmt.Errorf("%w: %d holds keys that belong elsewhere", errPage, id)
	}
	return p, nil
}

func (c *climb) pop() {
	last := len(c.steps) - 1
	*c.steps[last].page = page{}
	pagePool.Put(c.steps[last].page)
	c.steps = c.steps[:last]
}

// reset forgets the way.
func (c *climb) reset() {
	for len(c.steps) > 0 {
		c.pop()
	}
}

// last returns the step that the way ends with.
func (c *climb) last() *step { return &c.steps[len(c.steps)-1] }

// leaf returns the leaf that the way ends with.
func (c *climb) leaf() *page { return c.last().page }

// down goes from the last page of the way, or from the root, to an element of a leaf. choose picks the elements.
func (c *climb) down(choose func(p *page) (int, error)) error {
	if len(c.steps) == 0 {
		if _, err := c.push(c.root, nil, nil); err != nil {
			return err
		}
	}
	for {
		at := c.last()
		i, err := choose(at.page)
		if err != nil {
			return err
		}
		if at.index = i; at.leaf {
			return nil
		}
		if err := c.enter(); err != nil {
			return err
		}
	}
}

// enter goes to the child that the last step names. Its keys lie between that element's key and the next one's.
func (c *climb) enter() error {
	at := c.steps[len(c.steps)-1]
	low, err := c.pages.key(at.page, at.index)
	var high []byte
	if err == nil && at.index+1 < at.count {
		high, err = c.pages.key(at.page, at.index+1)
	}
	if err == nil {
		_, err = c.push(at.child(at.index), low, high)
	}
	return err
}

func firstElement(*page) (int, error)  { return 0, nil }
func lastElement(p *page) (int, error) { return p.count - 1, nil }

// seek goes to the leaf that holds key or would, and there to the element that find returns. Pages of the way that key
// lies below stay part of it: who reads on seeks near by.
func (c *climb) seek(key []byte) error {
	for len(c.steps) > 1 && !c.last().spans(key) {
		c.pop()
	}
	return c.down(func(p *page) (int, error) { return c.pages.find(p, key) })
}

// spans reports whether key lies between the first of p's keys and the last.
func (p *page) spans(key []byte) bool {
	return p.count > 0 && bytes.Compare(p.first, key) <= 0 && bytes.Compare(key, p.last) <= 0
}

// end goes to the first element of the first leaf, or to the last one.
func (c *climb) end(choose func(p *page) (int, error)) error {
	c.reset()
	return c.down(choose)
}

// move goes to the next leaf (by is 1) or the one before (by is -1), to the element that comes first on that way, and
// reports whether there is one. The way stays where it is when there is none.
func (c *climb) move(by int) (bool, error) {
	up := len(c.steps) - 2
	for up >= 0 && (c.steps[up].index+by < 0 || c.steps[up].index+by >= c.steps[up].count) {
		up--
	}
	if up < 0 {
		return false, nil
	}
	for len(c.steps) > up+1 {
		c.pop()
	}
	c.steps[up].index += by
	if err := c.enter(); err != nil {
		return false, err
	}
	if by < 0 {
		return true, c.down(lastElement)
	}
	return true, c.down(firstElement)
}
