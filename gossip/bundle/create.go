package bundle

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// Options says what goes into a bundle. The zero value takes everything.
type Options struct {
	// Since is what whoever the bundle is for holds already.
	Since crdt.Frontier
	// Made is when the bundle is made. Default: now.
	Made time.Time
}

// Summary says what [Create] has written.
type Summary struct {
	Log     crdt.LogID `json:"log"`
	Authors int        `json:"authors"` // that the bundle has ops of
	Ops     uint64     `json:"ops"`
	Entries uint64     `json:"entries"`
	Bytes   int64      `json:"bytes"` // of the bundle
	Plain   int64      `json:"plain"` // what it would be if nothing in it were packed
	// Unknown are the authors of whom Since has a head that this log does not hold. Of them everything
	// is in the bundle.
	Unknown []crdt.Author `json:"unknown,omitempty"`
	// Left are the feeds that could not be read to their end.
	Left []Lack `json:"left,omitempty"`
}

// maxPlans bounds how often one feed is planned: its branches may join while they are read.
const maxPlans = 8

// Create writes a bundle of what log holds beyond o.Since. Its error is that of w, of ctx, or of a log
// that cannot be read at all; a single feed that cannot be read is left out from there on and named in
// the summary. What was written before an error has no end, and is seen to be cut off.
func Create(ctx context.Context, log Source, w io.Writer, o Options) (Summary, error) {
	c := &creator{log: log, since: o.Since, made: o.Made, sum: sha256.New(), packer: wire.Packer{Always: true}}
	c.w = io.MultiWriter(w, c.sum)
	c.Log = log.ID()
	if err := c.create(ctx); err != nil {
		return Summary{}, fmt.Errorf("create bundle: %w", err)
	}
	return c.Summary, nil
}

// creator writes one bundle.
type creator struct {
	Summary
	log    Source
	since  crdt.Frontier
	made   time.Time
	w      io.Writer // to the bundle and to sum
	sum    hash.Hash
	err    error // the first of w; nothing is written after it
	packer wire.Packer
	frame  []byte // memory for the next one
}

func (c *creator) create(ctx context.Context) error {
	upto := c.log.Frontier()
	for _, f := range []crdt.Frontier{c.since, upto} {
		if n := countHeads(f); n > MaxHeads {
			return fmt.Errorf("a frontier of %d heads: a bundle has at most %d", n, MaxHeads)
		}
	}
	if err := c.findUnknown(ctx); err != nil {
		return err
	}
	c.writeHead()
	c.writeFrontier(roundSince, c.since)
	c.writeFrontier(roundUpto, upto)
	for a, heads := range upto.All() {
		if slices.Equal(heads, c.since[a]) {
			continue
		}
		c.writeFeed(ctx, a)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if c.err != nil {
			return c.err
		}
	}
	c.writeEnd()
	return c.err
}

// findUnknown notes of whom c.since has a head that is not held here.
func (c *creator) findUnknown(ctx context.Context) error {
	for part := range parts(c.since) {
		wants, err := c.log.Wants(ctx, part, 0)
		if err != nil {
			return err
		}
		for _, w := range wants {
			c.Unknown = append(c.Unknown, w.Author)
		}
	}
	return nil
}

func (c *creator) writeHead() {
	made := c.made
	if made.IsZero() {
		made = time.Now()
	}
	h := Head{Log: c.Log, Author: c.log.Author(), Made: made}
	if g, known := c.log.Genesis(); known {
		h.Genesis = g.Encode()
	}
	c.write([]byte(magic), len(magic))
	frame := appendHead(nil, h)
	c.write(frame, len(frame))
}

func (c *creator) writeFrontier(round uint32, f crdt.Frontier) {
	after, upto := crdt.Path{}.AuthorRange()
	for v := range wire.Vectors(after, upto, f.All()) {
		v.Round, v.Last = round, v.Upto == upto
		c.writeMessage(v)
	}
}

// writeFeed writes what is held of a beyond c.since. Where a branch has joined another while it was
// read, a new plan shows what is left.
func (c *creator) writeFeed(ctx context.Context, a crdt.Author) {
	want := crdt.Want{Author: a}
	want.Locator.Heads = lastHeads(c.since[a])
	ops := c.Ops
	defer func() {
		if c.Ops > ops {
			c.Authors++
		}
	}()
	for range maxPlans {
		segments, err := c.log.Plan(ctx, want)
		if err != nil {
			c.leave(a, crdt.Segment{}, err)
			return
		}
		whole := true
		for _, seg := range segments {
			if err := c.writeSegment(ctx, &seg); err != nil {
				c.leave(a, seg, err)
				return
			}
			if c.err != nil {
				return
			}
			whole = whole && seg.After == seg.To
			want.Locator.Heads = lastHeads(append(slices.Clip(want.Locator.Heads), seg.After))
		}
		if whole {
			return
		}
	}
	c.leave(a, crdt.Segment{}, fmt.Errorf("its branches changed %d times while they were read", maxPlans))
}

// leave notes that a feed could not be read beyond seg.After.
func (c *creator) leave(a crdt.Author, seg crdt.Segment, err error) {
	c.Left = append(c.Left, Lack{Author: a, Held: seg.After.Next, Upto: seg.To.Next, Reason: err.Error()})
}

// writeSegment writes a segment run by run. Its error is that of reading.
func (c *creator) writeSegment(ctx context.Context, seg *crdt.Segment) error {
	for c.err == nil {
		before := seg.After
		run, err := c.log.Read(ctx, seg, wire.MaxRunBytes)
		if err != nil || len(run.Ops) == 0 {
			return err
		}
		if !c.writeMessage(wire.Ops{Author: seg.Author, Run: run}) {
			seg.After = before
			return fmt.Errorf("a run of %d ops and %d bytes without a valid signature before its end does not go into a frame",
				len(run.Ops), run.Size())
		}
		c.Ops += uint64(len(run.Ops))
		for _, op := range run.Ops {
			c.Entries += op.Count
		}
	}
	return nil
}

func (c *creator) writeEnd() {
	frame := appendEnd(nil, end{ops: c.Ops, entries: c.Entries, sum: crdt.Hash(c.sum.Sum(nil))})
	c.write(frame, len(frame))
}

// writeMessage writes a message, packed if that is shorter; false means that it fits no frame.
func (c *creator) writeMessage(m wire.Message) bool {
	if ops, ok := m.(wire.Ops); ok && len(ops.Run.Ops) > wire.MaxRunOps {
		return false
	}
	c.frame = wire.Append(c.frame[:0], m)
	if len(c.frame)-headerSize > m.Kind().MaxBody() {
		return false
	}
	c.write(c.packer.Pack(c.frame), len(c.frame))
	return true
}

// write writes a frame that has plain bytes when it is not packed.
func (c *creator) write(frame []byte, plain int) {
	if c.err != nil {
		return
	}
	_, c.err = c.w.Write(frame)
	c.Bytes += int64(len(frame))
	c.Plain += int64(plain)
}

// lastHeads returns as many of the last heads as a locator holds.
func lastHeads(heads []crdt.Head) []crdt.Head { return heads[max(0, len(heads)-crdt.MaxLocator):] }
