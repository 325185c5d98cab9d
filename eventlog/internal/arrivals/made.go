package arrivals

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// Late returns the arrivals that are late in a transaction, in order. Where the file is damaged they are made of what there
// is, as [Made] says, and tx says so: another transaction is to go on with them.
func Late(tx *disk.Tx) ([]record.Arrival, error) {
	all, _, err := Of(tx).late(0)
	return all, err
}

// late returns the arrivals that are late, in order: from an offset on, where an op that can be read begins, or else all.
// from is what the record says of these; nothing is late where it has no Ops.
func (a Arrivals) late(offset uint64) (all []record.Arrival, from record.Late, err error) {
	own, l, err := a.record()
	if err != nil || l.Ops == 0 {
		return nil, l, err
	}
	if offset >= l.End() {
		return nil, l.From(l.End()), nil
	}
	m := Made{Author: own, Late: l.From(max(offset, l.Offset))}
	if !m.read(a.tx) && offset > l.Offset {
		m = Made{Author: own, Late: l}
		m.read(a.tx)
	}
	if m.next < l.Next {
		f, err := record.ParseFeed(own, a.tx.Tree(schema.Feeds).Get(own[:]))
		if err != nil {
			return nil, l, err
		}
		m.End(f.Feed)
	}
	return m.All, m.Late, nil
}

// read tells of the ops that stand in the file, and reports whether the first of them can be read.
func (m *Made) read(tx *disk.Tx) (begins bool) {
	ops := tx.Tree(schema.Ops).Child(m.Author[:]).Growing()
	if ops == nil {
		return false
	}
	m.All = make([]record.Arrival, 0, min(m.Late.Ops, m.Late.Next-m.Late.Seq))
	c, first := ops.Cursor(), record.OpKey(crdt.Key{First: m.Late.Seq})
	for k, v := c.Seek(first[:]); k != nil; k, v = c.Next() {
		key, err := record.ParseOpKey(k)
		if err != nil {
			continue // the key of no op
		}
		if op, err := record.Op(v).Signed(m.Author, key); err == nil {
			begins = begins || op.First == m.Late.Seq && len(m.spoiled) == 0
			m.Op(op)
		} else {
			m.Spoiled(key)
		}
	}
	return begins
}

// Made are the arrivals of ops that are late, made of what there is of the ops. It is told of those from the first on, in
// order of key: by [Made.Op] of one that can be read, whose header says what its key does, by [Made.Spoiled] of one that
// cannot, whose key may be spoiled, too. The op behind it names the last of these, and says where they end; so each offset
// has an arrival in the end, of several ops where nobody knows better.
type Made struct {
	Author crdt.Author
	Late   record.Late
	All    []record.Arrival

	next    uint64 // the seq behind the last in All; 0 for none
	spoiled []crdt.Key
}

// Op takes an op that can be read.
func (m *Made) Op(op crdt.Signed) {
	if op.First < max(m.next, m.Late.Seq) || op.Next() > m.Late.Next {
		return
	}
	m.fill(op.First, op.Prev)
	m.add(op.Key(), op.Next())
}

// Spoiled takes one that cannot.
func (m *Made) Spoiled(key crdt.Key) { m.spoiled = append(m.spoiled, key) }

// End says that no more is late of the feed.
func (m *Made) End(f crdt.Feed) {
	end := ownend.Highest(f).Head
	if end.Next != m.Late.Next {
		end.ID = crdt.OpID{}
	}
	m.fill(m.Late.Next, end.ID)
}

// fill makes the arrivals of the spoiled ops that end at a seq, with the op last, unless that is not known.
func (m *Made) fill(upto uint64, last crdt.OpID) {
	at := crdt.Key{First: max(m.next, m.Late.Seq)}
	for _, key := range m.spoiled {
		if key.First > at.First && key.First < upto {
			m.add(at, key.First)
			at.First = key.First
		}
		at.ID = key.ID
	}
	m.spoiled = m.spoiled[:0]
	if !last.IsZero() {
		at.ID = last
	}
	m.add(at, upto)
}

// add adds the arrival of the op at a key, up to a seq. What is too long for an op is several.
func (m *Made) add(at crdt.Key, upto uint64) {
	for at.First < upto {
		a := record.Arrival{Offset: m.Late.Offset + at.First - m.Late.Seq, Author: m.Author, Key: at, Count: min(upto-at.First, crdt.MaxOpEntries)}
		m.All = append(m.All, a)
		at.First += a.Count
	}
	m.next = max(m.next, upto)
}
