package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"github.com/quipulog/quipu/eventlog/internal/sys"
	"github.com/quipulog/quipu/eventlog/whole"
)

// Remains is a file that is read page by page, whatever is wrong with it: it may be cut short, its metas may be gone, and
// any page may be something else. It is locked as an open file is, is read by plain reads, and is not written to.
//
// [Remains.Walk] goes through what a root still reaches, and [Remains.Rest] through everything else, of which nobody
// says what it is. One goroutine uses it.
type Remains struct {
	path  string
	file  *os.File
	kept  string // the name that it is to have once it is replaced, where it cannot have two
	size  int64
	pages pageFile // without its mapping
	// tree is the meta whose root is read; nil where there is none.
	tree *boltMeta
	free pageSet // pages in no use by tree; nil where its list cannot be read
	// reached are the pages that Walk has come to, settled those of which nothing is left to be found.
	reached, settled pageSet
	// Notes say what is not as it was written, of metas, root and list.
	Notes []string
}

// pageSet is a set of pages, a bit for each page of the file.
type pageSet []uint64

func (s pageSet) has(id uint64) bool { return id/64 < uint64(len(s)) && s[id/64]>>(id%64)&1 == 1 }
func (s pageSet) add(id uint64)      { s[id/64] |= 1 << (id % 64) }

// OpenRemains locks the file at path for reading its pages. It returns [ErrLocked] and [fs.ErrNotExist]; nothing that
// stands in the file is an error.
func OpenRemains(path string) (*Remains, error) {
	file, err := openBack(path)
	if err != nil {
		return nil, err
	}
	r := &Remains{path: path, file: file}
	f := &File{path: path}
	err = sys.TryLock(file)
	if err == nil && !whole.At(file, path) {
		err = ErrLocked
	}
	if err == nil {
		f.removeLeft()
	}
	if err == nil && f.Unsynced() {
		err = dropCached(file)
	}
	if err == nil {
		r.size, err = file.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	r.findTree()
	return r, nil
}

// Close lets go of the file.
func (r *Remains) Close() error { return r.file.Close() }

// Size returns the length of the file, in bytes.
func (r *Remains) Size() int64 { return r.size }

// Current reports whether the tree that Walk goes through is known to be that of the last transaction that was committed.
func (r *Remains) Current() bool { return r.tree != nil && len(r.Notes) == 0 }

func (r *Remains) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// findTree picks the newest root that is a page. The state of the transaction before the last is whole until the next one
// writes: a page that a transaction frees is used again only after that.
func (r *Remains) findTree() {
	metas := r.metas()
	for _, m := range metas {
		r.pages = pageFile{pageSize: m.pageSize, highWater: (uint64(r.size) + m.pageSize - 1) / m.pageSize}
		if m.highWater > r.pages.highWater {
			r.note("it has %d bytes where it says %d pages of %d: it was cut short", r.size, m.highWater, m.pageSize)
		}
		_, err := r.page(m.root)
		if err != nil {
			r.note("the root of transaction %d: %v", m.transaction, err)
			continue
		}
		r.tree = &m
		break
	}
	if r.tree == nil {
		return
	}
	r.reached = make(pageSet, r.pages.highWater/64+1)
	r.settled = make(pageSet, len(r.reached))
	if err := r.readFree(); err != nil {
		r.note("%v", err)
	}
}

// readFree reads the list of free pages, if all of it is there.
func (r *Remains) readFree() error {
	list := r.tree.freelist
	free, err := readFreelist(r.file, *r.tree)
	if err != nil {
		return err
	}
	var head [pageHeader]byte
	if _, err := r.file.ReadAt(head[:], int64(list*r.pages.pageSize)); err != nil {
		return err
	}
	for id := list; id <= list+uint64(native.Uint32(head[12:])) && id < r.pages.highWater; id++ {
		r.settled.add(id)
	}
	r.free = make(pageSet, len(r.reached))
	for _, id := range free {
		if id < r.pages.highWater {
			r.free.add(id)
		}
	}
	return nil
}

// metas returns the metas that check, the newest first.
func (r *Remains) metas() (metas []boltMeta) {
	first, err := readMetaPage(r.file, 0)
	if err == nil {
		metas = append(metas, first)
	} else {
		r.note("meta page 0: %v", err)
	}
	second, err := boltMeta{}, errors.New("it is not found")
	for size := int64(minPage); size <= maxPage; size *= 2 {
		if m, wrong := readMetaPage(r.file, size); wrong == nil && int64(m.pageSize) == size && (first.pageSize == 0 || first.pageSize == m.pageSize) {
			second, err = m, nil
		}
	}
	if err == nil {
		metas = append(metas, second)
	} else {
		r.note("meta page 1: %v", err)
	}
	slices.SortFunc(metas, func(a, b boltMeta) int { return cmp.Compare(b.transaction, a.transaction) })
	return metas
}

// page reads and checks a page with its overflow.
func (r *Remains) page(id uint64) (*page, error) {
	var head [pageHeader]byte
	if id < 2 || id >= r.pages.highWater {
		return nil, fmt.Errorf("%w: %d of %d", errPage, id, r.pages.highWater)
	}
	at := int64(id * r.pages.pageSize)
	if _, err := r.file.ReadAt(head[:], at); err != nil {
		return nil, fmt.Errorf("%w: %d: %w", errPage, id, err)
	}
	flags := native.Uint16(head[8:])
	p := &page{id: id, leaf: flags == leafFlag, count: int(native.Uint16(head[10:])), overflow: uint64(native.Uint32(head[12:]))}
	if native.Uint64(head[:]) != id || !p.leaf && (flags != branchFlag || p.count == 0) || id+p.overflow >= r.pages.highWater {
		return nil, fmt.Errorf("%w: %d says it is page %d with %d elements", errPage, id, native.Uint64(head[:]), p.count)
	}
	if err := r.fits(p, at); err != nil {
		return nil, err
	}
	p.b = make([]byte, (1+p.overflow)*r.pages.pageSize)
	if _, err := r.file.ReadAt(p.b, at); err != nil {
		return nil, fmt.Errorf("%w: %d: %w", errPage, id, err)
	}
	if err := r.pages.checkElements(p, uint64(len(p.b))); err != nil {
		return nil, fmt.Errorf("%w: %d: %w", errPage, id, err)
	}
	return p, nil
}

// fits checks a page that overflows by its elements alone: what they take is read only where it ends with the page.
func (r *Remains) fits(p *page, at int64) error {
	if p.overflow == 0 {
		return nil
	}
	table := page{leaf: p.leaf, count: p.count, b: make([]byte, pageHeader+elementSize*p.count)}
	if _, err := r.file.ReadAt(table.b, at); err != nil {
		return fmt.Errorf("%w: %d: %w", errPage, p.id, err)
	}
	end := uint64(len(table.b))
	for i := range table.count {
		_, key, value := table.element(i)
		end += key + value
	}
	if (end+r.pages.pageSize-1)/r.pages.pageSize != 1+p.overflow {
		return fmt.Errorf("%w: %d says that it has %d pages, and its elements end at %d", errPage, p.id, 1+p.overflow, end)
	}
	return nil
}

// Rest yields the stretches of the file, from and to in bytes, that are not known for what they are: of those that are in
// use, by the tree or by its list of free pages, where inUse is set, of the others else.
func (r *Remains) Rest(inUse bool) iter.Seq2[int64, int64] {
	return func(yield func(from, to int64) bool) {
		if r.tree == nil {
			if !inUse {
				yield(0, r.size)
			}
			return
		}
		size := int64(r.pages.pageSize)
		for id := uint64(2); id < r.pages.highWater; {
			end := id
			for end < r.pages.highWater && !r.settled.has(end) && r.uses(end) == inUse {
				end++
			}
			if end > id && !yield(int64(id)*size, min(int64(end)*size, r.size)) {
				return
			}
			id = max(end, id+1)
		}
	}
}

// uses reports whether a page is in use, and that is known.
func (r *Remains) uses(id uint64) bool {
	return r.reached.has(id) || r.free != nil && id < r.tree.highWater && !r.free.has(id)
}

// remainsSector is how much of the file is given up where it cannot be read.
const remainsSector = 4 << 10

// Read reads b's length of the file at an offset. Where the disk gives nothing back there are zeros, and lost says how
// many bytes.
func (r *Remains) Read(b []byte, at int64) (lost int64) {
	if _, err := r.file.ReadAt(b, at); err == nil {
		return 0
	}
	for part := range slices.Chunk(b, remainsSector) {
		if _, err := r.file.ReadAt(part, at); err != nil {
			clear(part)
			lost += int64(len(part))
		}
		at += int64(len(part))
	}
	return lost
}
