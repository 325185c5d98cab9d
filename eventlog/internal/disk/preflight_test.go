package disk

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestPreflight spoils what bbolt would believe when it maps a file, one thing at a time.
func TestPreflight(t *testing.T) {
	f := newFile(t)
	must(t, f.Update(func(tx *Tx) error { // so that pages are free
		for i := range many {
			must(t, tx.Tree(manyKeys).Remove(keyOf(i)))
		}
		return nil
	}))
	must(t, f.Update(func(tx *Tx) error { return tx.Tree(fewKeys).Put([]byte("x"), nil) }))
	whole, err := os.ReadFile(f.path)
	must(t, err)
	page := int(f.pageSize)
	first, err := readMetaPage(bytes.NewReader(whole), 0)
	must(t, err)
	second, err := readMetaPage(bytes.NewReader(whole), int64(page))
	must(t, err)
	newest, at := first, pageHeader // the meta that counts, and where it is
	if second.transaction > first.transaction {
		newest, at = second, page+pageHeader
	}
	list := int(newest.freelist) * page
	free, err := readFreelist(bytes.NewReader(whole), newest)
	must(t, err)
	if len(free) < 3 {
		t.Fatalf("free pages: %v", free)
	}
	// meta changes eight bytes of the meta, and its checksum.
	meta := func(field int, n uint64) func(b []byte) []byte {
		return func(b []byte) []byte {
			native.PutUint64(b[at+field:], n)
			resum(b[at:])
			return b
		}
	}
	for name, test := range map[string]struct {
		spoil func(b []byte) []byte
		want  string
	}{
		"nothing":                     {func(b []byte) []byte { return b }, ""},
		"empty":                       {func(b []byte) []byte { return nil }, "the file ends before it"},
		"one page":                    {func(b []byte) []byte { return b[:page] }, "meta page 1: the file ends before it"},
		"cut":                         {func(b []byte) []byte { return b[:int(newest.highWater)*page-1] }, "it was cut short"},
		"a bit of a meta":             {func(b []byte) []byte { b[at+20] ^= 1; return b }, "its checksum is another"},
		"no page size":                {func(b []byte) []byte { native.PutUint32(b[at+8:], 16); resum(b[at:]); return b }, "page size 16"},
		"free list nowhere":           {meta(32, 1), "its list of free pages is at page 1"},
		"free list beyond the end":    {meta(32, newest.highWater), "its list of free pages is at page"},
		"free list is something else": {func(b []byte) []byte { native.PutUint16(b[list+8:], leafFlag); return b }, "is something else"},
		"free list beyond its page":   {func(b []byte) []byte { native.PutUint16(b[list+10:], 0xFFF0); return b }, "in 1 pages"},
		"a free page twice":           {func(b []byte) []byte { native.PutUint64(b[list+24:], free[0]); return b }, "after"},
		"a meta is free":              {func(b []byte) []byte { native.PutUint64(b[list+16:], 1); return b }, "names page 1 after 1"},
		"a free page beyond the end": {func(b []byte) []byte {
			native.PutUint64(b[list+16+8*(len(free)-1):], newest.highWater)
			return b
		}, "its list of free pages names page"},
	} {
		path := f.path + ".spoiled"
		must(t, os.WriteFile(path, test.spoil(slices.Clone(whole)), 0o600))
		file, err := os.Open(path)
		must(t, err)
		if err = preflight(file); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		must(t, file.Close())
	}
}
