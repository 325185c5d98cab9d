package restore

import (
	"errors"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// ErrKeyUsed is returned by [Into] for a key with which entries were written that the backup has.
var ErrKeyUsed = errors.New("key has a feed already")

// begin makes the log that of another author, whose feed begins with an entry that says so.
func (r *restoring) begin(last *backup.Reader) error {
	author, h := crdt.AuthorOf(r.o.Key), &last.Head
	formerly := ownend.Authors(append([]crdt.Author{h.Author}, h.Formerly...))
	if slices.Contains(formerly, author) || r.maker.Holds(author) {
		return fmt.Errorf("%w: that of author %s", ErrKeyUsed, author)
	}
	end, err := ownend.Clear(r.meta)
	if err != nil {
		return last.Altered("%w", err)
	}
	r.meta[string(schema.Author)], r.meta[string(schema.Formerly)] = author[:], formerly.Encode()
	payload, err := record.TakenUp{Why: "new key", From: end, End: end, Former: &h.Author}.Payload()
	if err != nil {
		return err
	}
	op, err := crdt.NewOp(r.o.Key, crdt.Header{Log: h.Log, Clock: crdt.NextClock(r.now, 0, r.clock)}, r.now,
		crdt.Event{Kind: record.RecoverKind, Payload: payload})
	if err != nil {
		return err
	}
	return r.maker.Op(op, last.To, 0)
}
