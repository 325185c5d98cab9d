package copyout

import (
	"context"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// since writes what an earlier backup lacks of what had arrived by then: which bodies have gone, and what could not be
// read then and can be now.
func (c *copying) since(before *backup.Summary) error {
	if c.src.Head.Sweep > before.Sweep {
		var authors []crdt.Author
		if err := c.src.View(func(tx *disk.Tx) error {
			feeds := tx.Tree(schema.Feeds).Cursor()
			for k, v := feeds.First(); k != nil; k, v = feeds.Next() {
				if f, err := record.ParseFeed(crdt.Author(k), v); err == nil && f.Trimmed > 0 {
					authors = append(authors, f.Feed.Author)
				}
			}
			return feeds.Err()
		}); err != nil {
			return err
		}
		for _, a := range authors {
			if err := c.trimmed(a, before); err != nil {
				return err
			}
		}
	}
	for _, d := range before.Damage {
		if err := c.ops(d.From, d.To, item{}); err != nil {
			return err
		}
	}
	return nil
}

// lookOps bounds the ops that one transaction looks at. It reads no bodies.
const lookOps = 1 << 14

// trimmed writes which ops of a feed, of those that an earlier backup has, have lost their bodies since. Where the feed is
// damaged it ends: the restored log has more bodies then.
func (c *copying) trimmed(a crdt.Author, before *backup.Summary) error {
	type gone struct{ offset, sweep uint64 }
	var from crdt.Key
	for more := true; more; {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		var found []gone
		err := c.src.View(func(tx *disk.Tx) error {
			more = false
			ops := tx.Tree(schema.Ops).Child(a[:]).Growing()
			if ops == nil {
				return nil
			}
			cursor, at, looked := ops.Cursor(), record.OpKey(from), 0
			for k, v := cursor.Seek(at[:]); k != nil; k, v = cursor.Next() {
				key, err := record.ParseOpKey(k)
				if err != nil {
					return nil
				}
				if from = key; looked == lookOps {
					more = true
					return nil
				}
				looked++
				if v, err := record.ParseOp(v); err == nil && v.Sweep() > before.Sweep && v.Offset() < before.To {
					found = append(found, gone{v.Offset(), v.Sweep()})
				}
			}
			return cursor.Err()
		})
		if err != nil && !c.src.Damaged(err) {
			return err
		}
		for _, g := range found {
			if err := c.out.Trimmed(g.offset, g.sweep); err != nil {
				return err
			}
		}
		if err := c.out.Breathe(); err != nil {
			return err
		}
	}
	return nil
}
