package node

import (
	"context"
	"fmt"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/gap"
	"github.com/quipulog/quipu/eventlog/whole"
	"github.com/quipulog/quipu/node/metrics"
)

// sampleEvery is how often a node reads what its metrics show of the log's file: see [metrics.Sample].
const sampleEvery = 5 * time.Second

// keepSampling takes samples until ctx ends. One that fails is logged, and what it has not come to is as it was.
func (n *Node) keepSampling(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	var gaps gaps
	if n.cfg.NoIndex {
		gaps.from = n.log.Stats().Next // to find those before would be to read the whole log
	}
	for failing := false; ; {
		s := metrics.Sample{}
		if last := n.sample.Load(); last != nil {
			s = *last
		}
		err := n.takeSample(ctx, &s, &gaps)
		n.sample.Store(&s)
		if err != nil && !failing && ctx.Err() == nil {
			n.logger.Warn("metrics are not all up to date: they are read again and again", "pause", sampleEvery, "err", err)
		}
		failing = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// takeSample brings a sample up to date.
func (n *Node) takeSample(ctx context.Context, s *metrics.Sample, gaps *gaps) error {
	s.DiskFree, s.Alone = nil, nil
	if free, err := whole.Free(n.cfg.Dir); err == nil {
		s.DiskFree = &free
	}
	if network := n.gossip.Status(); !alone(&network) {
		here := n.log.Unreplicated()
		s.Alone = &here
	}
	all, err := n.log.Followers(ctx)
	if err != nil {
		return err
	}
	s.Followers = all
	err = gaps.read(ctx, n.log)
	s.Gaps, s.Lost = gaps.entries, gaps.lost
	return err
}

// gaps is what the entries of kind [gap.Kind] say, as far as they were read.
type gaps struct {
	from          uint64 // the offset at which the next reading begins
	entries, lost uint64
}

// read reads what has come since the last call. An entry that only looks like a gap counts as an entry.
func (g *gaps) read(ctx context.Context, log *eventlog.Log) error {
	next := log.Stats().Next
	for e, err := range log.Entries(ctx, eventlog.Query{Order: eventlog.Arrival, FromOffset: g.from, Kinds: []string{gap.Kind}}) {
		if err != nil {
			return fmt.Errorf("read gaps: %w", err)
		}
		if e.Offset >= next {
			break
		}
		g.entries, g.from = g.entries+1, e.Offset+1
		if said, err := gap.Parse(e); err == nil {
			g.lost += said.Count
		}
	}
	g.from = next
	return nil
}
