package disk

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestSyncsAreToldFromWrites: in a commit whose writes take an hour each, in fake time, the syncs take none.
func TestSyncsAreToldFromWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFile(t)
		hook := writesOf(f.db)
		if f.syncs == nil || hook == nil {
			t.Fatal("bbolt keeps its writes elsewhere than it did: look for them anew")
		}
		written, write := 0, f.syncs.write
		f.syncs.write = func(b []byte, offset int64) (int, error) {
			written++
			time.Sleep(time.Hour)
			return write(b, offset)
		}
		tx := f.begin(t, true)
		must(t, tx.Tree(manyKeys).Put([]byte("key"), make([]byte, 20<<10)))
		must(t, tx.Commit())
		if hours := time.Duration(written) * time.Hour; written < 2 || tx.Synced() != 0 {
			t.Errorf("%d writes took %v, and the syncs %v", written, hours, tx.Synced())
		}
	})
}

// TestBothSyncsCount: what passes behind the pages and behind the meta page is what the syncs take, of this commit alone.
func TestBothSyncsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stopwatch{metas: 2, write: func(b []byte, _ int64) (int, error) { return len(b), nil }}
		for range 2 {
			time.Sleep(time.Hour)
			for _, offset := range []int64{2, 3} {
				time.Sleep(time.Hour)
				if n, err := s.writeAt([]byte("page"), offset); n != 4 || err != nil {
					t.Fatal(n, err)
				}
			}
			time.Sleep(3 * time.Second)
			if _, err := s.writeAt(nil, 1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			s.stop()
			if s.synced != 8*time.Second {
				t.Errorf("the syncs took %v", s.synced)
			}
		}
	})
}

// TestSyncsAreAPartOfTheCommit: they take their time, and no more than the commit does.
func TestSyncsAreAPartOfTheCommit(t *testing.T) {
	f := newFile(t)
	tx := f.begin(t, true)
	must(t, tx.Tree(manyKeys).Put([]byte("key"), []byte("value")))
	began := time.Now()
	must(t, tx.Commit())
	if took, all := tx.Synced(), time.Since(began); took <= 0 || took > all {
		t.Errorf("the syncs took %v of %v", took, all)
	}
}
