package holes

import (
	"bytes"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/feedcheck"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Stretch is a part of a feed: From ≤ seq < Upto.
type Stretch struct{ From, Upto uint64 }

// Look finds the holes of a feed that lie in a stretch or reach into it. It reads the ops of the stretch, those beside it
// up to one on each side that can be read, and where the feed is disputed all from there on that could name them.
type Look struct {
	feed  crdt.Feed
	from  uint64
	upto  uint64   // an op that can be read and begins there ends the look
	at    crdt.Key // where the next chunk begins
	chain *feedcheck.Chain
}

// NewLook returns a look at a stretch of f.
func NewLook(f crdt.Feed, s Stretch) *Look {
	l := &Look{feed: f, from: s.From, upto: s.Upto, chain: feedcheck.NewChain(f, 0)}
	if from, forked := f.Disputed(); forked && s.Upto > from {
		l.from, l.upto = min(s.From, from), s.Upto+crdt.MaxOpEntries
	}
	return l
}

// Chunk looks at ops of most bytes, or a little more, and reports whether there are more. ops are those of the feed; nil
// for none.
func (l *Look) Chunk(ops *disk.Tree, most int) (more bool, err error) {
	if ops == nil {
		l.chain.End(crdt.MaxSeq)
		return false, nil
	}
	c := ops.Cursor()
	k, v := l.begin(c)
	for ; k != nil && most > 0; k, v = c.Next() {
		key, err := record.ParseOpKey(k)
		if err != nil {
			continue // it is that of no op
		}
		most -= len(v)
		l.at = record.KeyAfter(key)
		op, readable := l.read(key, v)
		if !readable {
			l.chain.Spoiled(key)
			continue
		}
		if l.chain.Op(op); key.First >= l.upto {
			l.chain.End(key.First)
			return false, nil
		}
	}
	if err := c.Err(); err != nil || k != nil {
		return err == nil, err
	}
	l.chain.End(crdt.MaxSeq)
	return false, nil
}

// begin moves to where the chunk begins: the first one with the last op before the stretch that can be read.
func (l *Look) begin(c *disk.Cursor) (k, v []byte) {
	from := record.OpKey(l.at)
	if l.at != (crdt.Key{}) {
		return c.Seek(from[:])
	}
	from = record.OpKey(crdt.Key{First: l.from})
	if after, _ := c.Seek(from[:]); after == nil {
		k, v = c.Last()
	} else {
		k, v = c.Prev()
	}
	for ; k != nil; k, v = c.Prev() {
		key, err := record.ParseOpKey(k)
		if err != nil {
			continue
		}
		if op, readable := l.read(key, v); readable {
			l.chain = feedcheck.NewChain(l.feed, op.Next())
			return k, v
		}
	}
	return c.First()
}

// read returns the header of an op, if the op can be read.
func (l *Look) read(key crdt.Key, v []byte) (op crdt.Signed, readable bool) {
	o, err := record.Op(bytes.Clone(v)).Verify(l.feed.Author, key)
	return o.Signed, err == nil
}

// Holes returns what was found, once there is no more to look at.
func (l *Look) Holes() []crdt.Span { return l.chain.Holes }
