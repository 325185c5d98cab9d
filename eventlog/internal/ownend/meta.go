package ownend

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// The keys in meta, see package schema.
var (
	keyWhy    = schema.Why
	keyOlder  = schema.Recovering
	keyEnd    = schema.OwnEnd
	keySecond = schema.SecondWriter
	keyTold   = schema.Told
)

// forgotten are the keys of the records of a state that is over.
var forgotten = [][]byte{keyWhy, keyOlder, keyEnd, keySecond}

// Meta is what meta says.
type Meta struct {
	// Second is an op of ours that contradicts what was written here, Older one that came from beyond its end; nil for
	// none.
	Second, Older *crdt.Signed
	// Why is why the end of our feed may not be known; nil where it is.
	Why *record.Recovering
	// End is where our own writing ended before a second writer, or before its end was not known.
	End crdt.Head
	// Told says that others may hold what was written here.
	Told bool
}

// Read reads what meta says. An error names the record that is wrong.
func Read(meta *disk.Tree) (m Meta, err error) {
	m.Told = meta.Get(keyTold) != nil
	read := func(key []byte, parse func(b []byte) error) {
		if b := meta.Get(key); b != nil && err == nil {
			if err = parse(bytes.Clone(b)); err != nil {
				err = fmt.Errorf("the record %q: %w", key, err)
			}
		}
	}
	op := func(to **crdt.Signed) func([]byte) error {
		return func(b []byte) error {
			s, err := crdt.ParseSigned(b)
			*to = &s
			return err
		}
	}
	read(keySecond, op(&m.Second))
	read(keyOlder, op(&m.Older))
	read(keyWhy, func(b []byte) error {
		why, err := record.ParseRecovering(b)
		m.Why = &why
		return err
	})
	read(keyEnd, func(b []byte) error {
		end, err := record.ParseOpKey(b)
		m.End = crdt.Head{Next: end.First, ID: end.ID}
		return err
	})
	return m, err
}

// Begin puts on record why the end of our feed may not be known, the op that has shown it, nil for none, and unless it is
// zero the end of our own writing.
func Begin(meta *disk.Tree, why record.Recovering, older *crdt.Signed, end crdt.Head) error {
	err := meta.Put(keyWhy, why.Encode())
	if older != nil {
		err = errors.Join(err, meta.Put(keyOlder, older.Bytes()))
	}
	return errors.Join(err, putEnd(meta, end))
}

// Pairs returns what Begin puts into meta, for a file that is being made; others may hold what was written there.
func Pairs(why record.Recovering, end crdt.Head) map[string][]byte {
	pairs := map[string][]byte{string(keyWhy): why.Encode(), string(keyTold): {1}}
	if end != (crdt.Head{}) {
		b := record.OpKey(crdt.Key{First: end.Next, ID: end.ID})
		pairs[string(keyEnd)] = b[:]
	}
	return pairs
}

// Fork puts on record an op of ours that contradicts what was written here, and unless it is zero the end of that.
func Fork(meta *disk.Tree, second crdt.Signed, end crdt.Head) error {
	return errors.Join(meta.Put(keySecond, second.Bytes()), putEnd(meta, end))
}

func putEnd(meta *disk.Tree, end crdt.Head) error {
	if end == (crdt.Head{}) {
		return nil
	}
	b := record.OpKey(crdt.Key{First: end.Next, ID: end.ID})
	return meta.Put(keyEnd, b[:])
}

// Tell puts on record that others may hold what was written here.
func Tell(meta *disk.Tree) error { return meta.Put(keyTold, []byte{1}) }

// Forget drops all records but that others were told.
func Forget(meta *disk.Tree) error {
	var err error
	for _, key := range forgotten {
		err = errors.Join(err, meta.Remove(key))
	}
	return err
}
