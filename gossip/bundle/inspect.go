package bundle

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// Contents says what is in a bundle.
type Contents struct {
	Log     crdt.LogID  `json:"log"`
	Author  crdt.Author `json:"author"` // whose node made it, by its own word
	Made    time.Time   `json:"made"`
	Since   int         `json:"since"`   // authors in the frontier since which it was made
	Upto    int         `json:"upto"`    // authors in the frontier up to which it leads
	Ops     uint64      `json:"ops"`     // that verify
	Entries uint64      `json:"entries"` // in them
	// Gain is how many entries somebody lacks who holds the frontier that was asked about; exact for
	// feeds that are not forked. It is absent when none was asked about.
	Gain *uint64 `json:"gain,omitempty"`
	// Feeds is what it has of each author, in order.
	Feeds []Feed `json:"feeds"`
	Reading
}

// Feed is what a bundle has of one author.
type Feed struct {
	Author  crdt.Author `json:"author"`
	From    uint64      `json:"from"` // the lowest seq
	Next    uint64      `json:"next"` // after the highest seq
	Ops     uint64      `json:"ops"`
	Entries uint64      `json:"entries"`
	// Gain is the part of Contents.Gain that is this author's. Needs says that whoever holds the
	// frontier that was asked about lacks something before From.
	Gain  uint64 `json:"gain,omitempty"`
	Needs bool   `json:"needs,omitempty"`
	// Loose says that a run does not go on from the end of another one: it hangs in the middle of one,
	// as branches do, or in what is not in the bundle. Only a log can tell.
	Loose bool `json:"loose,omitempty"`
	// Problem says what does not verify, or what is promised and is not there.
	Problem string `json:"problem,omitempty"`
}

// OK reports whether the bundle is whole, and all that it has verifies and is all that it promises.
func (c *Contents) OK() bool {
	return c.Whole && !slices.ContainsFunc(c.Feeds, func(f Feed) bool { return f.Problem != "" })
}

// Inspect reads a bundle and verifies it as far as that can be done without a log: every run is a chain
// of its author's ops with matching bodies, authorised by a signature, and goes on from another or from
// what the bundle was made since. What is wrong is in the contents; the error is one of the stream or of
// ctx, [ErrNotBundle], or one that wraps [ErrHead]. With against, it says what the bundle would bring to
// somebody who holds that.
func Inspect(ctx context.Context, r io.Reader, against crdt.Frontier) (Contents, error) {
	b, err := open(r)
	if err != nil {
		return Contents{}, fmt.Errorf("inspect bundle: %w", err)
	}
	in := &inspector{reader: b, against: against, feeds: make(map[crdt.Author]*inspected)}
	for m := range b.runs() {
		in.take(m)
		if err := context.Cause(ctx); err != nil {
			return Contents{}, fmt.Errorf("inspect bundle: %w", err)
		}
	}
	if b.err != nil {
		return Contents{}, fmt.Errorf("inspect bundle: %w", b.err)
	}
	return in.contents(), nil
}

// maxEnds bounds the ends of runs that are remembered of one feed: a run goes on from one of the last,
// unless it hangs in the middle of one.
const maxEnds = 64

// inspector collects what a bundle has.
type inspector struct {
	*reader
	against crdt.Frontier // nil when nothing was asked
	feeds   map[crdt.Author]*inspected
	ops     uint64
	entries uint64
	lost    int // ops of authors past the first [MaxHeads]
}

// inspected is what came of one author.
type inspected struct {
	Feed
	ends    []crdt.Head // of the last runs
	reached []crdt.Head // of those that the bundle promises
	floor   uint64      // that a leave allows to begin at
}

func (in *inspector) take(m wire.Ops) {
	f := in.feeds[m.Author]
	if f == nil {
		if len(in.feeds) == MaxHeads {
			in.lost += len(m.Run.Ops)
			return
		}
		f = &inspected{Feed: Feed{Author: m.Author}}
		in.feeds[m.Author] = f
	}
	if m.Newer != nil {
		f.problem(m.Newer.Error())
	}
	if len(m.Run.Ops) == 0 {
		return
	}
	n, err := m.Run.Verify(in.head.Log)
	if err == nil && len(m.Run.Leave.Bytes()) > 0 {
		if err = m.Run.Leave.Verify(); err == nil {
			f.floor = max(f.floor, m.Run.Leave.Floor)
		}
	}
	if err != nil {
		f.problem(err.Error())
	}
	if n > 0 {
		in.add(f, m.Run.Ops[:n])
	}
}

// add counts ops that verify.
func (in *inspector) add(f *inspected, ops []crdt.Op) {
	first, last := ops[0], ops[len(ops)-1]
	before := crdt.Head{Next: first.First, ID: first.Prev}
	if first.First > f.floor && !slices.Contains(f.ends, before) && !slices.Contains(in.head.Since[f.Author], before) {
		f.Loose = true
	}
	if f.ends = append(f.ends, last.Head()); len(f.ends) > maxEnds {
		f.ends = slices.Delete(f.ends, 0, maxEnds/2)
	}
	if f.Ops == 0 || first.First < f.From {
		f.From = first.First
	}
	f.Next = max(f.Next, last.Next())
	held, promised := next(in.against[f.Author]), in.head.Upto[f.Author]
	for _, op := range ops {
		if h := op.Head(); slices.Contains(promised, h) && !slices.Contains(f.reached, h) {
			f.reached = append(f.reached, h)
		}
		f.Ops++
		f.Entries += op.Count
		in.ops++
		in.entries += op.Count
		if in.against != nil && op.Next() > held {
			f.Gain += op.Next() - max(op.First, held)
		}
	}
}

// problem notes the first problem.
func (f *inspected) problem(text string) {
	if f.Problem == "" {
		f.Problem = text
	}
}

// contents sums up.
func (in *inspector) contents() Contents {
	if in.lost > 0 {
		in.damage(in.Bytes, "%d ops of authors past the first %d", in.lost, MaxHeads)
		in.Whole = false
	}
	in.findMissing()
	c := Contents{
		Log: in.head.Log, Author: in.head.Author, Made: in.head.Made, Since: len(in.head.Since), Upto: len(in.head.Upto),
		Ops: in.ops, Entries: in.entries, Reading: in.Reading, Feeds: make([]Feed, 0, len(in.feeds)),
	}
	var gain uint64
	for _, f := range in.feeds {
		f.Needs = in.against != nil && f.Gain > 0 && next(in.against[f.Author]) < f.From
		gain += f.Gain
		c.Feeds = append(c.Feeds, f.Feed)
	}
	if in.against != nil {
		c.Gain = &gain
	}
	slices.SortFunc(c.Feeds, func(a, b Feed) int { return a.Author.Compare(b.Author) })
	return c
}

// findMissing notes the feeds that end below what the bundle promises.
func (in *inspector) findMissing() {
	for a, heads := range in.head.Upto {
		f := in.feeds[a]
		for _, h := range heads {
			if slices.Contains(in.head.Since[a], h) || f != nil && slices.Contains(f.reached, h) {
				continue
			}
			if f == nil {
				f = &inspected{Feed: Feed{Author: a}}
				f.From = next(in.head.Since[a])
				f.Next = f.From
				in.feeds[a] = f
			}
			if f.Next < h.Next {
				f.problem(fmt.Sprintf("missing from seq %d on, up to seq %d", f.Next, h.Next))
			} else if !f.Loose {
				f.problem(fmt.Sprintf("missing: a branch that ends at seq %d", h.Next))
			}
		}
	}
}

// next returns the seq after the last one below heads.
func next(heads []crdt.Head) uint64 {
	var n uint64
	for _, h := range heads {
		n = max(n, h.Next)
	}
	return n
}
