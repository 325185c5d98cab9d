package ids

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// rowSize is the length of a row's value, in bytes.
const rowSize = 8 + 16 + crc32.Size

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errRow says that a row is not what was written.
var errRow = errors.New("its checksum is another")

// find returns the seq of the entry in t that bears the id, and whether that is the same event. Where the transaction has met
// damage nothing is found.
func (id *ID) find(t *disk.Tree) (seq uint64, same, found bool, err error) {
	if t == nil {
		return 0, false, false, nil
	}
	v := t.Get(id.key[:])
	if v == nil {
		return 0, false, false, nil
	}
	if seq, err = parse(id.key[:], v); err != nil {
		return 0, false, false, fmt.Errorf("the row of id %q: %w", id.Text, err)
	}
	return seq, bytes.Equal(v[8:24], id.sum[:]), true, nil
}

// put keeps in t that the entry with the given seq bears the id.
func (id *ID) put(t *disk.Tree, seq uint64) error {
	v := append(binary.BigEndian.AppendUint64(make([]byte, 0, rowSize), seq), id.sum[:]...)
	return t.Put(id.key[:], binary.BigEndian.AppendUint32(v, sum(id.key[:], v)))
}

// rows returns the rows of an author; nil for none. Their keys come in no order, so their pages are not packed.
func rows(tx *disk.Tx, a crdt.Author) *disk.Tree {
	if all := tx.Root().Child(schema.IDs); all != nil {
		return all.Child(a[:])
	}
	return nil
}

// parse returns the seq of a row.
func parse(k, v []byte) (seq uint64, err error) {
	if len(k) != len(key{}) || len(v) != rowSize || sum(k, v[:24]) != binary.BigEndian.Uint32(v[24:]) {
		return 0, errRow
	}
	return binary.BigEndian.Uint64(v), nil
}

func sum(k, v []byte) uint32 {
	return crc32.Update(crc32.Checksum(k, castagnoli), castagnoli, v)
}

// bears reports whether an entry of an op may bear an id.
func bears(op *crdt.Op) bool { return bytes.Contains(op.Bytes(), []byte(Header)) }

// each calls do for each entry of an op that bears an id.
func each(op *crdt.Op, do func(seq uint64, id ID) error) error {
	if !bears(op) {
		return nil
	}
	for e, err := range op.Entries() {
		if err != nil {
			return err
		}
		if id := Of(&e.Event); !id.IsZero() {
			if err := do(e.Seq, id); err != nil {
				return err
			}
		}
	}
	return nil
}
