package holes

import (
	"errors"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Forget drops the arrivals of what lay below start in its feed, and was missing when that was forgotten: they are before
// the offset of start.
func Forget(arrivals *disk.Tree, start crdt.Signed, offset uint64) error {
	var gone []uint64
	c := arrivals.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		a, err := record.ParseArrival(k, v)
		if err != nil {
			continue
		}
		if a.Offset >= offset {
			break
		}
		if a.Author == start.Author && a.Key.First < start.First {
			gone = append(gone, a.Offset)
		}
	}
	err := c.Err()
	for _, offset := range gone {
		k := record.Offset(offset)
		err = errors.Join(err, arrivals.Remove(k[:]))
	}
	return err
}
