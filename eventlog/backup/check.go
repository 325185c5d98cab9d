package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// Check reads a backup to its end and verifies it, and returns what it holds: that it is what was written, of each op form,
// id and root, and the signature of the last one of each branch, which vouches for those before it; and that it has all
// that its records of the feeds say, where it is neither since another one nor of a damaged log. It needs memory for
// the number of authors, and for what one block has. Progress is called with the entries; nil for nobody.
//
// An error that is not ctx's is a [*BrokenError].
func Check(ctx context.Context, r io.Reader, progress func(done, total uint64)) (Summary, error) {
	b, err := NewReader(r, 0)
	if err != nil {
		return Summary{}, err
	}
	k := &check{feeds: make(map[crdt.Author]*chains), meta: make(map[string][]byte)}
	for {
		if ctx.Err() != nil {
			return Summary{}, context.Cause(ctx)
		}
		c, err := b.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			if err = k.take(&c); err != nil {
				err = b.Altered("%w", err)
			}
		}
		if err != nil {
			return Summary{}, err
		}
		if progress != nil {
			progress(min(b.entries, b.To-b.From), b.To-b.From)
		}
	}
	if err := k.end(&b.Summary); err != nil {
		return Summary{}, b.Altered("%w", err)
	}
	return b.Summary, nil
}

// ReadSummary returns what a backup holds by its head and its end, and leaves all between them unread: that it was not
// cut is known then, not that it was not altered.
func ReadSummary(r io.ReadSeeker) (Summary, error) {
	b, err := NewReader(r, 0)
	if err != nil {
		return Summary{}, err
	}
	return b.Summary, b.readTail(r)
}

// check holds the ops of a backup against each other and against the records of their feeds.
type check struct {
	feeds map[crdt.Author]*chains
	meta  map[string][]byte
}

// chains is what was met of a feed.
type chains struct {
	record  *record.Feed // nil until it is known
	entries uint64
	// ends are the ops that none has named yet, awaited those that were named and had not come: where a feed begins at a
	// floor they may come later.
	ends    map[crdt.OpID]crdt.Signed
	awaited map[crdt.OpID]bool
}

func (k *check) feed(a crdt.Author) *chains {
	f := k.feeds[a]
	if f == nil {
		f = &chains{ends: make(map[crdt.OpID]crdt.Signed), awaited: make(map[crdt.OpID]bool)}
		k.feeds[a] = f
	}
	return f
}

// take takes what a block has.
func (k *check) take(c *Contents) error {
	for _, p := range c.Pairs {
		switch {
		case bytes.Equal(p.Path[0], schema.Meta):
			k.meta[string(p.Key)] = p.Value
		case bytes.Equal(p.Path[0], schema.Feeds):
			if len(p.Key) != len(crdt.Author{}) {
				return fmt.Errorf("the record of feed %x", p.Key)
			}
			a := crdt.Author(p.Key)
			r, err := record.ParseFeed(a, p.Value)
			if err != nil {
				return fmt.Errorf("the record of feed %s: %w", a, err)
			}
			k.feed(a).record = r
		}
	}
	met := make(map[crdt.Author]bool)
	for _, o := range c.Ops {
		met[o.Author] = true
		k.feed(o.Author).op(o.Signed)
	}
	for a := range met {
		if err := k.feeds[a].settle(); err != nil {
			return err
		}
	}
	return nil
}

// op takes the next op of the feed.
func (f *chains) op(op crdt.Signed) {
	f.entries += op.Count
	if _, named := f.ends[op.Prev]; named {
		delete(f.ends, op.Prev)
	} else if op.First > 0 {
		f.awaited[op.Prev] = true
	}
	if f.awaited[op.ID] {
		delete(f.awaited, op.ID)
		return
	}
	f.ends[op.ID] = op
}

// settle gives the ends memory of their own.
func (f *chains) settle() error {
	for id, op := range f.ends {
		own, err := crdt.ParseSigned(bytes.Clone(op.Bytes()))
		if err != nil {
			return err
		}
		f.ends[id] = own
	}
	return nil
}

// end returns what is wrong with all of it.
func (k *check) end(s *Summary) error {
	if err := s.CheckMeta(k.meta); err != nil {
		return err
	}
	pruned := make(map[crdt.Author]bool)
	for _, p := range s.Pruned {
		pruned[p.Author] = true
	}
	for a, f := range k.feeds {
		if err := a.Valid(); err != nil {
			return err
		}
		for _, op := range f.ends {
			if err := op.Verify(); err != nil {
				return err
			}
		}
		if f.record == nil && s.Whole() {
			return fmt.Errorf("ops of feed %s, of which there is no record", a)
		}
		if s.Since != nil || !s.Whole() {
			continue
		}
		heads := make(map[crdt.OpID]bool)
		for _, b := range f.record.Feed.Branches {
			heads[b.Head.ID] = true
		}
		ends := maps.Collect(func(yield func(crdt.OpID, bool) bool) {
			for id := range f.ends {
				if !yield(id, true) {
					return
				}
			}
		})
		if !pruned[a] && (!maps.Equal(heads, ends) || f.entries != f.record.Entries) {
			return fmt.Errorf("of feed %s there are %d entries and %d ends, where its record says %d and %d", a, f.entries, len(ends), f.record.Entries, len(heads))
		}
	}
	return nil
}
