package ownend

import (
	"bytes"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Copied returns what meta of a copy is to hold, in which the end of our feed may not be known: all that meta holds, and
// why. own is where our feed ends in it; where meta says that our own writing has ended before, that stays.
func Copied(meta *disk.Tree, why record.Recovering, own crdt.Head) (map[string][]byte, error) {
	all := make(map[string][]byte)
	c := meta.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		all[string(k)] = bytes.Clone(v)
	}
	all[string(keyWhy)], all[string(keyTold)] = why.Encode(), []byte{1}
	if all[string(keyEnd)] == nil && own != (crdt.Head{}) {
		b := record.OpKey(crdt.Key{First: own.Next, ID: own.ID})
		all[string(keyEnd)] = b[:]
	}
	return all, c.Err()
}

// Since has what meta holds say since when the end of our feed may not be known.
func Since(meta map[string][]byte, now time.Time) error {
	why, err := record.ParseRecovering(meta[string(keyWhy)])
	if err != nil {
		return err
	}
	why.Since = now
	meta[string(keyWhy)] = why.Encode()
	return nil
}

// Clear takes from what meta holds all that [Forget] drops, and returns where our own writing ended.
func Clear(meta map[string][]byte) (end crdt.Head, err error) {
	if b := meta[string(keyEnd)]; b != nil {
		key, err := record.ParseOpKey(b)
		if err != nil {
			return end, err
		}
		end = crdt.Head{Next: key.First, ID: key.ID}
	}
	for _, key := range forgotten {
		delete(meta, string(key))
	}
	return end, nil
}
