package refill

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/ids"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// ids puts which ids the entries bear of those who write to the log, or did, as meta says.
func (m *Maker) ids() error {
	var ours []byte
	err := m.do(func() error {
		meta := m.tx.Tree(schema.Meta)
		ours = append(append(ours, meta.Get(schema.Author)...), meta.Get(schema.Formerly)...)
		return nil
	})
	for ; len(ours) >= len(crdt.Author{}); ours = ours[len(crdt.Author{}):] {
		a, from := crdt.Author(ours[:len(crdt.Author{})]), crdt.Key{}
		for more := true; more && err == nil; {
			if err = m.do(func() (err error) {
				more, err = m.idsFrom(a, &from)
				return err
			}); err == nil {
				err = m.commit(false)
			}
		}
	}
	return err
}

// idsFrom puts the ids of some ops of a's from a key on, which it moves on, and reports whether there are more.
func (m *Maker) idsFrom(a crdt.Author, from *crdt.Key) (more bool, err error) {
	ops := m.feedOps(a)
	if ops == nil {
		return false, m.tx.Err()
	}
	rows := ids.Ours{Tx: m.tx, Authors: []crdt.Author{a}}
	c, begin := ops.Cursor(), record.OpKey(*from)
	for k, v := c.Seek(begin[:]); k != nil; k, v = c.Next() {
		key, err := record.ParseOpKey(k)
		if err != nil {
			return false, err
		}
		if *from = key; m.put >= commitBytes {
			return true, nil
		}
		op, err := crdt.Reopen(key.ID, record.Op(v).Kept())
		if err == nil {
			err = rows.Add(op)
		}
		if err != nil {
			return false, err
		}
		m.put += len(v) / 8 // what rows take, about
	}
	return false, c.Err()
}
