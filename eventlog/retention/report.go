package retention

import (
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Options say how one trim differs from what the log's configuration says. They may be zero.
type Options struct {
	// Policy takes the place of the configured one. Bodies that are dropped sooner than on other nodes cannot be
	// given to those that still want them.
	Policy *Policy
	// Holds keep back what other nodes have not got yet, beside what the log's own followers hold back.
	Holds []Hold
}

// Forgotten counts what a trim has dropped.
type Forgotten struct {
	Ops, Entries uint64
	Bytes        uint64 // that these took in the file: whole pages are free now, the rest after a compaction
	// Lost is what could not be read and was forgotten with what was beside it. It is not counted.
	Lost []Lost
}

// Lost is a stretch of a feed, From ≤ seq < Upto, that was damaged or missing when it was pruned.
type Lost struct {
	Author     crdt.Author
	From, Upto uint64
}

// Count counts an op of so many entries, whose room in the file has become less by so many bytes.
func (f *Forgotten) Count(entries uint64, bytes int) {
	f.Add(Forgotten{Ops: 1, Entries: entries, Bytes: uint64(max(bytes, 0))})
}

// Add counts what another part of the trim has dropped.
func (f *Forgotten) Add(o Forgotten) {
	f.Ops += o.Ops
	f.Entries += o.Entries
	f.Bytes += o.Bytes
	f.Lost = append(f.Lost, o.Lost...)
}

// Report is what a trim did.
type Report struct {
	// Trimmed counts the ops that have lost their bodies, Pruned the ops that were dropped.
	Trimmed, Pruned Forgotten
	Held            []HeldBack
	// Ahead counts what was kept of feeds whose clocks are ahead, by author.
	Ahead []KeptAhead
	// ClockOff is not 0 where no body was trimmed because the wall clock disagrees with those of most other
	// nodes: see SetClockOff of the log.
	ClockOff time.Duration
}

// AheadFeed is a feed whose last clock is more than a minute ahead of the wall clock: the clock of the node that
// wrote it was wrong for a while, or ours is. Each clock of a feed is greater than the one before, so the feed stays
// ahead until the wall clock has caught up, and the order of its entries among others' means little.
type AheadFeed struct {
	Author crdt.Author
	Clock  crdt.Clock // of its last op
}

// KeptAhead counts what a trim has kept of a feed whose clocks are ahead. Such entries are as old as their
// arrival here, which is too recent.
type KeptAhead struct {
	AheadFeed
	// Entries is how many are far enough from the end of the feed to be trimmed, and Below the seq after
	// the last of them.
	Entries, Below uint64
}

// Keep counts an op that stays since it is not known to be old, if its clock is ahead of a wall clock that says now.
func (r *Report) Keep(s crdt.Signed, now time.Time) {
	if !s.Clock.Ahead(now) {
		return
	}
	at := slices.IndexFunc(r.Ahead, func(k KeptAhead) bool { return k.Author == s.Author })
	if at < 0 {
		at = len(r.Ahead)
		r.Ahead = append(r.Ahead, KeptAhead{AheadFeed: AheadFeed{Author: s.Author}})
	}
	k := &r.Ahead[at]
	if s.Next() > k.Below {
		k.Entries += s.Count
		k.Below, k.Clock = s.Next(), max(k.Clock, s.Clock)
	}
}
