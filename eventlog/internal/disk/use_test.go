package disk

import (
	"testing"
)

// TestUseIsThatOfTheLastTransaction: what a file takes up is told as a transaction would tell it, without one.
func TestUseIsThatOfTheLastTransaction(t *testing.T) {
	f := newFile(t)
	for i := range 40 {
		err := f.Update(func(tx *Tx) error {
			tree, err := tx.Root().Create([]byte("t"))
			if err != nil {
				return err
			}
			return tree.Put([]byte{byte(i)}, make([]byte, 3000))
		})
		if err != nil {
			t.Fatal(err)
		}
		bytes, free := f.Usage() // by a transaction
		u := f.Use()
		if u.Pages*u.PageSize != bytes || (u.Free+u.Pending)*u.PageSize != free || u.Reading != 0 || u.PageSize == 0 {
			t.Fatalf("after %d commits: %+v, by a transaction %d bytes, %d free", i+1, u, bytes, free)
		}
	}
	tx, err := f.Begin(false)
	if err != nil {
		t.Fatal(err)
	}
	if u := f.Use(); u.Reading != 1 || u.Free == 0 && u.Pending == 0 {
		t.Errorf("beside one that reads: %+v", u)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}

	// While the file is exchanged nobody waits for it.
	last := f.Use()
	f.swapping.Lock()
	if u := f.Use(); u != last {
		t.Errorf("%+v, before %+v", u, last)
	}
	f.swapping.Unlock()
}
