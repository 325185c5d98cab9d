package node

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/server"
)

// Trimmed is what the last trim of a node did. It is not changed once it is there.
type Trimmed struct {
	At     time.Time
	Took   time.Duration
	Report eventlog.TrimReport
	Err    error
}

// keepTrimming trims the log at once and then again and again until ctx ends. A trim that fails is logged
// and tried again the next time: the log says itself when it cannot go on at all.
func (n *Node) keepTrimming(ctx context.Context) {
	if n.cfg.TrimEvery < 0 {
		return
	}
	tick := time.NewTicker(n.cfg.TrimEvery)
	defer tick.Stop()
	for {
		if _, err := n.Trim(ctx, nil); err != nil && ctx.Err() == nil {
			n.logger.Warn("trim failed; it is tried again later", "err", err, "pause", n.cfg.TrimEvery)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// clockWait is how long the first trim waits for members to say what time it is.
const clockWait = 10 * time.Second

// awaitClock waits until the members that can be reached have said what time it is, if there are any.
func (n *Node) awaitClock(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, clockWait)
	defer cancel()
	_ = n.gossip.WaitCaughtUp(ctx) // whatever comes of it: to compare is to hear the time
}

// noteClock tells the log how its wall clock stands to those of the members. What was known last holds while
// nobody can be asked.
func (n *Node) noteClock(clock gossip.ClockOff) {
	if clock.Known > 0 {
		n.log.SetClockOff(clock.Off)
	}
}

// Trim forgets what the node's policy, or the one that is given, lets go: see [eventlog.Log.Trim]. Where
// members are waited for, what one of them is not known to have stays, as long as it is remembered.
func (n *Node) Trim(ctx context.Context, policy *eventlog.TrimPolicy) (eventlog.TrimReport, error) {
	began := time.Now()
	n.noteClock(n.gossip.ClockOff())
	report, err := trim(ctx, n.log, eventlog.TrimOptions{Policy: policy, Holds: n.Holds()})
	n.trims.count(began, report, err)
	n.trimmed.Store(&Trimmed{At: began.UTC(), Took: time.Since(began), Report: report, Err: err})
	if gone := report.Trimmed.Entries + report.Pruned.Entries; gone > 0 {
		n.logger.Info("trimmed", "entries", report.Trimmed.Entries, "pruned", report.Pruned.Entries,
			"bytes", report.Trimmed.Bytes+report.Pruned.Bytes, "took", time.Since(began).Round(time.Millisecond))
	}
	for _, h := range report.Held {
		n.logger.Debug("trim is held back", "holder", h.Name, "offset", h.Offset, "entries", h.Entries, "overrun", h.Overrun)
	}
	return report, err
}

// trim trims a log, and brings transitions up to date where they alone keep something back.
func trim(ctx context.Context, log *eventlog.Log, o eventlog.TrimOptions) (eventlog.TrimReport, error) {
	report, err := log.Trim(ctx, o)
	if err != nil || !slices.ContainsFunc(report.Held, holdsTransitions) {
		return report, err
	}
	// What transitions have projected is theirs to keep: it needs only be brought up to date.
	if err := transition.CatchUp(ctx, log); err != nil && !errors.Is(err, eventlog.ErrSecondWriter) {
		return report, err
	}
	more, err := log.Trim(ctx, o)
	return joined(report, more), err
}

// Holds returns what members keep back of a trim, where they are waited for.
func (n *Node) Holds() []eventlog.Hold {
	if !n.cfg.TrimWaits {
		return nil
	}
	return n.memory.holds()
}

// DescribeTrim fills in the part of what is told of trims that only a running node knows.
func (n *Node) DescribeTrim(s *api.TrimStatus) {
	s.Waits, s.Every, s.Last = waits(n.cfg.TrimWaits), age.Age(max(n.cfg.TrimEvery, 0)), n.tellTrim()
}

// tellTrim returns the last trim as clients are told it; nil before there was one.
func (n *Node) tellTrim() *api.LastTrim {
	t := n.LastTrim()
	if t == nil {
		return nil
	}
	return server.TellTrim(t.At, t.Took, t.Report, t.Err)
}

// waits returns the word for who keeps back a trim.
func waits(members bool) string {
	if members {
		return folder.WaitsForMembers
	}
	return folder.WaitsForFollowers
}

// trimmer trims a log that is open without a daemon, as the daemon of its folder would.
type trimmer struct {
	log     *eventlog.Log
	folder  folder.Folder
	members bool // are waited for
	logger  *slog.Logger
}

// Trim is [Node.Trim].
func (t trimmer) Trim(ctx context.Context, policy *eventlog.TrimPolicy) (eventlog.TrimReport, error) {
	return trim(ctx, t.log, eventlog.TrimOptions{Policy: policy, Holds: t.Holds()})
}

// Holds returns what the members keep back that the last daemon has remembered.
func (t trimmer) Holds() []eventlog.Hold {
	if !t.members {
		return nil
	}
	return recall(t.folder, t.log, time.Now(), t.logger).holds()
}

// DescribeTrim says who is waited for; nothing trims by itself.
func (t trimmer) DescribeTrim(s *api.TrimStatus) { s.Waits = waits(t.members) }

// LastTrim returns what the last trim did; nil before there was one.
func (n *Node) LastTrim() *Trimmed { return n.trimmed.Load() }

func holdsTransitions(h eventlog.HeldBack) bool { return h.Name == transition.Kind && !h.Overrun }

// joined returns what two trims did together; what is held back is what the second has found.
func joined(a, b eventlog.TrimReport) eventlog.TrimReport {
	b.Trimmed.Add(a.Trimmed)
	b.Pruned.Add(a.Pruned)
	return b
}

// holds returns what the members that are remembered keep back, as of the last look: all that arrived
// since the node was last seen to be equal to them.
func (m *memory) holds() []eventlog.Hold {
	if holds := m.held.Load(); holds != nil {
		return *holds
	}
	return nil
}

// noteHolds makes what is remembered known to others than the goroutine that owns m.
func (m *memory) noteHolds() {
	holds := make([]eventlog.Hold, 0, len(m.peers))
	for _, p := range m.peers {
		holds = append(holds, eventlog.Hold{Name: "member " + p.Author.String(), Offset: p.EqualOffset})
	}
	slices.SortFunc(holds, func(a, b eventlog.Hold) int { return strings.Compare(a.Name, b.Name) })
	m.held.Store(&holds)
}

// keeps returns what a node with a policy does not forget.
func keeps(p eventlog.TrimPolicy) gossip.Keeps {
	k := gossip.Keeps{Bodies: p.KeepBodies, Forgotten: p.KeepPruned, Age: max(p.MinAge, 0), Entries: p.MinCount}
	if p.MinCount == eventlog.NoCount {
		k.Entries = 0
	}
	return k
}
