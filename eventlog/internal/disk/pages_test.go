package disk

import (
	"bytes"
	"os"
	"testing"
)

// TestAnInlineBucketEndsWithItsValue makes the last value of a bucket that lies inside a value longer than that.
func TestAnInlineBucketEndsWithItsValue(t *testing.T) {
	f := newFile(t)
	all, err := os.ReadFile(f.path)
	must(t, err)
	file, err := os.OpenFile(f.path, os.O_RDWR, 0)
	must(t, err)
	defer file.Close()
	const sizeAt = 2*pageHeader + 12 // of the value, in the one element
	want := append(bytes.Clone(fewKeys), make([]byte, 8)...)
	spoiled := 0
	for at := 0; ; at++ {
		next := bytes.Index(all[at:], want)
		if next < 0 {
			break
		}
		at += next
		_, err := file.WriteAt([]byte{9}, int64(at+len(fewKeys)+sizeAt))
		must(t, err)
		spoiled++
	}
	tx := f.begin(t, false)
	var v []byte
	err = tx.Do(func() error {
		v = bytes.Clone(tx.Tree(fewKeys).Get([]byte("k")))
		return nil
	})
	if spoiled == 0 || err == nil {
		t.Errorf("%d buckets spoiled, and %q read", spoiled, v)
	}
}

// FuzzPage reads pages of any bytes and walks them as a tree: whatever stands there, a page is refused or can be
// read to its end, and no walk goes on for ever.
func FuzzPage(f *testing.F) {
	const pageSize = 4096
	all, err := os.ReadFile(newFile(f).path)
	must(f, err)
	for at := 0; at+2*pageSize <= len(all) && at < 64*pageSize; at += pageSize {
		f.Add(all[at : at+2*pageSize])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		const high = 4 // pages 2 and 3 are those of b
		b = append(make([]byte, 2*pageSize), b[:min(len(b), 2*pageSize)]...)
		pages := &pageFile{mapped: b, pageSize: pageSize, highWater: uint64(len(b)) / pageSize}
		for id := range uint64(high) {
			readTree(t, pages, id)
		}
	})
}

// readTree reads a page and the tree below it.
func readTree(t *testing.T, pages *pageFile, id uint64) {
	var p page
	if pages.read(id, &p) == nil {
		readAll(t, pages, &p)
	}
	c := climb{pages: pages, rooted: rooted{root: id}}
	for more, err := true, c.end(firstElement); more && err == nil; {
		more, err = c.move(1)
	}
	_ = c.seek([]byte("key"))
	c.reset()
}

// readAll reads what a page that was checked has, as far as it lies in the file.
func readAll(t *testing.T, pages *pageFile, p *page) {
	for i := range p.count {
		if _, err := pages.key(p, i); err == nil && p.leaf && p.isBucket(i) {
			_, _ = pages.bucketRoot(p, i)
		}
	}
	if at, err := pages.find(p, []byte("key")); err == nil && p.count > 0 && at >= p.count {
		t.Errorf("found at %d of %d", at, p.count)
	}
}
